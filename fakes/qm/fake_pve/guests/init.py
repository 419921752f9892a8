"""A simulated guest's first process: it boots, answers from inside, and when it ends everything of the guest ends.

It is the machine's Python, forked into the guest's namespaces, so that a tree without Python can be a guest too. After
`pivot_root` nothing can be imported any more: every module it needs is imported here, at the top.
"""

from __future__ import annotations

import array
import json
import os
import signal
import socket
import struct
import time

from fake_pve.guests import processes, systemctl, units
from fake_pve.guests.loop import READ, Child, Loop, Sleep
from fake_pve.guests.relay import join, listen_unix

TYPE_CHECKING = False  # typing costs each guest memory
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

    from fake_pve.guests.loop import Task

STAGES = "/usr/lib/fake-pve/cloud-init-stages"
AGENT_RULE = "/usr/lib/udev/rules.d/60-qemu-guest-agent.rules"
WANTS = "/etc/systemd/system/multi-user.target.wants"
RUN = "/run/fake-pve"
DONE_BY_US = ("networking.service",)
STAGE_UNITS = {
    "local": "cloud-init-local.service",
    "init": "cloud-init.service",
    "config": "cloud-config.service",
    "final": "cloud-final.service",
}
FOLDER_CHECK_SECONDS = 2.0
TERM_SECONDS = 3.0


class Init:
    """The guest from inside.

    config    what the launcher wrote: kind, hostname, agent, ssh_address, seed…
    folder    open file of the guest's folder on the machine; when the folder is removed, the guest ends
    """

    def __init__(self, config: dict[str, Any], folder: int, listeners: dict[str, socket.socket], log: int) -> None:
        self.config = config
        self.folder = folder
        self.listeners = listeners
        self.log_file = log
        self.loop = Loop()
        self.stage = "boot"
        self.ending = ""
        self.mount_run: Callable[[], None] = lambda: None
        self.services = units.Units(self.loop, self.spawn, self.log)
        self.systemctl = systemctl.Systemctl(self.services, lambda: self.stage == "up")
        self.inner: list[socket.socket] = []
        self.wire: object = None  # keeps the far side of the guest's network alive

    def log(self, text: str) -> None:
        """One line to the guest's console."""
        os.write(self.log_file, f"[{time.monotonic():.2f}] {text}\n".encode(errors="replace"))

    # processes

    def spawn(
        self,
        argv: list[str],
        *,
        environ: Mapping[str, str] | None = None,
        user: str = "",
        cwd: str = "/",
        fds: tuple[int, int, int] | None = None,
        keep: int | None = None,
        terminal: bool = False,
    ) -> int:
        """Start a program of the guest; its pid. What it says goes to the console unless `fds` say otherwise."""
        files = fds or (-1, self.log_file, self.log_file)
        pid = processes.start(argv, files, environ=environ or {}, user=user, cwd=cwd, keep=keep, terminal=terminal)
        self.loop.expected.add(pid)
        return pid

    # boot

    def run(self) -> NoReturn:
        """Boot and serve until the guest ends."""
        self.loop.catch(signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        self.loop.on_signal = lambda _: self.end("poweroff")
        self._accept(self.listeners["control"], self._control)
        self._accept(self.listeners["ssh"], self._let_in)
        self._accept(self.listeners["agent"], lambda got: join(self.loop, got, socket.AF_UNIX, f"{RUN}/qga.sock"))
        self.loop.start(self._watch_folder())
        self.loop.start(self._boot())
        while True:
            try:
                self.loop.turn()
            except Exception as error:  # noqa: BLE001 - the first process must not die of one bad request
                self.log(f"init: {type(error).__name__}: {error}")

    def _let_in(self, connection: socket.socket) -> None:
        """Lead a connection from the machine to the guest's port 22, as the network would: without a card, nowhere."""
        if not self.config["nics"]:
            connection.close()
            return
        address = self.config["ssh_address"] or "127.0.0.1"
        join(self.loop, connection, socket.AF_INET6 if ":" in address else socket.AF_INET, (address, 22))

    def _accept(self, listener: socket.socket, handle: Callable[[socket.socket], None]) -> None:
        listener.setblocking(False)

        def ready(_: int) -> None:
            try:
                connection, _address = listener.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            handle(connection)

        self.loop.watch(listener.fileno(), READ, ready)

    def _watch_folder(self) -> Task:
        while os.fstat(self.folder).st_nlink:
            yield Sleep(FOLDER_CHECK_SECONDS)
        os._exit(0)

    def _boot(self) -> Task:
        yield from self._dawdle()
        self._open_inner_sockets()
        self.stage = "agent"
        for name in DONE_BY_US:
            self.services.mark(name)
        if self.config["agent"] and os.path.exists(AGENT_RULE):
            yield from self._start_service("qemu-guest-agent.service")
        if self.config["kind"] == "qemu":
            yield from self._cloud_init()
        else:
            yield from self._prepare_container()
            yield from self._start_enabled()
        self.stage = "up"
        self.log("up")

    def _dawdle(self) -> Task:
        """Take as long to boot as a test wants: a machine whose system hangs does not even listen."""
        seconds = self.config["boot_seconds"]
        while seconds is None:
            yield Sleep(3600.0)
        yield Sleep(seconds)

    def _prepare_container(self) -> Task:
        for argv, text in self.config["first_boot"]:
            if os.path.exists(argv[0]):
                said, say = os.pipe()
                os.write(say, text.encode())  # a line or two: fits into the pipe
                os.close(say)
                yield Child(self.spawn(argv, fds=(said, self.log_file, self.log_file)))
                os.close(said)

    def _cloud_init(self) -> Task:
        """Run the four stages; services start after the second, as on a real machine."""
        told, tell = os.pipe()
        child = Child(self.spawn(["/usr/bin/python3", "-I", STAGES], keep=tell))
        os.close(tell)

        def heard(_: int) -> None:
            words = os.read(told, 4096).decode().split()
            if not words:
                self.loop.forget(told)
                os.close(told)
            for word in words:
                self.log(f"cloud-init {word}")
                self.stage = word
                self.services.mark(STAGE_UNITS[word])
                if word == "init":
                    self.loop.start(self._start_enabled())

        self.loop.watch(told, READ, heard)
        status = yield child
        if status:
            self.log(f"cloud-init ended with status {status}")
            yield from self._start_enabled()

    def _start_enabled(self) -> Task:
        names = sorted(os.listdir(WANTS)) if os.path.isdir(WANTS) else []
        for name in names:
            if name.endswith(".service"):
                yield from self._start_service(name)
        if units.load("ssh") is None and units.load("sshd") is None and os.path.exists("/usr/sbin/sshd"):
            self.spawn(["/usr/sbin/sshd"])  # a tree with another init system than systemd

    def _start_service(self, name: str) -> Task:
        unit = units.load(name)
        if unit is not None:
            problem = yield from self.services.start(unit)
            if problem:
                self.log(problem)

    # questions from inside: systemctl and /dev/log

    def _open_inner_sockets(self) -> None:
        for old in self.inner:
            self.loop.forget(old.fileno())
            old.close()
        asked = listen_unix(f"{RUN}/init.sock")
        os.chmod(f"{RUN}/init.sock", 0o666)  # noqa: S103 - every user of the guest may ask
        self._accept(asked, self._asked)
        syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        if os.path.lexists("/dev/log"):
            os.unlink("/dev/log")
        syslog.bind("/dev/log")
        os.chmod("/dev/log", 0o666)  # noqa: S103 - and log
        self.loop.watch(
            syslog.fileno(), READ, lambda _: self.log(syslog.recv(8192).decode(errors="replace").rstrip("\n\0"))
        )
        self.inner = [asked, syslog]

    def _asked(self, connection: socket.socket) -> None:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        uid = struct.unpack("=iII", credentials)[1]
        self._read_line(connection, lambda request, _: self.loop.start(self._answer(connection, request, uid)))

    def _answer(self, connection: socket.socket, request: dict[str, Any], uid: int) -> Task:
        program, argv = request["program"], request["argv"]
        wish = systemctl.power(program, argv)
        if wish is None:
            status, out, err = yield from self.systemctl.run(argv, uid)
        elif uid:
            status, out, err = 1, "", f"Failed to set wall message, ignoring: {systemctl.NOT_ROOT}\n"
        elif "-c" in argv:
            status, out, err = 0, "", ""
        else:
            status, out, err = 0, "", ""
            self.loop.start(self._end_later(*wish))
        self._reply(connection, {"status": status, "out": out, "err": err})

    # commands from the machine

    def _control(self, connection: socket.socket) -> None:
        def got(request: dict[str, Any], fds: list[int]) -> None:
            action = request["do"]
            if action == "exec":
                self.loop.start(self._execute(connection, request, fds))
            elif action == "status":
                self._reply(connection, {"stage": self.stage})
            elif action == "shutdown":
                self._reply(connection, {})
                self.loop.start(self._end_later(request["how"], request["after"]))
            else:
                if action == "reset":
                    self.loop.start(self._end_now("reboot", 0.0))
                else:
                    processes.signal_all(signal.SIGSTOP if action == "suspend" else signal.SIGCONT)
                self._reply(connection, {})

        self._read_line(connection, got)

    def _read_line(self, connection: socket.socket, handle: Callable[[dict[str, Any], list[int]], None]) -> None:
        text = bytearray()
        fds: list[int] = []

        def ready(_: int) -> None:
            data, more = _receive(connection)
            fds.extend(more)
            text.extend(data)
            if not data or text.endswith(b"\n"):
                self.loop.forget(connection.fileno())
                if not data:
                    connection.close()
                    return
                handle(json.loads(text), fds)

        self.loop.watch(connection.fileno(), READ, ready)

    def _reply(self, connection: socket.socket, answer: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        connection.setblocking(True)
        try:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
            connection.sendmsg([json.dumps(answer).encode() + b"\n"], ancillary)
            if not fds:
                connection.close()
        except OSError:
            connection.close()

    def _execute(self, connection: socket.socket, request: dict[str, Any], fds: list[int]) -> Task:
        """Run a command with the caller's files, or with a terminal whose other end the caller is given."""
        own: tuple[int, int, int] = (fds[0], fds[1], fds[2])
        if request["tty"]:
            master, slave = os.openpty()
            own = (slave, slave, slave)
            self._reply(connection, {"terminal": True}, (master,))
            os.close(master)
        pid = self.spawn(request["argv"], environ=request["environ"], cwd="/root", fds=own, terminal=request["tty"])
        for fd in {*fds, *own}:
            os.close(fd)

        def gone(_: int) -> None:
            self.loop.forget(connection.fileno())
            processes.signal_group(pid)

        self.loop.watch(connection.fileno(), READ, gone)
        status = yield Child(pid)
        self.loop.forget(connection.fileno())
        self._reply(connection, {"exit": status if status >= 0 else 128 - status})

    # the end

    def end(self, how: str) -> None:
        """Power off or reboot in good order, unless that is under way."""
        if not self.ending:
            self.ending = how
            self.loop.start(self._end_now(how, TERM_SECONDS))

    def _end_later(self, how: str, seconds: float) -> Task:
        yield Sleep(seconds)
        self.end(how)

    def _end_now(self, how: str, patience: float) -> Task:
        self.log(f"init: {how}")
        self.stage = "ending"
        if patience:
            processes.signal_all(signal.SIGTERM)
            processes.signal_all(signal.SIGCONT)
        while patience > 0 and processes.others():
            yield Sleep(0.05)
            patience -= 0.05
        processes.signal_all(signal.SIGKILL)
        if how == "poweroff":
            os._exit(0)
        while processes.others():
            yield Sleep(0.01)
        self.services.states.clear()
        self.mount_run()
        self.ending = ""
        self.stage = "boot"
        self.loop.start(self._boot())


def _receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    try:
        data, fds, _flags, _address = socket.recv_fds(connection, 1 << 20, 3)
    except (BlockingIOError, ConnectionResetError):
        return b"", []
    for fd in fds:
        os.set_inheritable(fd, False)
    return data, fds
