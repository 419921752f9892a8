"""What `qm create` and `qm set` do to values of their command line before they become configuration."""

from __future__ import annotations

from fake_pve.errors import CommandFailed, ParameterErrors
from fake_pve.vm import options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call
    from fake_pve.conf import Conf

MAX_CPU_WEIGHT = 10000  # of cgroup v2


def read_files(call: Call, params: dict[str, str]) -> None:
    """`--sshkeys FILE` stands for the file's content, percent-encoded (qm-create-142…147)."""
    if "sshkeys" not in params:
        return
    name = params["sshkeys"]
    path = call.node.path(name) if name.startswith("/") else name
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            params["sshkeys"] = options.uri_escape(file.read())
    except OSError as problem:
        raise CommandFailed(f"can't open '{name}' - {problem.strerror}", problem.errno or 2) from None


def check_keys(params: dict[str, str]) -> None:
    """Every line of `sshkeys` must be a key."""
    if "sshkeys" in params:
        from fake_pve import conf, sshkeys  # few calls give keys

        sshkeys.check(conf.decode(params["sshkeys"]))


def check_cpu(call: Call, params: dict[str, str]) -> None:
    """A guest's `cpu` may only name a custom model that the cluster knows (qm-option-running-020)."""
    kind = params.get("cpu", "").partition(",")[0].removeprefix("cputype=")
    if not kind.startswith("custom-"):
        return
    name = kind.removeprefix("custom-")
    try:
        with open(f"{call.node.root}/etc/pve/virtual-guest/cpu-models.conf", encoding="utf-8") as file:
            known = [line.partition(":")[2].strip() for line in file if line.startswith("cpu-model:")]
    except OSError:
        known = []
    if name not in known:
        raise ParameterErrors({"cpu": f"invalid format - Custom cputype '{name}' not found\n"})


def check_hookscript(call: Call, params: dict[str, str]) -> None:
    """`qm set` looks at the script, `qm create` does not (qm-create-174, qm-option-017)."""
    if "hookscript" in params:
        from fake_pve import hookscript  # only for this option

        try:
            hookscript.script(call.node, params["hookscript"])
        except CommandFailed as problem:
            raise ParameterErrors({"hookscript": f"{problem.message}\n"}) from None


def old_names(params: dict[str, str]) -> None:
    """`--smp N` is `--sockets N`, and CPU weights end at what control groups allow (qm-option-006, -018)."""
    if "smp" in params:
        params["sockets"] = params.pop("smp")
    if "cpuunits" in params:
        params["cpuunits"] = str(min(int(params["cpuunits"]), MAX_CPU_WEIGHT))


def check_machine(value: str | None) -> None:
    """What a `machine` value asks for must go together (qm-firmware-016, -017)."""
    found = options.machine(value or "")
    if "aw-bits" in found and "viommu" not in found:
        raise CommandFailed("cannot set aw-bits if no vIOMMU is configured")
    if found.get("viommu") == "intel" and "q35" not in found.get("type", ""):
        raise CommandFailed("to use Intel vIOMMU please set the machine type to q35")


def cdrom_alias(params: dict[str, str]) -> None:
    """`--cdrom X` is `--ide2 X,media=cdrom`."""
    if "cdrom" in params:
        value = params.pop("cdrom")
        params["ide2"] = value if "media=" in value else f"{value},media=cdrom"


def pin_machine(call: Call, into: dict[str, str], ostype: str | None, machine: str | None) -> None:
    """Windows guests get a fixed machine version, and it is said (qm-create-105)."""
    pinned = options.pinned_machine(machine) if ostype in options.WINDOWS else None
    if pinned:
        into["machine"] = pinned
        kind = options.machine_type(pinned)
        call.out(f"pinning machine type to '{kind}' for Windows guest OS")


def pin_machine_of_change(call: Call, conf: Conf, changes: dict[str, str]) -> str | None:
    """The machine for a guest that is to be a Windows one, unless it is set at the same time (qm-walk-194)."""
    if "machine" in changes:
        return None
    found: dict[str, str] = {}
    machine = conf.pending.get("machine") or conf.options.get("machine")
    pin_machine(call, found, changes["ostype"], machine)
    return found.get("machine")
