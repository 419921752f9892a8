"""The guest agent: who has one, whether it answers, and what it says.

Without a real guest the answers are those of the recordings' guest (qm-agent-005, -006), or for FAKE_PVE_GUEST=none
ones made from the configuration. What such a guest cannot know is refused as an agent refuses it.
"""

from __future__ import annotations

from fake_pve import behaviour, power, runtime
from fake_pve import conf as confs
from fake_pve.errors import CommandFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from fake_pve.call import Call
    from fake_pve.conf import Conf

AGENT_STATUS = 29  # what Perl leaves behind for an agent's error (ESPIPE)
ADDRESS, PREFIX = "10.0.99.50", 24
LOOPBACK = {
    "hardware-address": "00:00:00:00:00:00",
    "ip-addresses": [{"ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8}],
    "name": "lo",
    "statistics": {f"{way}-{what}": 0 for way in ("rx", "tx") for what in ("bytes", "dropped", "errs", "packets")},
}
OSINFO = {
    "id": "ubuntu",
    "kernel-release": "6.8.0-87-generic",
    "kernel-version": "#88-Ubuntu SMP",
    "machine": "x86_64",
    "name": "Ubuntu",
    "pretty-name": "Ubuntu 24.04.3 LTS",
    "version": "24.04.3 LTS (Noble Numbat)",
    "version-id": "24.04",
}
SUPPORTED = ("guest-ping", "guest-exec", "guest-set-user-password")


def ready(call: Call, vmid: str) -> Conf:
    """The configuration of a machine whose agent answers; refuses in the order: configured, running, answering."""
    conf = confs.load(call.node, "qemu", vmid)
    if not power.has_agent(conf):
        raise CommandFailed("No QEMU guest agent configured")
    state = runtime.read(call.node, "qemu", vmid)
    if state is None:
        raise CommandFailed(f"VM {vmid} is not running", 2)
    if call.node.guest not in runtime.REAL_GUESTS and not behaviour.agent_answers(call.node, vmid, state):
        raise CommandFailed("QEMU guest agent is not running")
    return conf


def ask(call: Call, vmid: str, command: str, arguments: dict[str, Any] | None = None) -> Any:
    """What the agent returns for `command` (without `guest-`); CommandFailed with its error."""
    conf = ready(call, vmid)
    if call.node.guest in runtime.REAL_GUESTS:
        return _ask_real(call, vmid, command, arguments)
    if command == "shutdown":
        _shut_down(call, vmid, conf)
        return {}
    if command == "network-get-interfaces":
        return [LOOPBACK, *_interfaces(call, conf)]
    if command == "get-host-name":
        return {"host-name": "ubuntu" if call.node.guest == "recorded" else conf.options.get("name", "localhost")}
    if command in ANSWERS:
        return ANSWERS[command]
    raise CommandFailed(f"Agent error: The command guest-{command} has not been found", AGENT_STATUS)


def _ask_real(call: Call, vmid: str, command: str, arguments: dict[str, Any] | None) -> Any:
    """A real guest's agent."""
    from fake_pve import guests  # only for real guests

    driver = guests.driver(call.node)
    if driver is None:
        raise CommandFailed("QEMU guest agent is not running")
    try:
        return driver.agent(call.node, int(vmid), command, arguments)
    except guests.AgentSilent:
        raise CommandFailed("QEMU guest agent is not running") from None
    except guests.GuestFailed as problem:
        raise CommandFailed(f"Agent error: {problem.message}", AGENT_STATUS) from None


def _shut_down(call: Call, vmid: str, conf: Conf) -> None:
    """The guest powers itself off."""
    from fake_pve.lock import guest_lock

    with guest_lock(call.node, "qemu", vmid):
        power.clean_up(call, vmid, conf)


def _interfaces(call: Call, conf: Conf) -> list[dict[str, Any]]:
    """A guest's network cards as its agent sees them; the recordings' guest had one whatever the configuration said."""
    from fake_pve.vm import network

    if call.node.guest == "recorded":
        return [_interface("eth0", "bc:24:11:00:00:01", ADDRESS, PREFIX)]
    found = []
    names = sorted((key for key in conf.options if network.is_name(key)), key=lambda key: int(key[3:]))
    for position, key in enumerate(names):
        mac = network.parse(conf.options[key]).get("macaddr", "").lower()
        address, prefix = _address(conf.options.get(f"ipconfig{key[3:]}", ""), position)
        found.append(_interface(f"eth{position}", mac, address, prefix))
    return found


def _address(ipconfig: str, position: int) -> tuple[str, int]:
    """The static address of `ip=10.0.0.5/24,gw=…`, or one that a DHCP server might give."""
    for part in ipconfig.split(","):
        key, _, value = part.partition("=")
        if key == "ip" and "/" in value:
            address, _, prefix = value.partition("/")
            return address, int(prefix)
    return f"10.0.99.{50 + position}", PREFIX


def _interface(name: str, mac: str, address: str, prefix: int) -> dict[str, Any]:
    return {
        "hardware-address": mac,
        "ip-addresses": [{"ip-address": address, "ip-address-type": "ipv4", "prefix": prefix}],
        "name": name,
    }


ANSWERS: dict[str, Any] = {
    "ping": {},
    "get-osinfo": OSINFO,
    "fsfreeze-status": "thawed",
    "fsfreeze-freeze": 1,
    "fsfreeze-thaw": 1,
    "fstrim": {"paths": []},
    "get-users": [],
    "get-fsinfo": [],
    "get-timezone": {"offset": 0, "zone": "UTC"},
    "info": {
        "supported_commands": [{"enabled": True, "name": name, "success-response": True} for name in SUPPORTED],
        "version": "10.0.2",
    },
}


def pretty(value: Any) -> str:
    """JSON as Perl's JSON module prints it: keys sorted, three blanks deep, blanks around colons."""
    import json  # only agent commands print JSON

    return json.dumps(value, indent=3, sort_keys=True, separators=(",", " : "), ensure_ascii=False)
