"""Every field in which a guest or a node speaks, what a hostile one says in it, and every way out to the user.

A field is a function: it takes what is said, does with it what phoenix does, and shows that on a screen. What comes out
on each way is looked at by `harm`.
"""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from phoenix_pve import address, apply, commands, login, readiness, ssh_config, ssh_errors, waiting
from phoenix_pve.errors import ConfigError, PhoenixError, RefusedError
from phoenix_pve.foreign import FIELD
from phoenix_pve.guest import Kind
from phoenix_pve.journal import Journal
from phoenix_pve.kinds import conf_path
from phoenix_pve.node import Answers, Completed, File, Questions
from phoenix_pve.observe import observe
from phoenix_pve.plan import Goal, Plan, WaitFor
from phoenix_pve.planner import Options, plan
from phoenix_pve.readiness import Stage, Wait
from phoenix_pve.render import COLOURS, paint, status_row
from phoenix_pve.screen import ERASE, Screen
from phoenix_pve.surroundings import INTERFACES, STORAGE_CFG, VMLIST
from samples import spec

MAC = "bc:24:11:00:80:01"
BENIGN = "stranger"

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
DIRECTIONS = [*"\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"]
UNSEEN = [
    *"\u00ad\u034f\u115f\u180e\u200b\u200c\u200d\u2028\u2029\u2060\u2064\u3164\ufe0f\ufeff\ufff9\ue000",
    "\U000e0041",
    "\U000e0100",
]
SEQUENCES = [
    "\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x1b]8;;http://x\x1b\\", "\x1bP+q\x1b\\", "\x9b2J", "\x1b[32m+\x1b[0m x", "\x1b[1;31merror\x1b[0m",
    "\r\x1b[K8001 web: deleted", "x\nerror: all is well\n", "x\r\n\r\n", "\b\b\b\b", "a\x00b", "\ud800", "\udc80", "\udfff\ud800",
]  # fmt: skip
WORDS = [
    "2001:db8::1%h\n  ProxyCommand touch x", "10.0.0.5\nHost *\n ProxyCommand touch x", "-oProxyCommand=x", "$(reboot)", "`reboot`", "; reboot", "| sh", "' ; x '",
    '" ; x "', "%h%p", "{vmid}", "{0}", "%s%n", "..", "../../../etc/shadow", "\\", "\\x1b[2J", "", " ", "[" * 20_000, '{"a":' * 4000, "9" * 5000, "x" * 20_000,
    "\u202e" * 5000, "é" * 3000, "null", "true", "NaN", "1e999", "² ٣",
]  # fmt: skip
HOSTILE = [*(f"a{char}b" for char in [*CONTROLS, *DIRECTIONS, *UNSEEN]), *SEQUENCES, *WORDS]

USUAL = {
    "name": "ubuntu-2404",
    "tags": "phoenix",
    "memory": "512",
    "net0": f"virtio={MAC.upper()},bridge=vmbr0",
    "scsi0": "local:8001/vm-8001-disk-0.raw,size=2G",
}
GUEST = spec(network={"ip": "dhcp"}, description="mine")


class Told:
    """A node with these files, which answers every command alike."""

    def __init__(self, files: dict[str, bytes] | None = None, *, status: int = 0, out: str = "", err: str = "") -> None:
        self.files = {path: File(len(data), data) for path, data in (files or {}).items()}
        self.status, self.out, self.err = status, out, err

    def run(self, argv: Any, stdin: str | None = None, seconds: float | None = None, *, log: str = "") -> Completed:
        return Completed(tuple(argv), self.status, self.out, self.err)

    def look(self, questions: Questions) -> Answers:
        done = tuple(self.run(argv) for argv in questions.commands)
        named = {path: self.files[path] for path in questions.files if path in self.files}
        inside = {p: f for folder in questions.folders for p, f in self.files.items() if p.startswith(f"{folder}/")}
        return Answers(done, named | inside)


# --- the fields ------------------------------------------------------------------------------------------------------


def raw(said: str) -> bytes:
    """What is said as bytes of a file, on one line: a file's lines end somewhere."""
    return said.encode("utf-8", "surrogatepass").replace(b"\n", b" ")


def sight_of(conf: bytes, *, power: str = "stopped", **files: bytes) -> Any:
    there = {
        STORAGE_CFG: b"dir: local\n\tpath /var/lib/vz\n\tcontent images,snippets\n",
        INTERFACES: b"iface vmbr0 inet manual\n bridge-ports none\n",
        conf_path(Kind.VM, 8001): conf,
        **files,
    }
    return observe(Told(there, out=f"status: {power}\n"), GUEST)  # type: ignore[arg-type]


def show_guest(screen: Screen, conf: bytes) -> None:
    """Everything that is shown of a guest: its row, the plan for every goal, the story and the end of each."""
    for power in ("running", "stopped"):
        sight = sight_of(conf, power=power)
        screen.table([status_row(GUEST, sight)])
        for goal, force in (
            (Goal.CREATE, False),
            (Goal.CREATE, True),
            (Goal.DELETE, False),
            (Goal.DELETE, True),
            (Goal.RESTART, False),
        ):
            show_plan(screen, plan(goal, GUEST, sight, "#cloud-config\n", Options(wait=Wait.NONE, force=force)))


def show_plan(screen: Screen, made: Plan) -> None:
    screen.plans([made])
    screen.event(apply.Planned(made))
    for change in made.changes:
        for step in commands.steps(made.kind, made.vmid, change):
            screen.event(apply.StepStarted(made.vmid, change, commands.shell(step)))
    for refusal in made.refusals:
        screen.complain(RefusedError(refusal.message, refusal.hint))
    screen.event(apply.Finished(made, made.waiting, 1.0))
    screen.results([apply.Finished(made, made.waiting, 1.0)])


def option(key: str, form: str = "{}") -> Callable[[str, Screen, Path], None]:
    """The field that is an option of a guest's configuration file."""

    def field(said: str, screen: Screen, folder: Path) -> None:
        lines = {**USUAL, key: form.replace("{}", "\0SAID")}
        conf = "".join(f"{name}: {value}\n" for name, value in lines.items()).encode().replace(b"\0SAID", raw(said))
        show_guest(screen, conf)

    return field


def note(said: str, screen: Screen, folder: Path) -> None:
    conf = "".join(f"{name}: {value}\n" for name, value in USUAL.items()).encode()
    show_guest(screen, b"#" + raw(said) + b"\n" + conf)


def waiting_option(said: str, screen: Screen, folder: Path) -> None:
    conf = "".join(f"{name}: {value}\n" for name, value in USUAL.items()).encode()
    show_guest(screen, conf + b"[PENDING]\n" + raw(said) + b": 1\n")


def node_file(path: str, form: bytes) -> Callable[[str, Screen, Path], None]:
    """The field that stands in a file of the node, for a guest that is to be made."""

    def field(said: str, screen: Screen, folder: Path) -> None:
        files = {
            STORAGE_CFG: b"dir: other\n\tpath /a\n",
            INTERFACES: b"iface vmbr7 inet manual\n",
            path: form.replace(b"SAID", raw(said)),
        }
        sight = observe(Told(files, status=2, err="Configuration file 'x' does not exist"), GUEST)  # type: ignore[arg-type]
        for goal in Goal:
            show_plan(screen, plan(goal, GUEST, sight, "#cloud-config\n", Options()))
        screen.table([status_row(GUEST, sight)])

    return field


def failing(screen: Screen, work: Callable[[], object]) -> None:
    """Show the error in which something ends, or that there is none."""
    try:
        work()
    except PhoenixError as error:
        failed = apply.Failed(8001, "web", error)
        screen.event(failed)
        screen.results([failed])
        screen.fail(error)


def tool(said: str, screen: Screen, folder: Path) -> None:
    """What qm says when it fails, on either stream."""
    for node in (
        Told(status=2, err=said),
        Told(status=2, out=said),
        Told(status=0, out=said),
        Told(status=0, out=f"status: {said}"),
    ):
        failing(screen, lambda node=node: observe(node, GUEST))  # type: ignore[misc]
        failing(screen, lambda node=node: commands.run_command(node, ["qm", "start", "8001"]))  # type: ignore[misc]


def agent(said: str, screen: Screen, folder: Path) -> None:
    """What the tools say while phoenix waits, for every stage."""
    for stage in (Stage.ADDRESS, Stage.SSH, Stage.CLOUD_INIT):
        for node in (
            Told({conf_path(Kind.VM, 8001): b"net0: virtio=" + MAC.encode()}, status=code, out=said, err=said)
            for code in (0, 2)
        ):
            failing(screen, lambda node=node, stage=stage: wait(screen, node, stage))  # type: ignore[misc]


def wait(screen: Screen, node: Any, stage: Stage, address: str = "") -> None:
    step = commands.Await(Kind.VM, 8001, WaitFor(stage, address))
    for told in waiting.wait(node, step, "web", 0, lambda: 0.0, lambda _: None):
        if isinstance(told, str):
            screen.event(apply.Noted(8001, told))
        else:
            screen.event(apply.Waiting(8001, stage.value, told, 0))


def inside(form: str) -> Callable[[str, Screen, Path], None]:
    """The field that stands in what a guest's agent runs: cloud-init's files."""

    def field(said: str, screen: Screen, folder: Path) -> None:
        printed = form.replace("SAID", json.dumps(said))
        answer = json.dumps({"exited": 1, "exitcode": 0, "out-data": printed})
        failing(screen, lambda: wait(screen, Told(out=answer), Stage.CLOUD_INIT))
        failing(screen, lambda: shown_login(screen, f"ubuntu-2404\n6.8\n{printed}"))

    return field


def shown_login(screen: Screen, printed: str) -> None:
    made = plan(
        Goal.CREATE, GUEST, sight_of(b"name: ubuntu-2404\ntags: phoenix\nscsi0: local:1/x,size=2G\n"), "", Options()
    )
    proof = login._proof(GUEST, ssh_config.target(GUEST, "10.0.0.5"), printed)
    done = apply.Finished(made, (), 1.0, proof)
    screen.event(done)
    screen.results([done])


def hostname(said: str, screen: Screen, folder: Path) -> None:
    failing(screen, lambda: shown_login(screen, f"{said}\n6.8\n"))


def kernel(said: str, screen: Screen, folder: Path) -> None:
    failing(screen, lambda: shown_login(screen, f"ubuntu-2404\n{said}\n== disabled\n\n"))


def guests_ssh(said: str, screen: Screen, folder: Path) -> None:
    for text in (said, f"{said}\nPermission denied", f"HOST IDENTIFICATION HAS CHANGED\n{said}"):
        screen.complain(login.refused(GUEST, ssh_config.target(GUEST, ""), "/s/8001", text))


def nodes_ssh(said: str, screen: Screen, folder: Path) -> None:
    words = ["", "HOST IDENTIFICATION HAS CHANGED\n", "Bad configuration option ", "ssh-keygen "]
    made = [ssh_errors.not_connected("pve1", f"{before}{said}") for before in words]
    made += [
        ssh_errors.no_answer("pve1", said),
        ssh_errors.unreadable("pve1", said),
        ssh_errors.no_file("pve1", "x", said),
    ]
    for error in made:
        screen.fail(error)


def lock(said: str, screen: Screen, folder: Path) -> None:
    screen.event(apply.Blocked(8001, said))


def anything(said: str, screen: Screen, folder: Path) -> None:
    """What somebody forgot to admit before: the screen is the last to look. It cuts nothing off."""
    said = said[:300]
    screen.say(f"note: {' '.join(said.split())}")
    screen.event(apply.Noted(8001, said))
    screen.complain(ConfigError([" ".join(said.split())], " ".join(said.split())))
    screen.table(
        [
            {
                "id": 1,
                "name": said,
                "kind": said,
                "status": said,
                "stranger": said,
                "lock": said,
                "waiting_for_restart": [said],
            }
        ]
    )


def journal(said: str, screen: Screen, folder: Path) -> None:
    """An option that somebody set and phoenix keeps comes into a command, and with it into the journal."""
    path = folder / "journal"
    path.unlink(missing_ok=True)
    Journal(Told(), str(path), "pve1").run(["qm", "set", "8001", "--net0", said[:1000]])  # type: ignore[arg-type]
    (line,) = path.read_bytes().decode().splitlines()
    screen._put(screen._err, f"{line}\n")
    assert json.loads(line)["run"][:4] == ["qm", "set", "8001", "--net0"]


def guests_address(kind: Kind) -> Callable[[str, Screen, Path], None]:
    """The address that a guest says it has, on its way into ssh's configuration and into command lines."""

    def field(said: str, screen: Screen, folder: Path) -> None:
        for answer in answers(kind, said):
            found = address.choose(kind, answer, MAC)
            assert found in {"", "10.0.0.7"}, found
            goal = ssh_config.target(GUEST, found)
            screen.ssh_config(ssh_config.Access("/s"), [goal])
            screen.login(goal, ssh_config.shell_line(ssh_config.command(ssh_config.Access("/s"), goal, [])))
            check_argv(ssh_config.command(ssh_config.Access("/s", "pve1"), ssh_config.target(GUEST, said), []))
            check_argv(readiness.port_probe(said))

    return field


def answers(kind: Kind, said: str) -> Iterator[str]:
    """What is said in each place of an answer: as an address, as its length, as a card's, as the whole of it."""
    words = (
        ("hardware-address", "ip-addresses", "ip-address", "prefix")
        if kind is Kind.VM
        else ("address", "addr_info", "local", "prefixlen")
    )
    card, listed, local, length = words
    yield json.dumps([{card: MAC, listed: [{local: said, length: 24}]}])
    yield json.dumps([{card: MAC, listed: [{local: said, length: said}, {local: "10.0.0.7", length: 24}]}])
    yield json.dumps([{card: said, listed: said}, {card: MAC, listed: said}, {said: said}, said])
    yield said
    yield f"[{{{json.dumps(card)}: {json.dumps(MAC)}, {json.dumps(listed)}: {said}}}]"


def check_argv(argv: Any) -> None:
    """Of an address nothing gets into a command line but an address."""
    for word in argv:
        name, _, value = word.partition("HostName=")
        assert not value or re.fullmatch(r"[0-9a-f.:]+|phoenix-8001", value), word
        assert not set(word) & set("\n\0\x1b") or word == readiness.PORT_SCRIPT, word
        assert name is not None


FIELDS: dict[str, Callable[[str, Screen, Path], None]] = {
    "name": option("name"),
    "tags": option("tags", "phoenix;{}"),
    "description": note,
    "lock": option("lock"),
    "memory": option("memory"),
    "cores": option("cores"),
    "card": option("net0", "virtio=" + MAC.upper() + ",bridge={},queues={}"),
    "address of the drive": option("ipconfig0", "ip={},gw={}"),
    "name server": option("nameserver"),
    "volume": option("scsi0", "local:8001/{},size={}"),
    "volume of another disk": option("scsi1", "{}:8001/vm-8001-disk-1.raw"),
    "cloud-init drive": option("ide2", "{},media=cdrom"),
    "snippet": option("cicustom", "vendor={}"),
    "start order": option("startup", "order={},down={}"),
    "template": option("template"),
    "protection": option("protection"),
    "name of an option": option(f"x{BENIGN}"),
    "option that waits": waiting_option,
    "storage": node_file(STORAGE_CFG, b"dir: SAID\n\tpath /a\n"),
    "type of a storage": node_file(STORAGE_CFG, b"SAID: local\n\tcontent SAID\n"),
    "path of a storage": node_file(STORAGE_CFG, b"dir: local\n\tpath SAID\n\tcontent images,snippets\n"),
    "bridge": node_file(INTERFACES, b"iface SAID inet manual\n bridge-ports none\n"),
    "guests of the cluster": node_file(VMLIST, b"SAID"),
    "node of the cluster": node_file(VMLIST, b'{"ids": {"8001": {"node": "SAID"}}}'),
    "words of a tool": tool,
    "words of an agent": agent,
    "error of cloud-init": inside('== result.json\n{"v1": {"errors": [SAID]}}\n'),
    "errors of cloud-init": inside('== result.json\n{"v1": {"errors": SAID}}\n'),
    "problem of cloud-init": inside('== status.json\n{"v1": {"init": {"recoverable_errors": {"W": [SAID]}}}}\n\n== result.json\n{"v1": {"errors": []}}\n'),
    "stage of cloud-init": inside('== status.json\n{"v1": {SAID: {"recoverable_errors": {"W": ["x"]}}}}\n\n== result.json\n{"v1": {"errors": []}}\n'),
    "result of cloud-init": inside("== result.json\nSAID\n"),
    "hostname": hostname,
    "kernel": kernel,
    "address of a VM": guests_address(Kind.VM),
    "address of a container": guests_address(Kind.CONTAINER),
    "words of ssh to a guest": guests_ssh,
    "words of ssh to a node": nodes_ssh,
    "whom a lock belongs to": lock,
    "journal": journal,
    "forgotten": anything,
}  # fmt: skip


# --- the ways out ----------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def screens() -> dict[str, tuple[Screen, io.StringIO, io.StringIO]]:
    """Every way out: two terminals with colours and the live line, two files, and JSON."""
    made = {}
    for way, stream in (("terminal", Terminal), ("file", io.StringIO), ("JSON", io.StringIO)):
        out, err = stream(), stream()
        made[way] = (
            Screen(out, err, {"TERM": "xterm"}, json=way == "JSON", quiet=False, verbose=way == "file"),
            out,
            err,
        )
    return made


PAINTED = re.compile("|".join(re.escape(paint(text, text, on=True)) for text in COLOURS) + "|" + re.escape(ERASE))
IGNORED = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
LONGEST = 3 * FIELD
"""Bytes of a line: some fields and the words around them."""


def harm(text: str, *, terminal: bool = False) -> str:
    """What is wrong with a text that a user gets, or nothing."""
    plain = PAINTED.sub("", text) if terminal else text
    for char in set(plain) - {"\n"}:
        if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} or IGNORED.match(char):
            return f"{char!r} came through"
    longest = max((len(line.encode()) for line in plain.split("\n")), default=0)
    return f"a line of {longest} bytes" if longest > LONGEST else ""


def strings(document: Any) -> Iterator[str]:
    match document:
        case str():
            yield document
        case dict():
            for key, value in document.items():
                yield from strings([key, value])
        case list():
            for value in document:
                yield from strings(value)


def wrong(name: str, said: str, folder: Path) -> list[str]:
    """What comes out wrong, on all ways, when a stranger says this in a field."""
    found = []
    for way, (screen, out, err) in screens().items():
        screen.expect(1)
        FIELDS[name](said, replace_documents(screen) if way == "JSON" else screen, folder)
        printed = [out.getvalue(), err.getvalue()]
        found += [f"{way}: {what}" for text in printed if (what := harm(text, terminal=way == "terminal"))]
        if way == "JSON":
            told = [text for part in split(printed[0]) for text in strings(json.loads(part))]
            found += [f"{way}: {what}" for text in told if (what := harm(text))]
    return found


def replace_documents(screen: Screen) -> Screen:
    """Let a screen write more than one document, each behind a line of its own."""
    document = screen._document

    def several(told: Any) -> None:
        screen._documented = False
        document(told)
        screen._put(screen._out, "====\n")

    screen._document = several  # type: ignore[method-assign]
    return screen


def split(text: str) -> list[str]:
    return [part for part in text.split("====\n") if part.strip()]


def lines_of(name: str, said: str, folder: Path) -> int:
    """How many lines a file gets."""
    screen, out, err = screens()["file"]
    FIELDS[name](said, screen, folder)
    return (out.getvalue() + err.getvalue()).count("\n")
