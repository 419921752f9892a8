"""`qm sendkey <vmid> <key>`: type a key combination such as `ctrl-alt-delete` (qm-misc-001, -002)."""

from __future__ import annotations

from fake_pve import conf as confs
from fake_pve import runtime
from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

NAMED = """
    shift shift_r alt alt_r ctrl ctrl_r menu esc minus equal backspace tab ret spc bracket_left bracket_right
    semicolon apostrophe grave_accent backslash comma dot slash asterisk caps_lock num_lock scroll_lock sysrq less
    home pgup pgdn end left right up down insert delete stop again props undo front copy open paste find cut lf
    help meta_l meta_r compose pause ro hiragana henkan yen muhenkan power sleep wake audionext audioprev
    audiostop audioplay audiomute volumeup volumedown mediaselect mail calculator computer kp_divide kp_multiply
    kp_subtract kp_add kp_enter kp_decimal kp_comma kp_equals print
"""


def run(call: Call) -> None:
    """Accept QEMU's names of keys, joined by `-`; the guest sees nothing of it."""
    vmid, keys = call.params["vmid"], call.params["key"]
    confs.load(call.node, "qemu", vmid)
    if not runtime.running(call.node, "qemu", vmid):
        raise CommandFailed(f"VM {vmid} not running")
    for key in keys.split("-"):
        if not _is_key(key):
            raise CommandFailed(f"invalid parameter: {key}", 29)


def _is_key(key: str) -> bool:
    """A letter or digit, a function key, a key of the number block, or a name."""
    if len(key) == 1:
        return key.isascii() and key.isalnum() and not key.isupper()
    function = key.removeprefix("f")
    block = key.removeprefix("kp_")
    return (
        key in NAMED.split()
        or (function != key and function.isdecimal() and 1 <= int(function) <= 24)
        or (block != key and len(block) == 1 and block.isdecimal())
    )
