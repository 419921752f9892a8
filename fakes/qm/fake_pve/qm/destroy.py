"""`qm destroy`: remove a virtual machine and the volumes it owns."""

from __future__ import annotations

import os

from fake_pve import conf as conf_file
from fake_pve import firewall, ha, pools, runtime
from fake_pve.errors import CommandFailed
from fake_pve.lock import check_lock, guest_lock
from fake_pve.storage import config as storage_config
from fake_pve.storage import names, volume
from fake_pve.vm import disks, drive, jobs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf


def run(call: Call) -> None:
    """Order of checks: protection, HA, running, lock; then volumes, then everything that names the guest."""
    vmid = call.params["vmid"]
    Destroyer(call, vmid).run()


class Destroyer:
    """Destroys one guest; `warnings` counts what could not be removed and did not stop it."""

    def __init__(self, call: Call, vmid: str) -> None:
        self.call = call
        self.vmid = vmid
        self.warnings = 0

    def run(self) -> None:
        """Exit status 0 even with warnings, which the last line counts."""
        with guest_lock(self.call.node, "qemu", self.vmid):
            conf = conf_file.load(self.call.node, "qemu", self.vmid)
            self._check(conf)
            self._check_bases(conf)
            self._remove_volumes(conf)
            if self.call.flag("destroy-unreferenced-disks"):
                self._remove_unreferenced()
            if self.call.flag("purge"):
                self._purge()
            pools.remove(self.call.node, self.vmid)
            firewall.remove(self.call.node, self.vmid)
            self._forget()
        if self.warnings:
            self.call.err(f"Task finished with {self.warnings} warning(s)!")

    def _check(self, conf: Conf) -> None:
        """Statuses from qm-destroy-002, -003, -014 and qm-lock."""
        if conf.options.get("protection") == "1":
            raise CommandFailed(f"can't remove VM {self.vmid} - protection mode enabled")
        if not self.call.flag("purge") and ha.is_managed(self.call.node, "qemu", self.vmid):
            raise CommandFailed(f"unable to remove VM {self.vmid} - used in HA resources and purge parameter not set.")
        if runtime.running(self.call.node, "qemu", self.vmid):
            raise CommandFailed(f"VM {self.vmid} is running - destroy failed", 25)
        if conf.options.get("lock") != "suspended":
            check_lock(conf, self.call.flag("skiplock"))

    def _check_bases(self, conf: Conf) -> None:
        """A template stays while linked clones need its disks; on LVM thin they do not (qm-destroy-010, qm-lvm-018)."""
        if conf.options.get("template") != "1":
            return
        for _, one in drive.each(conf.options, unused=True):
            volid = one["file"]
            if drive.is_cdrom(one) or not disks.owned(self.call.node, self.vmid, volid):
                continue
            storage, found = volume.locate(self.call.node, volid)
            if found.is_base and storage.type == "dir" and volume.has_linked_clones(self.call.node, storage, found):
                raise CommandFailed(f"base volume '{volid}' is still in use by linked cloned")

    def _remove_volumes(self, conf: Conf) -> None:
        """All volumes of its own: drives, unused ones, saved states, those that wait."""
        volids = [one["file"] for _, one in drive.each(conf.options, unused=True) if self._is_removable(one)]
        sections = [conf.options, *(section.options for section in conf.snapshots.values())]
        volids += [options["vmstate"] for options in sections if "vmstate" in options]
        volids += [one["file"] for _, one in drive.each(conf.pending) if self._is_removable(one)]
        for volid in dict.fromkeys(volids):
            self._remove(volid)

    def _is_removable(self, one: drive.Drive) -> bool:
        return not drive.is_cdrom(one, but_cloudinit=True) and ":" in one["file"] and not one["file"].startswith("/")

    def _remove(self, volid: str, kind: str = "disk") -> None:
        """A volume that cannot be removed is a warning."""
        try:
            storage = storage_config.get(self.call.node, names.split(volid)[0])
            owner = str(names.parse(storage, names.split(volid)[1]).vmid)
        except CommandFailed as problem:
            self.warnings += 1
            self.call.out(f"WARN: failed to get path and owner of volume '{volid}': {problem.message}")
            return
        try:
            if owner == self.vmid:
                volume.free(self.call, volid)
        except CommandFailed as problem:
            self.warnings += 1
            self.call.out(f"WARN: Could not remove {kind} '{volid}', check manually: {problem.message}")

    def _remove_unreferenced(self) -> None:
        for storage in storage_config.load(self.call.node).values():
            if storage.disabled or not {"images", "rootdir"} & storage.content:
                continue
            for found in volume.list_volumes(self.call.node, storage.id, int(self.vmid), "images"):
                self._remove(found.volid, "unreferenced disk")

    def _purge(self) -> None:
        self.call.out(f"purging VM {self.vmid} from related configurations..")
        jobs.remove_from_backups(self.call.node, self.vmid)
        if jobs.remove_from_ha(self.call.node, self.vmid):
            self.call.out(f"NOTE: removed VM {self.vmid} from HA resource configuration.")

    def _forget(self) -> None:
        conf_file.remove(self.call.node, "qemu", self.vmid)
        seed = f"{self.call.node.root}/var/lib/fake-pve/cloudinit/{self.vmid}"
        if os.path.isdir(seed):
            import shutil  # only if a cloud-init drive was filled

            shutil.rmtree(seed, ignore_errors=True)
        if self.call.node.guest in runtime.REAL_GUESTS:
            from fake_pve.guests import vm  # only for real guests

            vm.forget(self.call.node, self.vmid)
