"""Hook scripts: the snippet of `hookscript: local:snippets/hook.pl` runs with the guest's ID and the phase."""

from __future__ import annotations

import os

from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf
    from fake_pve.node import Node


def run(call: Call, conf: Conf, vmid: str | int, phase: str, *, must_succeed: bool = False) -> None:
    """Run the guest's hook script, if it has one.

    What it says goes to stdout (qm-start-005). With `must_succeed` a failure ends the command, else it is only told.
    """
    volid = conf.options.get("hookscript")
    if volid is None:
        return
    try:
        _run(call, volid, [str(vmid), phase])
    except CommandFailed as problem:
        failure = f"hookscript error for {vmid} on {phase}: {problem.message}\n"
        if must_succeed:
            raise CommandFailed(failure) from None
        call.out(failure)


def _run(call: Call, volid: str, arguments: list[str]) -> None:
    """Run it; CommandFailed when it cannot be run or fails."""
    import subprocess  # only for guests with a hook script

    path = script(call.node, volid)
    call.flush()
    done = subprocess.run(
        [path, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False
    )
    call.write(done.stdout.decode("utf-8", "surrogateescape"))
    if done.returncode:
        raise CommandFailed(f"command '{' '.join((path, *arguments))}' failed: exit code {done.returncode}")


def script(node: Node, volid: str) -> str:
    """The file of the script; it must be a snippet that can be executed. A look for a missing one leaves 2 in errno."""
    from fake_pve.storage import volume

    _, name = volume.locate(node, volid)
    path = volume.path(node, volid)
    if name.type != "snippets":
        raise CommandFailed(f"'{volid}' is not in the snippets directory")
    if not os.path.isfile(path):
        raise CommandFailed(f"script '{volid}' does not exist", 2)
    if not os.access(path, os.X_OK):
        raise CommandFailed(f"script '{volid}' is not executable")
    return path
