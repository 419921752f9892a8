"""What `qm set` does to a running guest at once, and what has to wait.

Learned from qm-set-running-*; a change is refused (and waits) with `<option>: hotplug problem - <why>`.
"""

from __future__ import annotations

from fake_pve import bridges, conf_keys
from fake_pve import conf as conf_file
from fake_pve.errors import CommandFailed
from fake_pve.vm import boot, disks, drive, network, options, pending, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf

# Options that the running process never sees: they change at once (qm-set-running-003, -004, -029).
AT_ONCE = frozenset(
    "lock migrate_downtime migrate_speed name onboot shares startup description protection vmstatestorage "  # noqa: SIM905
    "hookscript tags".split()
)
DEFAULT_MEMORY, STATIC_MEMORY = "512", 1024  # MiB: without the option, and what a machine with pluggable memory keeps
MEMORY_MODULE = "/usr/share/perl5/PVE/QemuServer/Memory.pm"
DEFAULT_FEATURES = frozenset(("network", "disk", "usb"))
# Properties of an attached disk that only a restart changes; the others (limits, backup, …) change at once.
FIXED_AT_START = ("aio", "cache", "discard", "iothread", "product", "queues", "ro", "ssd", "vendor")
# A change of these needs the card to be pulled and plugged again; the others change in place.
CARD_IDENTITY = ("model", "macaddr", "queues", "mtu")


class Waits(Exception):
    """The change cannot be done while the guest runs and stays pending."""


def features(conf: Conf) -> frozenset[str]:
    """What can be plugged while the guest runs, by its `hotplug` option."""
    value = conf.options.get("hotplug", "1")
    if value == "0":
        return frozenset()
    words = value.replace(";", ",").replace(" ", ",").split(",")
    return DEFAULT_FEATURES if value == "1" else frozenset(filter(None, words))


def _same_card(old: dict[str, str], new: dict[str, str]) -> bool:
    """Whether the guest's card stays and only what it is plugged into changes."""
    same = all(old.get(name, "") == new.get(name, "") for name in CARD_IDENTITY)
    return same and bool(old.get("bridge")) and bool(new.get("bridge"))


def _agent_identity(text: str) -> dict[str, str]:
    """The properties that the running process was started with; none when the agent is off."""
    return {key: value for key, value in options.agent(text).items() if key != "fstrim_cloned_disks"}


class Plugger:
    """Applies what waits to one running guest; `problems` are refusals by option."""

    def __init__(self, call: Call, vmid: str, conf: Conf) -> None:
        self.call = call
        self.vmid = vmid
        self.conf = conf
        self.features = features(conf)
        self.problems: dict[str, str] = {}

    def run(self, modified: set[str]) -> dict[str, str]:
        """Apply all that is among `modified`, save -> the refusals. The caller holds the guest's lock."""
        conf = self.conf
        for key in pending.names(conf):
            if key in AT_ONCE or record.is_cloudinit_option(key):
                self._done(key, pending.waiting(conf, key))
        for key in sorted(conf.pending_delete):
            if key in modified:
                self._attempt(key, None)
        for key in pending.names(conf):
            if key in modified and not self._is_cloudinit(key):
                self._attempt(key, pending.waiting(conf, key))
        for key in pending.names(conf):
            if key in modified and self._is_cloudinit(key):
                self._attempt(key, pending.waiting(conf, key))
        conf_file.save(self.call.node, "qemu", self.vmid, conf)
        if "cloudinit" in self.features and conf.cloudinit:
            from fake_pve import cloudinit  # only with that hot-plug feature

            cloudinit.generate(self.call, self.vmid, conf)
        return self.problems

    def _is_cloudinit(self, key: str) -> bool:
        return drive.is_name(key) and drive.is_cloudinit(drive.parse(self.conf.pending[key]))

    def _attempt(self, key: str, value: str | None) -> None:
        try:
            if drive.is_name(key) and value is not None and drive.is_cloudinit(drive.parse(value)):
                self._write_cloudinit(key, value)
            self._plug(key, value)
        except Waits:
            return
        except CommandFailed as problem:
            self.problems[key] = f"hotplug problem - {problem.message}\n"
            return
        self._done(key, value)

    def _write_cloudinit(self, key: str, value: str) -> None:
        """A new cloud-init drive is filled even if it can only be plugged later."""
        from fake_pve import cloudinit  # only for a new cloud-init drive
        from fake_pve.conf import Conf

        cloudinit.generate(self.call, self.vmid, Conf({**self.conf.options, key: value}))

    def _done(self, key: str, value: str | None) -> None:
        """Make `value` the current one (None: not set) and note what the cloud-init drive does not know."""
        record.change(self.conf, key, pending.get(self.conf, key), value)
        pending.put(self.conf, key, value)
        pending.drop(self.conf, key)
        self.conf.pending_delete.pop(key, None)

    def _need(self, feature: str) -> None:
        if feature not in self.features:
            raise Waits

    def _plug(self, key: str, value: str | None) -> None:
        """Do it or raise Waits or CommandFailed."""
        if key in AT_ONCE or record.is_cloudinit_option(key) or key in ("cpuunits", "cpulimit"):
            return
        if network.is_name(key):
            self._card(key, value)
        elif drive.is_name(key):
            self._drive(key, value)
        elif key.startswith("usb") and key[3:].isdecimal():
            self._usb()
        else:
            self._plain(key, value)

    def _plain(self, key: str, value: str | None) -> None:
        match key:
            case "tablet":
                self._need("usb")
            case "vcpus":
                self._vcpus(value)
            case "memory":
                self._memory(value)
            case "balloon" if (self.conf.options.get("balloon") == "0") != (value == "0"):
                raise Waits  # the balloon device itself cannot come or go
            case "hotplug" if {"cpu", "memory"} & (features(self.conf) | set((value or "").split(","))):
                raise Waits
            case "balloon" | "hotplug":
                return
            case "agent":
                self._agent(value)
            case _:
                raise Waits

    def _vcpus(self, value: str | None) -> None:
        """No more than the machine has places for (qm-option-running-033)."""
        self._need("cpu")
        places = int(self.conf.options.get("sockets", "1")) * int(self.conf.options.get("cores", "1"))
        if int(value or places) > places:
            raise CommandFailed("you can't add more vcpus than maxcpus")

    def _memory(self, value: str | None) -> None:
        """What is plugged comes on top of the memory that the machine starts with (qm-option-running-029, -033)."""
        self._need("memory")
        if int(conf_keys.memory(value or DEFAULT_MEMORY)) < STATIC_MEMORY:
            line = f"at {MEMORY_MODULE} line 219.\n"
            raise CommandFailed(f"memory can't be lower than {STATIC_MEMORY} MB {line}".rstrip())

    def _agent(self, value: str | None) -> None:
        """Only whether cloned disks are trimmed is no matter of the running process."""
        old = self.conf.options.get("agent")
        if old in (None, "0") or value is None or _agent_identity(old) != _agent_identity(value):
            raise Waits

    def _usb(self) -> None:
        """USB needs a guest that is known to cope: Linux, or Windows from 8 on."""
        self._need("usb")
        if self.conf.options.get("ostype") not in ("l26", "win8", "win10", "win11"):
            raise Waits

    def _card(self, key: str, value: str | None) -> None:
        old = self.conf.options.get(key)
        if value is None:
            self._need("network")
            return
        new_card = network.parse(value)
        if old is not None and _same_card(network.parse(old), new_card):
            if not bridges.exists(self.call.node, new_card["bridge"]):
                raise CommandFailed(f"bridge '{new_card['bridge']}' does not exist")
            return
        self._need("network")
        if not self._can_connect(new_card):
            script = "/usr/libexec/qemu-server/pve-bridge-hotplug"
            why = f"network script {script} failed with status 512"
            raise CommandFailed(f"VM {self.vmid} qmp command 'netdev_add' failed - {why}")

    def _can_connect(self, card: dict[str, str]) -> bool:
        """A bridge that is not there is only noticed now (qm-set-running-014).

        The kernel under the recordings could not limit a card's rate, so a limit fails there in the same place.
        """
        bridge = card.get("bridge")
        if bridge is None:
            return True
        limited = "rate" in card and self.call.node.guest == "recorded"
        return bridges.exists(self.call.node, bridge) and not limited

    def _drive(self, key: str, value: str | None) -> None:
        if key in ("efidisk0", "tpmstate0"):
            raise Waits
        if value is None:
            self._pull_out(key)
        elif key in self.conf.options:
            self._replace(key, drive.parse(self.conf.options[key]), drive.parse(value))
        else:
            self._need_pluggable(key)

    def _need_pluggable(self, key: str) -> None:
        self._need("disk")
        if key.startswith(("ide", "sata")):
            raise Waits

    def _pull_out(self, key: str) -> None:
        self._need_pluggable(key)
        self._unplug(key)
        if key in self.conf.options:
            disks.delete_or_detach(self.call, self.vmid, self.conf, key, self.conf.pending_delete[key])

    def _unplug(self, key: str) -> None:
        if key in boot.disks(self.conf.options):
            raise CommandFailed(f"can't unplug bootdisk '{key}'")

    def _replace(self, key: str, old: drive.Drive, new: drive.Drive) -> None:
        """Another volume or other properties for a drive that is attached."""
        if new.get("media", "disk") != old.get("media", "disk"):
            raise CommandFailed("unable to change media type")
        if drive.is_cdrom(old):
            if drive.is_cloudinit(old) and new["file"] == "none":
                disks.detach(self.call, self.vmid, self.conf, old)
            return  # a CD is changed like a disc in its tray
        if new["file"] == old["file"]:
            if any(old.get(name) != new.get(name) for name in FIXED_AT_START):
                raise Waits
            return
        self._need_pluggable(key)
        self._unplug(key)
        disks.detach(self.call, self.vmid, self.conf, old)
