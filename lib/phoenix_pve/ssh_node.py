"""A node elsewhere, over OpenSSH: the user's own configuration, agent, known hosts and jump hosts apply."""

from __future__ import annotations

import re
import secrets
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from phoenix_pve import call_limits, local_process, lock_files, ssh_errors, ssh_script
from phoenix_pve.errors import UsageError, of_file
from phoenix_pve.journal import Journal
from phoenix_pve.node import WHOLE, Answers, Completed, LocalNode
from phoenix_pve.ssh_connection import QUIET, Connection, Sessions
from phoenix_pve.ssh_keeper import SshKeeper

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from phoenix_pve.node import Node, Questions
    from phoenix_pve.ssh_script import Reply

SESSIONS = 8
"""Commands at the same time over the one connection; sshd allows ten sessions (MaxSessions), and one holds it open."""

TRIES = 20
"""How often a command is sent that the server refuses for having too many."""

ON_THE_WAY = 5.0
"""Seconds more than a command may take that its answer may, where the command is ended on the node."""

HOST = re.compile(r"(ssh://)?([^-@/][^@/]*@)?[^-@/][^@/]*")
REFUSED = frozenset(" '`\"$\\;&<>|(){},")
"""What no host name has; ssh_config(5) may hand the name to a shell (ProxyCommand, Match exec)."""

WITH_PORT = re.compile(r"(?!ssh://)([^:]*:\d*|.*\[.*)")
"""`pve1:22` and `[::1]`, which ssh takes for names; `::1` is fine."""

# Without a connection to share, ssh would quietly open one more; a proxy that does nothing keeps it from that.
SHARING = (*QUIET, "-F", "none", "-o", "ControlMaster=no", "-o", "ProxyCommand=false")


@contextmanager
def opened(option: str | None, environ: Mapping[str, str], longest_call: float = call_limits.DEFAULT) -> Iterator[Node]:
    """Give the node that `--host` or $PHOENIX_HOST names, else this machine. Raises UsageError.

    $PHOENIX_NODE_ROOT stands before every path there, $PHOENIX_JOURNAL is a file that gets a line for all that is done.
    """
    host, root = environ.get("PHOENIX_HOST", "") if option is None else option, environ.get("PHOENIX_NODE_ROOT", "")
    here = option is None and not host
    here_root = local_process.absolute(root) if root else ""
    node = LocalNode(here_root, longest_call, "/") if here else SshNode(checked_host(host), root, longest_call)
    journal = environ.get("PHOENIX_JOURNAL")
    try:
        yield Journal(node, journal, host or "localhost") if journal else node
    finally:
        if isinstance(node, SshNode):
            node.close()


def checked_host(host: str) -> str:
    """Return the host. Raises UsageError for what ssh, or a command in its configuration, would take for more."""
    shown = repr(host[:80])
    if not host.isprintable() or set(host) & REFUSED or not HOST.fullmatch(host):
        raise UsageError(f"--host takes the name of a host, not {shown}", "for example: --host root@pve1")
    if WITH_PORT.fullmatch(host):
        raise UsageError(f"--host takes a port in another form: {shown}", f"write --host ssh://{host}")
    return host


class SshNode:
    """The node that `ssh HOST` leads to; `root` stands before every path, for tests on a fake node."""

    def __init__(self, host: str, root: str = "", longest_call: float = call_limits.DEFAULT) -> None:
        self.host, self.root, self._longest_call = host, root.rstrip("/"), longest_call
        self._connection, self._sessions = Connection(host), Sessions(SESSIONS)
        self._keeper = SshKeeper(host, self.root, self._connection.ask)

    def run(
        self, argv: Sequence[str], stdin: str | None = None, seconds: float | None = None, *, log: str = ""
    ) -> Completed:
        """Run a command to its end, under the busy lock of the guest that it changes when this run holds that."""
        guarded = self._keeper.holds(lock_files.guest_of(argv))
        words = lock_files.guarded(argv, self.root, log) if guarded else argv
        longest = call_limits.seconds(argv, self._longest_call)
        if seconds is None and call_limits.answer(argv) is None:
            return self._commands(self._ask([ssh_script.run_line(words, stdin)], _short(argv), longest), [argv])[0]
        most = longest if seconds is None else min(seconds, longest)
        line = ssh_script.run_line(words, stdin, (call_limits.answer(argv) or WHOLE, most))
        done = self._commands(self._ask([line], _short(argv), most + ON_THE_WAY), [argv])[0]
        if done.exit in ssh_script.LATE and argv[0] != "timeout":
            raise ssh_errors.too_slow(self.host, _short(argv), most)
        return done

    def look(self, questions: Questions) -> Answers:
        """Run queries and read files in one round trip."""
        doing = _short(questions.commands[0]) if questions.commands else "reading files"
        reply = self._ask(list(ssh_script.look_lines(questions, self.root)), doing)
        done = self._commands(reply, questions.commands)
        if denied := ssh_script.denied_in(reply):
            raise ssh_errors.not_root(self.host, f"{denied} may not be read by the user you log in as")
        odd = ssh_script.named_in(reply, "odd", self.root) & questions.files.keys()
        mounted = ssh_script.named_in(reply, "mounted", self.root)
        files, times = ssh_script.files_in(reply, self.root), ssh_script.times_in(reply, self.root)
        return Answers(done, files, times, odd, mounted)

    def write(self, path: str, text: str) -> None:
        """Write a file with mode 0600 beside its place, flush it to disk, and move it there."""
        reply = self._ask([ssh_script.write_line(self.root + path, text)], f"write {path}")
        self._check_file(reply, f"{path} cannot be written")

    def remove(self, path: str) -> None:
        """Remove a file."""
        reply = self._ask([ssh_script.run_line(["rm", "-f", "--", self.root + path])], f"remove {path}")
        self._check_file(reply, f"{path} cannot be removed")

    def hold(self, vmids: Sequence[int], who: str) -> str | None:
        """Take the locks of guests, all or none."""
        return self._keeper.hold(vmids, who)

    def release(self, vmid: int) -> None:
        """Give the lock of a guest back."""
        self._keeper.release(vmid)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _commands(self, reply: Reply, argvs: Sequence[Sequence[str]]) -> tuple[Completed, ...]:
        if tool := ssh_script.missing_in(reply, argvs):
            raise ssh_errors.missing(self.host, tool)
        done = ssh_script.commands_in(reply, argvs)
        if any(one.exit and one.stderr.startswith("please run as root") for one in done):
            raise ssh_errors.not_root(self.host, f"`{done[0].argv[0]}` says: please run as root")
        return done

    def _check_file(self, reply: Reply, what: str) -> None:
        done = ssh_script.commands_in(reply, [["file"]])[0]
        if done.exit:
            raise ssh_errors.no_file(self.host, what, done.stderr)

    def _ask(self, lines: list[str], doing: str, seconds: float = call_limits.QUICK) -> Reply:
        """Send a script, wait for the answer. Raises NodeError, CommandFailedError after so many seconds."""
        mark = secrets.token_hex(16)
        script = ssh_script.script(mark, lines)
        for refused in range(TRIES):
            with self._sessions.one():
                status, reply = self._sent(mark, script, doing, seconds)
                if reply.whole:
                    return reply
                if not ssh_errors.is_one_too_many(reply.noise):
                    break
                if refused:  # and not because one that ended just now still counted there
                    self._sessions.fewer()
                time.sleep(0.1)
        else:
            raise ssh_errors.no_session(self.host)
        if status == 255 or self._connection.is_lost():
            raise ssh_errors.lost(self.host, doing)
        raise ssh_errors.unreadable(self.host, reply.noise)

    def _sent(self, mark: str, script: bytes, doing: str, seconds: float) -> tuple[int, Reply]:
        """Send a script over the connection; return ssh's exit status and the answer."""
        argv = ["ssh", *SHARING, "-S", self._connection.socket(doing), "--", self.host, ssh_script.BOOT]
        try:
            status, out, err = local_process.run_bytes(argv, script, seconds)
        except local_process.CutShort as cut:
            raise ssh_errors.cut_short(self.host, doing, cut.why) from None
        except OSError as error:
            raise of_file("`ssh` cannot be started", error) from None
        return status, ssh_script.reply(mark, out, err)


def _short(argv: Sequence[str]) -> str:
    """Return enough of a command to know it; what follows may be long."""
    return " ".join(argv[:3])
