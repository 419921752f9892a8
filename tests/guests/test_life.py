"""A simulated machine's life: start, stop, what survives, how it ends, and that nothing is left."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from tests.guests.lab import Guest, seed, until, vm_spec

from fake_pve.guests import AgentSilent, GuestFailed, state, sweep, userns
from fake_pve.guests.spec import Nic, Spec

LOGIN_SECONDS = 20.0  # a promise is 3 s on an idle machine (tests/guests/measure.py); here others work too


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # one that ended meanwhile has no family
            for thread in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def gone(pids: list[int]) -> bool:
    return not any(state.start_time(pid) for pid in pids)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def test_what_it_wrote_survives_stop_and_start(guest: Guest, spec: Spec) -> None:
    guest.start(spec)
    guest.booted()
    guest.run("echo kept | sudo tee /etc/mine /home/phoenix_admin/mine && sudo useradd --create-home carol")
    host_key, port = guest.run("cat /etc/ssh/ssh_host_ed25519_key.pub"), guest.port()
    machine_id = guest.run("cat /etc/machine-id")
    assert guest.shutdown()
    assert not guest.running()
    guest.start(spec)
    guest.booted()
    assert guest.run("cat /etc/mine /home/phoenix_admin/mine; id -un carol; hostname") == "kept\nkept\ncarol\nphx-web01"
    assert guest.run("cat /etc/ssh/ssh_host_ed25519_key.pub") == host_key
    assert guest.run("cat /etc/machine-id") == machine_id
    assert guest.run("sudo cat /root/runs") == "run", "what is done once an instance is not done again"
    assert guest.port() == port


def test_a_machine_that_is_another_one_begins_anew(guest: Guest, tmp_path: Path, keys: Path) -> None:
    guest.start(vm_spec(tmp_path / "one", keys, "one", identity="uuid=1"))
    guest.booted()
    guest.stop()
    guest.start(vm_spec(tmp_path / "two", keys, "two", identity="uuid=2"))
    guest.booted()
    assert guest.run("hostname; sudo cat /root/runs") == "two\nrun"


def test_it_cannot_be_started_twice(guest: Guest, spec: Spec) -> None:
    guest.start(spec)
    with pytest.raises(GuestFailed, match="already running"):
        guest.start(spec)


def test_shut_down_from_inside_it_has_no_power(guest: Guest, spec: Spec) -> None:
    guest.start(spec)
    guest.login()
    guest.ssh("sudo poweroff")
    until(lambda: not guest.running())
    assert guest.pid() == 0


def test_shut_down_by_the_agent_it_has_no_power(guest: Guest, spec: Spec) -> None:
    guest.start(spec)
    guest.login()
    guest.agent("shutdown", {"mode": "powerdown"})
    until(lambda: not guest.running())


def test_a_reboot_keeps_the_process_and_ends_the_session(guest: Guest, spec: Spec) -> None:
    guest.start(spec)
    guest.booted()
    before, boot = guest.pid(), guest.run("cat /proc/uptime")
    assert guest.ssh("sudo reboot; sleep 30").returncode != 0
    until(lambda: guest.driver.stage(guest.node, guest.vmid) != "up")
    guest.booted()
    assert guest.pid() == before
    assert guest.run("sudo cat /root/runs; hostname") == "run\nphx-web01"
    assert boot


def test_reset_boots_again(guest: Guest, spec: Spec) -> None:
    guest.start(spec)
    guest.booted()
    guest.driver.reset(guest.node, guest.kind, guest.vmid)
    guest.booted()
    assert guest.run("hostname") == "phx-web01"


def test_suspended_it_does_not_answer_and_resumed_it_does(guest: Guest, spec: Spec) -> None:
    guest.start(spec)
    guest.booted()
    guest.driver.suspend(guest.node, guest.kind, guest.vmid)
    assert guest.ssh("true", "admin", "-o", "ConnectTimeout=1").returncode == 255
    with pytest.raises(AgentSilent):
        guest.agent("ping")
    guest.driver.resume(guest.node, guest.kind, guest.vmid)
    assert guest.agent("ping") == {}
    assert guest.run("hostname") == "phx-web01"


def test_without_the_agents_port_there_is_no_agent(guest: Guest, tmp_path: Path, keys: Path) -> None:
    folder = tmp_path / "seed"
    guest.start(Spec(hostname="", seed=seed(folder, keys, "no-agent"), agent=False))
    until(lambda: guest.driver.stage(guest.node, guest.vmid) == "init", 30)
    with pytest.raises(AgentSilent):
        guest.agent("ping")


def test_an_agent_can_be_late_or_never_come(guest: Guest, spec: Spec) -> None:
    guest.wish(agent="never")
    guest.start(spec)
    guest.login()
    with pytest.raises(AgentSilent):
        guest.agent("ping")
    guest.wish(agent=0.1)
    assert guest.agent("ping") == {}


def test_a_guest_can_ignore_a_shutdown_or_take_its_time(guest: Guest, spec: Spec) -> None:
    guest.wish(shutdown="never")
    guest.start(spec)
    guest.login()
    assert not guest.shutdown(0.5)
    assert guest.running()
    guest.wish(shutdown=1)
    begin = time.monotonic()
    assert guest.shutdown()
    assert time.monotonic() - begin >= 1


def test_a_guest_can_hang_while_booting(guest: Guest, spec: Spec) -> None:
    guest.wish(boot="never")
    guest.start(spec)
    time.sleep(2)
    assert guest.running()
    assert guest.ssh("true", "admin", "-o", "ConnectTimeout=1").returncode == 255
    assert not guest.shutdown(0.2)
    guest.stop()
    assert not guest.running()


def test_by_dhcp_it_gets_the_address_that_the_fake_picked(guest: Guest, tmp_path: Path, keys: Path) -> None:
    folder = Path(seed(tmp_path / "seed", keys, "leased"))
    text = (folder / "network-config").read_text()
    (folder / "network-config").write_text(text[: text.index("      - type: static")] + "      - type: dhcp4\n")
    guest.start(Spec(hostname="", seed=str(folder), nics=(Nic("eth0", "BC:24:11:2A:3B:4C", cidr="dhcp"),)))
    guest.booted()
    assert guest.run("ip -4 -brief address show eth0").split()[2].startswith("10.77.")
    assert guest.run("ip route show default").startswith("default via 10.77.0.1")


def test_stopped_nothing_is_left(guest: Guest, spec: Spec) -> None:
    guest.start(spec)
    guest.booted()
    pids, port = family(guest.pid()), guest.port()
    assert len(pids) >= 3
    guest.stop()
    assert gone(pids)
    assert is_free(port)
    assert str(guest.folder) not in Path("/proc/mounts").read_text()
    guest.driver.remove(guest.node, guest.kind, guest.vmid)
    assert not guest.folder.exists()


def test_after_kill_9_of_everything_a_sweep_removes_the_rest(guest: Guest, spec: Spec) -> None:
    guest.start(spec)
    guest.booted()
    guest.run("sudo touch /root/file && sudo chmod 000 /root/file")
    pids, port = family(guest.pid()), guest.port()
    for pid in reversed(pids):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: gone(pids))
    assert not guest.running()
    assert is_free(port)
    sweep.sweep(guest.node.root)
    assert not guest.folder.exists()


def test_a_sweep_ends_what_still_runs(guest: Guest, spec: Spec) -> None:
    guest.start(spec)
    guest.login()
    pids = family(guest.pid())
    assert sweep.sweep(guest.node.root) == [str(guest.folder)]
    assert gone(pids)


def test_when_its_folder_is_removed_it_ends(guest: Guest, spec: Spec) -> None:
    guest.start(spec)
    pids = family(guest.pid())
    userns.remove_tree(guest.node.root)
    until(lambda: gone(pids))


def test_two_nodes_with_the_same_guest_do_not_collide(machine: None, root: Path, tmp_path: Path, keys: Path) -> None:
    nodes = [Guest(root / name, keys) for name in ("one", "two")]
    try:
        for number, one in enumerate(nodes):
            one.start(vm_spec(tmp_path / f"seed{number}", keys, f"node{number}"))
        for number, one in enumerate(nodes):
            one.login()
            assert one.run("hostname") == f"node{number}"
        assert nodes[0].port() != nodes[1].port()
    finally:
        for name in ("one", "two"):
            sweep.sweep(str(root / name))


def test_without_network_card_nobody_comes_in(guest: Guest, tmp_path: Path, keys: Path) -> None:
    guest.start(Spec(hostname="", seed=seed(tmp_path / "seed", keys, "alone")))
    until(lambda: guest.driver.stage(guest.node, guest.vmid) == "up", 60)
    assert guest.ssh("true").returncode == 255
    assert guest.agent("get-host-name") == {"host-name": "alone"}
