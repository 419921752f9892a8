"""`pct set`: change, delete or revert options of a container."""

from __future__ import annotations

from fake_pve import conf as conf_files
from fake_pve import lock, schema
from fake_pve.errors import CommandFailed, ParameterErrors
from fake_pve.lxc import changes, power

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call

MOST_CPU_UNITS = 10000  # what control groups of version 2 can hold
NO_VALUES = ("vmid", "delete", "revert", "digest")


def run(call: Call) -> None:
    """Nothing is printed on success; what could not be applied stays pending and is an error."""
    params = call.params
    if len(params) == 1:
        raise CommandFailed("no options specified")
    values = {key: value for key, value in params.items() if key not in NO_VALUES}
    delete, revert = changes.words(params.get("delete", "")), changes.words(params.get("revert", ""))
    check_names("delete", delete, values)
    check_names("revert", revert, values)
    if "cpuunits" in values:
        values["cpuunits"] = str(min(int(values["cpuunits"]), MOST_CPU_UNITS))
    change(call, params["vmid"], values, delete, revert)


def check_names(option: str, names: list[str], values: dict[str, str]) -> None:
    """Refuse names that are no options (pct-set-005) or that are set in the same call."""
    for name in names:
        if name in values:
            raise ParameterErrors({option: f"you can't use '-{name}' and -{option} {name}' at the same time"})
        if not schema.is_option("pct", name) or name in NO_VALUES:
            raise ParameterErrors({option: f"unknown option '{name}'"})


def change(call: Call, vmid: str, values: dict[str, str], delete: list[str], revert: list[str]) -> None:
    """The change itself, under the container's lock."""
    with lock.guest_lock(call.node, "lxc", vmid):
        conf = conf_files.load(call.node, "lxc", vmid)
        power.check_lock(conf)
        check_digest(conf, call.params.get("digest"))
        running = power.is_running(call.node, vmid)
        problems = changes.update(call, vmid, conf, running, values, delete, revert)
        power.save(call, vmid, conf)
        power.check_complete(call.node, conf)
        if problems:
            raise ParameterErrors(problems)


def check_digest(conf: conf_files.Conf, wanted: str | None) -> None:
    """`--digest` guards against a change by somebody else (pct-set-017)."""
    if wanted and conf_files.digest(conf) != wanted:
        raise CommandFailed("detected modified configuration - file changed by other user? Try again.")
