"""`pvesm free <volume>`: remove a volume (pvesm-free-005, qm-lvm-024)."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, NotModelled, ParameterErrors
from fake_pve.storage import volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """The removal is a task whose failure is told but does not show in the exit status."""
    volid = full_id(call.params["volume"], call.params.get("storage"))
    volume.locate(call.node, volid)
    try:
        volume.free(call, volid)
        call.out(f"Removed volume '{volid}'")
    except NotModelled:
        raise
    except CommandFailed as problem:
        call.err(problem.message)


def full_id(text: str, storage: str | None) -> str:
    """The volume id from `local:8001/x.raw`, or from `8001/x.raw` and --storage."""
    if ":" not in text:
        if storage is None:
            raise ParameterErrors({"volume": "no storage specified - incomplete volume ID"})
        return f"{storage}:{text}"
    try:
        found = volume.split(text)[0]
    except CommandFailed as problem:
        raise ParameterErrors({"volume": problem.message + "\n"}) from None
    if storage not in (None, found):
        raise ParameterErrors({"volume": f"storage ID mismatch ({found} != {storage})\n"})
    return text
