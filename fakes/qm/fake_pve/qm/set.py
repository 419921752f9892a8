"""`qm set`: change the configuration of a virtual machine."""

from __future__ import annotations

from fake_pve import conf as conf_file
from fake_pve import conf_keys, formats, runtime
from fake_pve.errors import CommandFailed, NotModelled, ParameterErrors
from fake_pve.lock import check_lock, guest_lock
from fake_pve.vm import access, boot, disks, drive, inputs, network, options, pending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf

# Options of the command that are no changes; the first are not in the line that tells what is done.
NOT_SHOWN = ("vmid", "digest")
NOT_CHANGES = (*NOT_SHOWN, "delete", "revert", "force", "skiplock")
LVM_FAILED = 5  # the status that LVM's tools leave behind


def run(call: Call) -> None:
    """Order of checks as recorded: the command line alone, drives, then the guest, its lock, its values."""
    changes = {key: value for key, value in call.params.items() if key not in NOT_CHANGES}
    shown = _shown(call, changes)
    inputs.check_keys(changes)
    inputs.check_cpu(call, changes)
    if not changes and not call.params.get("delete") and not call.params.get("revert"):
        raise CommandFailed("no options specified")
    inputs.cdrom_alias(changes)
    inputs.old_names(changes)
    deleted = _names(call, changes)
    _check_drives(call, changes)
    inputs.check_hookscript(call, changes)
    _normalise(call, changes)
    vmid = call.params["vmid"]
    with guest_lock(call.node, "qemu", vmid):
        conf = _load(call, vmid)
        _revert(call, conf, changes, deleted)
        _check_balloon(conf, changes)
        call.out(f"update VM {vmid}:{shown}")
        Update(call, vmid, conf, changes, deleted).run()


def _shown(call: Call, changes: dict[str, str]) -> str:
    """` -cores 4 -memory 4096`: all that was given, sorted, a password hidden (qm-set-006, -050)."""
    given = {**{key: value for key, value in call.params.items() if key not in NOT_SHOWN}, **changes}
    if "cipassword" in given:
        given["cipassword"] = "<hidden>"
    return "".join(f" -{key} {given[key]}" for key in sorted(given))


def _names(call: Call, changes: dict[str, str]) -> list[str]:
    """The options to delete, with --revert and --delete checked against the schema and each other."""
    revert = formats.split_list(call.params.get("revert", ""))
    for name in revert:
        _check_name("revert", name)
        if name in changes:
            raise ParameterErrors({"delete": f"you can't use '-{name}' and -revert {name}' at the same time"})
    deleted = ["ide2" if name == "cdrom" else name for name in formats.split_list(call.params.get("delete", ""))]
    for name in deleted:
        if name in changes:
            raise ParameterErrors({"delete": f"you can't use '-{name}' and -delete {name}' at the same time"})
        if name in revert:
            raise ParameterErrors({"revert": f"you can't use '-delete {name}' and '-revert {name}' at the same time"})
        _check_name("delete", name)
    return deleted


def _check_name(option: str, name: str) -> None:
    if conf_keys.type_of("qemu", name) is None:
        raise ParameterErrors({option: f"unknown option '{name}'"})


def _check_drives(call: Call, changes: dict[str, str]) -> None:
    """A plain failure here leaves 2 (qm-lifecycle-003)."""
    try:
        access.check(call.node, changes)
    except (ParameterErrors, NotModelled):
        raise
    except CommandFailed as problem:
        raise CommandFailed(problem.message, 2) from None


def _normalise(call: Call, changes: dict[str, str]) -> None:
    """Values into the form in which they are stored."""
    from fake_pve import dice

    for key, value in changes.items():
        if network.is_name(key):
            changes[key] = network.with_mac(call.node, value)
        elif key == "tags":
            changes[key] = options.tags(value)
        elif key == "vmgenid" and value == "1":
            changes[key] = dice.uuid(call.node)
        elif key == "cipassword" and not options.is_crypted(value):
            changes[key] = options.crypted(call.node, value)
        else:
            changes[key] = options.normal(key, value)


def _load(call: Call, vmid: str) -> Conf:
    conf = conf_file.load(call.node, "qemu", vmid)
    digest = call.params.get("digest")
    if digest and digest != conf_file.digest(conf):
        raise CommandFailed("checksum mismatch (file change by other user?)")
    check_lock(conf, call.flag("skiplock"))
    return conf


def _revert(call: Call, conf: Conf, changes: dict[str, str], deleted: list[str]) -> None:
    """`--revert`: what waits is given up; a value that is set is set again to what it is."""
    for name in formats.split_list(call.params.get("revert", "")):
        value = pending.get(conf, name)
        if value is not None:
            changes[name] = value
        elif pending.waiting(conf, name) is not None:
            deleted.append(name)


def _check_balloon(conf: Conf, changes: dict[str, str]) -> None:
    if "memory" not in changes and "balloon" not in changes:
        return
    options_ = pending.effective(conf) | changes
    memory = conf_keys.memory(options_.get("memory", ""))
    if int(options_.get("balloon") or 0) > int(memory or 512):
        raise CommandFailed("balloon value too large (must be smaller than assigned memory)")


class Update:
    """One update of one guest: all changes go to [PENDING] first, then what can take effect does."""

    def __init__(self, call: Call, vmid: str, conf: Conf, changes: dict[str, str], deleted: list[str]) -> None:
        self.call = call
        self.vmid = vmid
        self.conf = conf
        self.changes = changes
        self.deleted = deleted
        self.modified: set[str] = set()
        self.touched = False
        self.order = boot.order(conf.options.get("boot", ""))

    def run(self) -> None:
        """Raises ParameterErrors for what cannot take effect; it is kept in [PENDING] all the same."""
        self._check_boot()
        try:
            self._note_all()
        except BaseException:
            if self.touched:  # what came before the failure waits in [PENDING] already
                conf_file.save(self.call.node, "qemu", self.vmid, self.conf)
            raise
        pending.clean(self.conf)
        self._blank()
        problems = self._take_effect()
        if problems:
            raise ParameterErrors(problems)

    def _note_all(self) -> None:
        for name in self.deleted:
            self._delete(name)
        for name in sorted(self.changes):
            self._change(name)
            self.touched = True

    def _take_effect(self) -> dict[str, str]:
        if not pending.any_left(self.conf):
            if self.touched:
                conf_file.save(self.call.node, "qemu", self.vmid, self.conf)
            return {}
        if runtime.running(self.call.node, "qemu", self.vmid):
            from fake_pve.vm.hotplug import Plugger  # only for running guests

            conf_file.save(self.call.node, "qemu", self.vmid, self.conf)
            return Plugger(self.call, self.vmid, self.conf).run(self.modified)
        from fake_pve.vm.apply import apply_pending  # only for stopped guests

        conf_file.drop_used_unused(self.conf)
        return apply_pending(self.call, self.vmid, self.conf)

    def _blank(self) -> None:
        """An empty value becomes one blank when the tool reads its own file again on the way (qm-set-006, -046)."""
        for options_ in (self.conf.options, self.conf.pending):
            for key in [key for key, value in options_.items() if value == ""]:
                options_[key] = " "
                if key == "sshkeys":  # no keys are not read again
                    del options_[key]

    def _check_boot(self) -> None:
        """The wording, stray quote included, is the real tool's (qm-walk-022)."""
        for device in boot.order(self.changes.get("boot", "")):
            known = device in self.conf.options or device in self.conf.pending or device in self.changes
            if not known or device in self.deleted:
                raise CommandFailed(f"invalid bootorder: device '{device}' does not exist'")

    def _delete(self, name: str) -> None:
        """Let a deletion wait; an `unusedN` goes at once."""
        value = pending.get(self.conf, name)
        value = pending.waiting(self.conf, name) if value is None else value
        if value is None:
            self.call.err(f"cannot delete '{name}' - not set in current configuration!")
            return
        self.modified.add(name)
        if name.startswith("unused"):
            self._remove_unused(name, value)
        else:
            self._delete_later(name, value)
        self.touched = True

    def _delete_later(self, name: str, value: str) -> None:
        waited = pending.waiting(self.conf, name) is not None
        if drive.is_name(name):
            self._check_protection(f"can't remove drive '{name}'")
            if waited:
                disks.detach(self.call, self.vmid, self.conf, drive.parse(value))
        pending.wait_delete(self.conf, name, self.call.flag("force"))
        if name in self.order and not waited:
            self._reorder([device for device in self.order if device != name])

    def _reorder(self, devices: list[str]) -> None:
        self.order = devices
        self.modified.add("boot")
        pending.wait(self.conf, "boot", boot.print_(devices))

    def _check_protection(self, what: str) -> None:
        if self.conf.options.get("protection") == "1":
            raise CommandFailed(f"{what} - protection mode enabled")

    def _remove_unused(self, name: str, value: str) -> None:
        one = drive.parse(value)
        self._check_protection(f"can't remove unused disk '{one['file']}'")
        disks.remove(self.call, self.vmid, self.conf, name, one)
        del self.conf.options[name]

    def _change(self, name: str) -> None:
        """Let a value wait; a drive's volume is made now."""
        value = self.changes[name]
        self.modified.add(name)
        if pending.waiting(self.conf, name) == value:
            return
        if name == "ostype":
            self._pin_machine()
        if drive.is_name(name):
            value = self._drive(name, value)
        elif name == "boot":
            value = self._boot(value)
        elif name == "machine":
            inputs.check_machine(value)
        if name != "description":
            conf_file.check_value("qemu", name, value)
        pending.wait(self.conf, name, value)

    def _pin_machine(self) -> None:
        machine = (
            None if "machine" in self.deleted else inputs.pin_machine_of_change(self.call, self.conf, self.changes)
        )
        if machine:
            self.modified.add("machine")
            pending.wait(self.conf, "machine", machine)

    def _boot(self, value: str) -> str:
        """A boot order replaces the old settings, so `bootdisk` goes."""
        devices = boot.order(value)
        if devices and "bootdisk" in self.conf.options:
            pending.wait_delete(self.conf, "bootdisk", force=False)
        return boot.print_(devices) if devices else value

    def _drive(self, name: str, value: str) -> str:
        if name in self.conf.pending:
            disks.detach(self.call, self.vmid, self.conf, drive.parse(self.conf.pending[name]))
        try:
            made = disks.Maker(self.call, self.vmid, self.conf).make_all({name: value})[name]
        except NotModelled:
            raise
        except CommandFailed as problem:
            raise CommandFailed(problem.message, problem.status if problem.status == LVM_FAILED else 255) from None
        if self.order and name not in self.order and drive.is_cdrom(drive.parse(value), but_cloudinit=True):
            self._reorder([*self.order, name])
        return made
