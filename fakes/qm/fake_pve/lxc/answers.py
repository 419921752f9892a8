"""Programs of a container that has nothing behind it (a `none` or `recorded` guest).

A few answer, over the files that were pushed. Another program is refused: as not modelled, or as not found where no
system would have it.
"""

from __future__ import annotations

import os

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.files import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.node import Node

NOT_FOUND = 127
# What lies below `/` of every system; nobody knows what is below these.
FOLDERS = frozenset("bin boot dev etc home lib lib64 media mnt opt proc root run sbin srv sys tmp usr var".split())  # noqa: SIM905
# What a login sets; with an empty environment nobody does, and a shell leaves it alone (pct-exec-002).
OF_A_LOGIN = frozenset(("$HOME", "$LANG", "$LOGNAME", "$MAIL", "$USER"))
SIGNS = frozenset("|&;<>()$`\\\"'*?[]#~=%{}!\n")
# Programs that a container may well have, but that nothing here can answer for.
UNMODELLED = frozenset(
    "apk apt apt-get awk bash chmod chown cp curl cut date dd df dpkg du env find free getent grep groupadd head ip"  # noqa: SIM905
    " journalctl kill ln ls mkdir mount mv netstat passwd ping printf ps python3 reboot rm sed service sleep sort ss"
    " sysctl systemctl tail tar tee test top touch uname uptime useradd usermod vi wc wget which whoami xargs".split()
)


def files(node: Node, vmid: str) -> str:
    """Where pushed files lie."""
    return f"{node.root}/var/lib/fake-pve/lxc/{vmid}"


def inside(node: Node, vmid: str, path: str) -> str:
    """The file here that stands for the container's `path`; it never lies outside the container's folder."""
    return files(node, vmid) + os.path.normpath("/" + path)


def forget_files(node: Node, vmid: str) -> None:
    """Remove the pushed files of a container that is no more."""
    if os.path.isdir(files(node, vmid)):
        import shutil  # only for a container that was written to

        shutil.rmtree(files(node, vmid), ignore_errors=True)


def run(call: Call, vmid: str, argv: list[str]) -> int:
    """Answer for a program -> its exit status (127: there is no such program)."""
    program = os.path.basename(argv[0])
    match program:
        case "true":
            return 0
        case "false":
            return 1
        case "cat":
            return _cat(call, vmid, argv[1:])
        case "echo":
            call.out(" ".join(argv[1:]))
            return 0
        case "hostname":
            return _hostname(call, vmid, argv[1:])
        case "pwd":
            call.out("/")
            return 0
        case "id":
            call.out("0" if argv[1:] == ["-u"] else "uid=0(root) gid=0(root)")
            return 0
        case "chpasswd" if argv[1:] in (["-e"], ["--encrypted"]):
            return _chpasswd(call, vmid)
        case "sh" if argv[1:2] == ["-c"] and len(argv) == 3:
            return _shell(call, vmid, argv[2])
    if program in UNMODELLED or program == "sh":
        raise NotModelled(f"running '{' '.join(argv)}' in a container that has nothing behind it")
    call.err(
        f"lxc-attach: {vmid}: ../src/lxc/attach.c: lxc_attach_run_command: 1841 No such file or directory"
        f' - Failed to exec "{argv[0]}"'
    )
    return NOT_FOUND


def _chpasswd(call: Call, vmid: str) -> int:
    """Keep `user:hash` lines of standard input in the container's /etc/shadow, as chpasswd(8) does."""
    path = inside(call.node, vmid, "/etc/shadow")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    given = dict(line.split(":", 1) for line in call.stdin().splitlines() if ":" in line)
    kept = _lines(path)
    lines = [line for line in kept if line.split(":", 1)[0] not in given]
    lines += [f"{user}:{hash_}:::::::" for user, hash_ in given.items()]
    replace(path, "".join(f"{line}\n" for line in lines), 0o600)
    return 0


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().splitlines()
    except OSError:
        return []


def _cat(call: Call, vmid: str, paths: list[str]) -> int:
    if not paths:
        call.write(call.stdin())
    status = 0
    for path in paths:
        try:
            with open(inside(call.node, vmid, path), encoding="utf-8", errors="surrogateescape") as file:
                call.write(file.read())
        except OSError as problem:
            call.err(f"cat: {path}: {problem.strerror}")
            status = 1
    return status


def _hostname(call: Call, vmid: str, words: list[str]) -> int:
    from fake_pve import conf  # only this program asks for the configuration

    if words:
        raise NotModelled("'hostname' with options in a container that has nothing behind it")
    name = conf.load(call.node, "lxc", vmid).options.get("hostname", f"CT{vmid}")
    call.out(name.partition(".")[0])
    return 0


def _shell(call: Call, vmid: str, script: str) -> int:
    """`exit N`, one plain command, an `echo` to stderr; anything with the shell's own signs is more than this is."""
    words = script.split()
    if words[:1] == ["echo"] and words[-1] == ">&2" and not set(" ".join(words[1:-1])) & SIGNS:
        call.err(" ".join(words[1:-1]))
        return 0
    if words[:1] == ["exit"] and len(words) <= 2:
        return int(words[1]) & 0xFF if words[1:] and words[1].isdecimal() else 0
    if call.params.get("keep-env") == "0":
        words = [word for word in words if word not in OF_A_LOGIN]
    if not words or set("".join(words)) & SIGNS or "\n" in script:
        raise NotModelled(f"sh -c '{script}' in a container that has nothing behind it")
    return run(call, vmid, words)


def push(call: Call, vmid: str, source: str, destination: str, mode: int | None) -> None:
    """Copy a file of the node into the container; CommandFailed with the system's words for what cannot be read."""
    import shutil  # only push and pull copy

    target = inside(call.node, vmid, destination)
    top = os.path.normpath(destination).split("/")[1]
    if "/" in destination[1:] and top not in FOLDERS and not os.path.isdir(os.path.dirname(target)):
        raise CommandFailed(f"failed to create file: {destination}: No such file or directory")
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        shutil.copyfile(call.node.path(os.path.abspath(source)), target)
    except OSError as problem:
        raise CommandFailed(f"failed to open {source} for reading") from problem
    if mode is not None:
        os.chmod(target, mode)


def pull(call: Call, vmid: str, source: str, destination: str, mode: int | None) -> None:
    """Copy a file of the container to the node."""
    import shutil  # only push and pull copy

    target = call.node.path(os.path.abspath(destination))
    try:
        shutil.copyfile(inside(call.node, vmid, source), target)
    except OSError as problem:
        raise CommandFailed(f"failed to open {source}: {problem.strerror}") from None
    if mode is not None:
        os.chmod(target, mode)
