"""Storages and volumes of the fake: what names mean, what files hold, what is refused."""

from __future__ import annotations

import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fake_pve.errors import CommandFailed, NotModelled
from fake_pve.node import Node
from fake_pve.storage import config, copying, image, names, qcow2, volume

GIB = 1024**3
STORAGES = """dir: local
\tpath /var/lib/vz
\tcontent images,iso,vztmpl,snippets,import,rootdir

dir: isoonly
\tpath /var/lib/isoonly
\tcontent iso

dir: off
\tpath /var/lib/off
\tdisable

lvmthin: local-lvm
\tthinpool data
\tvgname pve
\tcontent rootdir,images

dir: elsewhere
\tpath /srv
\tnodes pve7
"""


class Lines:
    """Stands for a Call: collects what a command prints."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.lines: list[str] = []

    def out(self, text: str) -> None:
        self.lines.append(text)

    err = out

    def flush(self) -> None: ...


@pytest.fixture
def call(tmp_path: Path) -> Lines:
    cfg = tmp_path / "etc/pve/storage.cfg"
    cfg.parent.mkdir(parents=True)
    cfg.write_text(STORAGES)
    return Lines(Node({"FAKE_PVE_ROOT": str(tmp_path), "FAKE_PVE_GUEST": "none"}))


def failure(action, *args) -> str:
    with pytest.raises(CommandFailed) as caught:
        action(*args)
    return caught.value.message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nostore", "storage 'nostore' does not exist"),
        ("off", "storage 'off' is disabled"),
        ("elsewhere", "storage 'elsewhere' is not available on node 'pve1'"),
    ],
)
def test_a_storage_that_cannot_be_used_says_why(call, name, message):
    assert failure(config.usable, call.node, name) == message


def test_a_storage_without_the_content_type_is_a_wrong_parameter(call):
    assert "storage: storage 'isoonly' does not support vm images" in failure(
        config.usable, call.node, "isoonly", "images"
    )


def test_there_is_always_a_local_storage(call):
    Path(config.config_path(call.node)).unlink()
    assert config.get(call.node, "local").path == "/var/lib/vz"


@pytest.mark.parametrize("text", ["", "nonsense\n\n\t\t\n", ":\n\tpath /x\n", "dir:\n", "dir: x\n\tpath"])
def test_a_mangled_storage_cfg_never_raises(text):
    config.parse(text)


def test_storage_cfg_is_written_in_order():
    storages = config.parse(
        "dir: aa\n\tshared 1\n\tdisable\n\tcontent iso\n\tpath /a\n\nlvmthin: bb\n\tnodes pve1\n\tvgname pve\n\tthinpool d\n\tdisable 0\n"
    )
    text = config.text_of(storages)
    assert text == (
        "dir: aa\n\tdisable\n\tpath /a\n\tcontent iso\n\tshared 1\n\n"
        "lvmthin: bb\n\tthinpool d\n\tvgname pve\n\tcontent images,rootdir\n\tnodes pve1\n\n"
    )
    assert config.text_of(config.parse(text)) == text


@pytest.mark.parametrize(
    ("volname", "type_", "vmid", "format_", "is_base"),
    [
        ("8001/vm-8001-disk-0.raw", "images", 8001, "raw", False),
        ("8001/base-8001-disk-0.qcow2", "images", 8001, "qcow2", True),
        ("8001/base-8001-disk-0.raw/8002/vm-8002-disk-0.qcow2", "images", 8002, "qcow2", False),
        ("iso/x.iso", "iso", None, "iso", False),
        ("snippets/user.yaml", "snippets", None, "snippet", False),
        ("vztmpl/debian.tar.zst", "vztmpl", None, "tzst", False),
        ("import/x.qcow2", "import", None, "qcow2", False),
        ("backup/vzdump-qemu-8001-2024_01_01-00_00_00.vma.zst", "backup", 8001, "vma.zst", False),
    ],
)
def test_names_on_a_directory(volname, type_, vmid, format_, is_base):
    found = names.parse_directory(volname)
    assert (found.type, found.vmid, found.format, found.is_base) == (type_, vmid, format_, is_base)


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (names.split, "8", "unable to parse volume ID '8'"),
        (names.split, "local:", "unable to parse volume ID 'local:'"),
        (names.split, "/x.iso", "unable to parse volume ID '/x.iso'"),
        (names.parse_directory, "8G", "unable to parse directory volume name '8G'"),
        (names.parse_directory, "import/x.img", "unable to parse directory volume name 'import/x.img'"),
        (names.parse_directory, "8001/disk", "unable to parse volume filename 'disk'"),
        (names.parse_lvm, "8G", "unable to parse lvm volume name '8G'"),
        (names.parse_lvm, "iso/x.iso", "lvm name 'iso/x.iso' contains illegal characters"),
    ],
)
def test_names_that_mean_nothing(parse, text, message):
    assert failure(parse, text) == message


def test_the_first_free_number_is_taken_whatever_the_format(call):
    volume.alloc(call, "local", 8001, "raw", None, 1024)
    volume.alloc(call, "local", 8001, "qcow2", "vm-8001-disk-2.qcow2", 1024)
    assert volume.alloc(call, "local", 8001, "qcow2", None, 1024) == "local:8001/vm-8001-disk-1.qcow2"


@pytest.mark.parametrize("format_", ["raw", "qcow2", "vmdk"])
def test_an_image_has_the_size_it_was_given_and_grows(call, format_):
    volid = volume.alloc(call, "local", 8001, format_, None, 2 * GIB // 1024)
    assert (volume.info(call.node, volid).format, volume.info(call.node, volid).size) == (format_, 2 * GIB)
    if format_ == "vmdk":
        assert failure(volume.resize, call, volid, 5 * GIB) == "can't resize this image format"
        return
    volume.resize(call, volid, 5 * GIB)
    assert volume.info(call.node, volid).size == 5 * GIB
    assert Path(volume.path(call.node, volid)).stat().st_blocks * 512 < 10**6


def test_an_empty_qcow2_is_as_long_as_the_real_one(call):
    volid = volume.alloc(call, "local", 8001, "qcow2", None, 2 * GIB // 1024)
    assert Path(volume.path(call.node, volid)).stat().st_size == 196640


def test_lvm_rounds_up_to_extents_and_tells_it(call):
    volid = volume.alloc(call, "local-lvm", 8001, None, None, 528)
    assert volume.info(call.node, volid).size == 4 * 1024**2
    assert call.lines[0] == "  Rounding up size to full physical extent 4.00 MiB"


def test_a_storage_has_its_own_folders_and_format(call):
    with Path(config.config_path(call.node)).open("a") as file:
        file.write(
            "\ndir: own\n\tpath /srv/own\n\tcontent images,iso\n\tformat qcow2\n\tcontent-dirs iso=isos,images=/disks\n"
        )
    volid = volume.alloc(call, "own", 8001, None, None, 1024)
    assert volid == "own:8001/vm-8001-disk-0.qcow2"
    assert volume.path(call.node, volid) == f"{call.node.root}/srv/own/disks/8001/vm-8001-disk-0.qcow2"
    assert volume.path(call.node, "own:iso/x.iso") == f"{call.node.root}/srv/own/isos/x.iso"
    (Path(call.node.root) / "srv/own/isos/x.iso").touch()
    assert [found.volid for found in volume.list_volumes(call.node, "own")] == ["own:iso/x.iso", volid]
    clone = volume.linked_clone(call, volume.make_base(call, volid), 8002)
    assert clone == "own:8001/base-8001-disk-0.qcow2/8002/vm-8002-disk-0.qcow2"
    assert volume.exists(call.node, clone)
    assert "is still in use" in failure(volume.free, call, "own:8001/base-8001-disk-0.qcow2")


def test_a_base_volume_with_a_clone_stays(call):
    base = volume.make_base(call, volume.alloc(call, "local", 8001, "raw", None, 1024))
    clone = volume.linked_clone(call, base, 8002)
    assert clone == "local:8001/base-8001-disk-0.raw/8002/vm-8002-disk-0.qcow2"
    assert "is still in use by linked clones" in failure(volume.free, call, base)
    assert [entry.volid for entry in volume.list_volumes(call.node, "local", 8002, "images")] == [clone]
    volume.free(call, clone)
    volume.free(call, base)
    assert volume.list_volumes(call.node, "local", None, "images") == []


def test_a_missing_volume_is_freed_with_a_word(call):
    volume.free(call, "local:8001/vm-8001-disk-0.raw")
    assert call.lines[-1].endswith("images/8001/vm-8001-disk-0.raw' does not exist")


@pytest.mark.parametrize("storage", ["local", "local-lvm"])
def test_a_rollback_brings_back_size_and_contents(call, storage):
    volid = volume.alloc(call, storage, 8001, "qcow2" if storage == "local" else "raw", None, GIB // 1024)
    path = volume.path(call.node, volid)
    put(path, b"before")
    volume.snapshot(call, volid, "s1")
    put(path, b"after!")
    volume.resize(call, volid, 2 * GIB)
    volume.snapshot_rollback(call, volid, "s1")
    assert volume.info(call.node, volid).size == GIB
    assert next(qcow2.blocks(path))[1].startswith(b"before")
    volume.snapshot_delete(call, volid, "s1")


def put(path: str, data: bytes) -> None:
    """Write to the start of the disk in the image `path`."""
    if image.read(path).format == "qcow2":
        image.make_empty(path, image.read(path).size)
        qcow2.fill(path, [(0, data)])
        return
    with Path(path).open("r+b") as file:
        file.write(data)


def disk(path: str) -> bytes:
    """The whole contents of the disk in the image `path`."""
    content = bytearray(image.read(path).size)
    for offset, data in qcow2.blocks(path):
        content[offset : offset + len(data)] = data
    return bytes(content)


def test_data_survives_conversion_both_ways(tmp_path):
    raw, packed, back = (str(tmp_path / name) for name in ("a.raw", "b.qcow2", "c.raw"))
    image.create(raw, "raw", 3 * 1024**2)
    with Path(raw).open("r+b") as file:
        file.write(b"boot")
        file.seek(2 * 1024**2 + 17)
        file.write(os.urandom(100_000))
    image.create(packed, "qcow2", 3 * 1024**2)
    copying.by_hand(raw, packed, "qcow2")
    image.create(back, "raw", 3 * 1024**2)
    copying.by_hand(packed, back, "raw")
    assert Path(raw).read_bytes() == Path(back).read_bytes() == disk(packed)


def test_an_overlay_hides_what_lies_behind_it(tmp_path):
    base, top = str(tmp_path / "base.raw"), str(tmp_path / "top.qcow2")
    image.create(base, "raw", 4 * image.CLUSTER)
    with Path(base).open("r+b") as file:
        file.write(b"B" * 4 * image.CLUSTER)
    image.create(top, "qcow2", 4 * image.CLUSTER, "base.raw", "raw")
    qcow2.fill(top, [(image.CLUSTER, b"T" * image.CLUSTER)])
    assert [disk(top)[at * image.CLUSTER] for at in range(4)] == list(b"BTBB")


def test_compressed_clusters_are_read(tmp_path):
    path = str(tmp_path / "x.qcow2")
    image.create(path, "qcow2", image.CLUSTER)
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    packed = packer.compress(b"hello" * 1000 + bytes(image.CLUSTER - 5000)) + packer.flush()
    l2, data = 5 * image.CLUSTER, 6 * image.CLUSTER + 100
    sectors = (data % 512 + len(packed) - 1) // 512
    with Path(path).open("r+b") as file:
        for at, value in ((image.L1_OFFSET, l2 | qcow2.COPIED), (l2, qcow2.COMPRESSED | sectors << 54 | data)):
            file.seek(at)
            file.write(value.to_bytes(8, "big"))
        file.seek(data)
        file.write(packed.ljust(2048, b"\0"))
    assert disk(path)[:10] == b"hellohello"


@pytest.mark.parametrize(("at", "value"), [(32, 1), (72, 4), (72, 16)])
def test_qcow2_features_beyond_us_are_refused(tmp_path, at, value):
    head = bytearray(image.qcow2_header(GIB))
    length = 4 if at == 32 else 8
    head[at : at + length] = value.to_bytes(length, "big")
    with pytest.raises(NotModelled):
        qcow2.Header(bytes(head.ljust(112, b"\0")))


def test_a_header_of_a_test_fixture_holds_no_data(call, tmp_path):
    stub = tmp_path / "x.img"
    stub.write_bytes(
        b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(12) + (16).to_bytes(4, "big") + GIB.to_bytes(8, "big") + bytes(480)
    )
    volid = volume.copy(call, str(stub), "local", 8001, "qcow2")
    assert volume.info(call.node, volid).size == GIB
    assert not image.holds_data(volume.path(call.node, volid))


def test_a_volume_that_is_gone_is_told_and_no_traceback(call):
    for volid in ("local:8001/vm-8001-disk-0.qcow2", "local-lvm:vm-8001-disk-0"):
        for action in (volume.make_base, volume.rename, volume.snapshot, volume.snapshot_rollback, volume.linked_clone):
            rest = (
                ()
                if action is volume.make_base
                else (8002,)
                if action in {volume.rename, volume.linked_clone}
                else ("s1",)
            )
            assert "does not exist" in failure(action, call, volid, *rest)


@pytest.mark.parametrize("format_", ["raw", "qcow2"])
def test_a_disk_larger_than_files_can_be_is_refused(call, format_):
    assert "unable to create image" in failure(volume.alloc, call, "local", 8001, format_, None, 2**60)
    assert volume.list_volumes(call.node, "local", None, "images") == []


def test_parallel_allocations_never_share_a_volume(call):
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: volume.alloc(call, "local", 8001, "raw", None, 1024), range(40)))
    assert len(set(made)) == 40
    with ThreadPoolExecutor(8) as pool:  # the folder comes and goes with its last volume
        list(pool.map(lambda volid: volume.free(call, volid), made))
        list(pool.map(lambda _: volume.free(call, volume.alloc(call, "local", 8001, "raw", None, 1024)), range(40)))
    assert volume.list_volumes(call.node, "local", None, "images") == []


def test_a_section_without_what_it_needs_is_no_storage():
    assert list(config.parse("lvmthin: aa\n\tvgname pve\n\ndir: bb\n\ndir: cc\n\tpath /c\n")) == ["cc"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("nonsense\n", "line 1 - ignore config line: nonsense"),
        ("\n \n", "line 2 - ignore config line:  "),
        ("foo: bar\n\tpath /x\n", "line 1 (skip section 'bar'): unsupported type 'foo'"),
        ("dir: a\n\tpath /x\n", "line 1 (skip section 'a'): storage ID 'a' cannot be shorter than 2 characters"),
        ("dir: 1a\n\tpath /x\n", "line 1 (skip section '1a'): storage ID '1a' contains illegal characters"),
        ("# x\ndir: aa\n\tcontent iso\n\n", "line 3 (skip section 'aa'): missing value for required option 'path'"),
        ("dir: aa\n\tpath /x\nrubbish\n", "line 3 (section 'aa') - ignore config line: rubbish"),
        # without an empty line between them the second section is none
        ("dir: aa\n\tpath /x\ndir: bb\n", "line 3 (section 'aa') - ignore config line: dir: bb"),
        (
            "dir: aa\n\tpath /x\n\tpath /y\n",
            "line 3 (section 'aa') - unable to parse value of 'path': duplicate attribute",
        ),
    ],
)
def test_a_bad_line_of_storage_cfg_is_told_once(call, text, complaint):
    told = []
    call.node.complain = told.append
    Path(config.config_path(call.node)).write_text(text)
    assert [config.load(call.node), config.load(call.node)]
    assert told == [f"file /etc/pve/storage.cfg {complaint}"]


def test_what_is_beside_a_bad_line_still_counts():
    found = config.parse("dir: aa\nrubbish\n\tpath /x\n\tpath /y\n# dir: bb\n\nDIR: cc\n\tpath /c\n")
    assert [(name, storage.type, storage.path) for name, storage in found.items()] == [
        ("aa", "dir", "/x"),
        ("cc", "dir", "/c"),
    ]
