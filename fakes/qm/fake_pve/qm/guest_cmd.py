"""`qm guest cmd <vmid> <command>` and its alias `qm agent`: ask the guest agent (qm-agent-001…007)."""

from __future__ import annotations

from fake_pve import agent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fake_pve.call import Call


def run(call: Call) -> None:
    """Print the answer: a word or number as it is, anything with contents as JSON, an empty object not at all."""
    answer = agent.ask(call, call.params["vmid"], call.params["command"])
    if isinstance(answer, (dict, list)):
        if answer or isinstance(answer, list):
            call.out(agent.pretty(answer))
    elif answer is not None:
        call.out(str(answer))
