"""[special:cloudinit]: what the cloud-init drive of a running guest still says where the configuration has moved on.

A key with a value: the drive has this older value. `added`: names that the drive does not have yet. Learned from
qm-set-running-003, -013, -015, -022 and qm-walk-076.
"""

from __future__ import annotations

from fake_pve.vm import drive, network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.conf import Conf

# What `qm cloudinit pending` tells of (qm-cloudinit-008); ipconfigN only while it waits.
SHOWN = ("cicustom", "cipassword", "citype", "ciupgrade", "ciuser", "nameserver", "searchdomain", "sshkeys")


def is_cloudinit_option(key: str) -> bool:
    """Whether the option is one of cloud-init's own."""
    return key in SHOWN or (key.startswith("ipconfig") and key[8:].isdecimal())


def matters(key: str) -> bool:
    """Whether the cloud-init drive's content depends on the option."""
    return key == "name" or is_cloudinit_option(key) or network.is_name(key)


def added(conf: Conf) -> set[str]:
    """The names that the drive does not have yet."""
    return set(filter(None, conf.cloudinit.get("added", "").split(",")))


def change(conf: Conf, key: str, old: str | None, new: str | None) -> None:
    """Note that a running guest's option went from `old` to `new` (None: not set)."""
    if not matters(key) or drive.cloudinit_key(conf.options) is None:
        return
    conf.has_cloudinit = True
    names = added(conf)
    conf.cloudinit.pop("added", None)
    on_drive = conf.cloudinit.get(key)
    if on_drive is not None:
        if new == on_drive:
            del conf.cloudinit[key]
    elif key in names:
        if new is None:
            names.discard(key)
    elif old is not None and new != old:
        conf.cloudinit[key] = old
    elif old is None and new is not None:
        names.add(key)
    if names:
        conf.cloudinit["added"] = ",".join(sorted(names))


def forget(conf: Conf) -> bool:
    """The drive is up to date again -> whether the section held anything; an empty one stays (qm-set-running-013)."""
    if not conf.cloudinit:
        return False
    conf.cloudinit = {}
    conf.has_cloudinit = False
    return True
