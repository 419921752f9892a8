"""`pvesm alloc <storage> <vmid> <filename> <size>`: make an empty volume (pvesm-alloc-*, qm-lvm-024)."""

from __future__ import annotations

from fake_pve.errors import ParameterErrors
from fake_pve.storage import volume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

KIB = {"M": 1024, "G": 1024 * 1024}


def run(call: Call) -> None:
    """Allocate and say the volume's id."""
    params = call.params
    format_ = chosen_format(params["filename"], params.get("format"))
    size = size_kib(params["size"])
    volid = volume.alloc(call, params["storage"], params["vmid"], format_, params["filename"], size)
    call.out(f"successfully created '{volid}'")


def chosen_format(filename: str, given: str | None) -> str | None:
    """The file name's ending decides; another --format contradicts it (pvesm-alloc-018). None: the storage decides."""
    ending = filename.rpartition(".")[2] if "." in filename else ""
    if ending not in ("raw", "qcow2", "vmdk"):
        return given
    if given not in (None, ending):
        raise ParameterErrors({"format": f"different storage formats ({given} != {ending})"})
    return ending


def size_kib(text: str) -> int:
    """`1048576` is KiB, `512M` and `1G` say their unit."""
    return int(text[:-1]) * KIB[text[-1]] if text[-1] in KIB else int(text)
