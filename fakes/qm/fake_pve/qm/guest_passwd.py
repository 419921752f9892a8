"""`qm guest passwd <vmid> <username>`: set a password in the guest (qm-agent-001)."""

from __future__ import annotations

from fake_pve import agent, runtime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Set it where there is a guest; the password was given or read from stdin before."""
    vmid = call.params["vmid"]
    agent.ready(call, vmid)
    if call.node.guest in runtime.REAL_GUESTS:
        import base64

        password = base64.b64encode(call.params["password"].encode()).decode()
        arguments = {"username": call.params["username"], "password": password, "crypted": call.flag("crypted")}
        agent.ask(call, vmid, "set-user-password", arguments)
