"""What OpenSSH says when there is no way to the node -> what is wrong and what to do. PURE."""

from __future__ import annotations

import re

from phoenix_pve.errors import NodeError, TooSlowError
from phoenix_pve.foreign import LINE, admit, last_line
from phoenix_pve.values.text import lines

FORGET = re.compile(r"""ssh-keygen -f ["'][\w ./@+~-]+["'] -R ["'][\w .:\[\]@%-]+["']""")
"""What ssh proposes, and nothing that a server's greeting could put in its place."""

# Words of ssh in the order in which they are looked for: what is wrong, and what to do. {host} is the host as given.
CAUSES = (
    (
        "REMOTE HOST IDENTIFICATION HAS CHANGED",
        "{host} shows another host key than the one that is known",
        "was it installed anew? then: {forget}; otherwise something else answers in its place",
    ),
    (
        "Host key verification failed",
        "the host key of {host} is not known here",
        "log in once by hand and compare the fingerprint that it shows: ssh {host}",
    ),
    (
        "Permission denied",
        "{host} accepts none of your keys",
        "does `ssh {host} true` work? give it your key with ssh-copy-id {host}, or load the key: ssh-add",
    ),
    (
        "Too many authentication failures",
        "{host} was offered too many keys",
        "name the right one for {name} in ~/.ssh/config: IdentityFile, with IdentitiesOnly yes",
    ),
    (
        "Could not resolve hostname",
        "{host}: there is no such host",
        "is the name spelled right? `ssh {host} true` must work; ~/.ssh/config can give the host a name",
    ),
    (
        "Connection refused",
        "{host} refuses the connection",
        "does its SSH server run, and on the port that ~/.ssh/config names?",
    ),
    (
        "timed out",
        "{host} does not answer",
        "is it switched on, and reachable from here? try: ssh {host} true",
    ),
    (
        "No route to host",
        "there is no route to {host}",
        "is it switched on, and reachable from here? try: ssh {host} true",
    ),
    (
        "Network is unreachable",
        "the network of {host} cannot be reached",
        "is this machine on the network? try: ssh {host} true",
    ),
    (
        "open failed",
        "{host} allows no session over a connection",
        "set MaxSessions in /etc/ssh/sshd_config there to 10, which is its default",
    ),
    (
        "Bad configuration option",
        "your SSH configuration cannot be used: {said}",
        "mend ~/.ssh/config until this works: ssh {host} true",
    ),
)


def not_connected(host: str, said: str) -> NodeError:
    """Return the error for a connection that was never there; `said` is all that ssh said."""
    words_of_ssh = [line.strip() for line in lines(said) if line.strip()]
    forget = next((line for line in words_of_ssh if FORGET.fullmatch(line)), f"ssh-keygen -R {name_of(host)}")
    first = admit((words_of_ssh or ["nothing"])[0], LINE)
    told = {"host": host, "name": name_of(host), "said": first, "forget": forget}
    for words, message, hint in CAUSES:
        if words in said:
            return NodeError(message.format(**told), hint.format(**told))
    last = last_line(said, "ssh said nothing")
    return NodeError(f"there is no connection to {host}: {last}", f"does this work? ssh {host} true")


def no_answer(host: str, said: str) -> NodeError:
    """Return the error for a host that lets us in, or seems to, and then says nothing; `said` is all that ssh said."""
    last = last_line(said, "ssh said nothing")
    return NodeError(
        f"{host} gives no answer: {last}", f"does this say `fine`, and at once? ssh -o BatchMode=yes {host} echo fine"
    )


def is_one_too_many(said: str) -> bool:
    """Return whether ssh said that the server allows no more commands over the connection, so that none began."""
    return "mux_client_request_session: session request failed" in said


def no_session(host: str) -> NodeError:
    """Return the error for a server that allows a single command over a connection, which holds it open."""
    return NodeError(
        f"{host} allows only one session over a connection",
        "set MaxSessions in /etc/ssh/sshd_config there to 10, which is its default",
    )


def lost(host: str, doing: str) -> NodeError:
    """Return the error for a connection that broke; `doing` is what was going on, without secrets."""
    return NodeError(
        f"the connection to {host} was lost during `{doing}`",
        "what had begun there may go on; run the same command again when the host is back: it goes on from there",
    )


def too_slow(host: str, doing: str, seconds: float) -> TooSlowError:
    """Return the error for a command that takes longer than it may; one that changes something is not ended there."""
    return cut_short(host, doing, f"did not end within {seconds:g} s")


def cut_short(host: str, doing: str, why: str) -> TooSlowError:
    """Return the error for a command that takes longer than it may, or prints more; nothing ends it on the node."""
    return TooSlowError(
        f"`{doing}` {why} on {host}",
        "it may go on there, and the next run waits for it; --call-timeout S waits longer",
        died=True,
    )


def unknown_option(said: str) -> str:
    """Return the option of phoenix's own that an older OpenSSH does not know, in lower case, or nothing."""
    found = re.search(r"^command-line:? line \d+: Bad configuration option: (\w+)", said, re.MULTILINE)
    return found[1].lower() if found else ""


def unreadable(host: str, said: str) -> NodeError:
    """Return the error for an answer that makes no sense."""
    last = last_line(said, "nothing")
    return NodeError(f"{host} does not answer as a shell does: {last}", f"does this say `fine`? ssh {host} echo fine")


def missing(host: str, tool: str) -> NodeError:
    """Return the error for a host without Proxmox VE."""
    return NodeError(
        f"there is no `{tool}` on {host}, so it is no Proxmox VE node", "name a Proxmox VE host with --host HOST"
    )


def not_root(host: str, what: str) -> NodeError:
    """Return the error for a user who may not."""
    return NodeError(f"{host}: {what}", f"log in as root: --host root@{name_of(host)}")


def no_file(host: str, what: str, stderr: str) -> NodeError:
    """Return the error for a file that could not be written or removed, from what the tool said."""
    reason = last_line(stderr, "it said nothing").rpartition(": ")[2]
    if "ermission" in reason:
        return not_root(host, f"{what}: {reason}")
    return NodeError(f"{host}: {what}: {reason}", "mend the cause there, then run the same command again")


def name_of(host: str) -> str:
    """`root@pve1` and `ssh://root@pve1:2222` -> `pve1`; `root@::1` and `ssh://root@[::1]:2222` -> `::1`."""
    name = host.removeprefix("ssh://").rpartition("@")[2]
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0] if host.startswith("ssh://") else name
