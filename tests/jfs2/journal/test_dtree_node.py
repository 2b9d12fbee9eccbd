"""One node of a directory in a buffer, changed in place; what it becomes is judged by the codec."""

import pytest

from lvmfmt.block import ImageFile
from lvmfmt.errors import CorruptImage
from lvmfmt.jfs2.dialect import AIX, LINUX, Dialect
from lvmfmt.jfs2.journal.coding import Coding
from lvmfmt.jfs2.journal.dtree_node import NodeFormat, NodeImage
from lvmfmt.jfs2.volume import Volume


@pytest.fixture(params=[(AIX, False), (LINUX, False), (LINUX, True)], ids=["aix", "linux", "indexed"])
def form(request: pytest.FixtureRequest, tmp_path) -> NodeFormat:
    dialect: Dialect = request.param[0]
    device = ImageFile.create(tmp_path / "image", 64 * 4096)
    return NodeFormat(Volume(device, dialect, 4096, 64), Coding(dialect), indexed=request.param[1])


def key(form: NodeFormat, name: str) -> bytes:
    return form.codec.dialect.sort_key(form.codec.dialect.encode_name(name.encode()))


def value(form: NodeFormat, number: int) -> bytes:
    return form.number.pack(number) + (form.index.pack(number - 50) if form.index_at else b"")


def faults(form: NodeFormat, raw: bytes) -> list[str]:
    header, found = form.codec.root(raw) if len(raw) == 288 else form.codec.page(raw, 7)
    return [fault.check for fault in found + form.codec.contents(header).faults]


def test_a_root(form: NodeFormat) -> None:
    data = bytearray(b"\xee" * 10 + form.empty_root(5))
    node = NodeImage(form, data, 10, 0, is_root=True)
    assert (len(node), node.free, node.is_leaf, node.is_small, node.parent) == (0, 8, True, False, 5)
    for i, name in enumerate(["b", "a" * 30, "c"]):
        node.insert(node.find(key(form, name))[0], key(form, name), value(form, 60 + i))
    assert node.keys == sorted(node.keys) == [key(form, name) for name in ("a" * 30, "b", "c")]
    assert node.numbers() == [61, 60, 62] == [node.number(i) for i in range(3)]
    assert node.free == 8 - node.slots_of(key(form, "a" * 30)) - 2 and node.slots_of(key(form, "b")) == 1
    assert node.find(key(form, "b")) == (1, True) and node.find(key(form, "bb")) == (2, False)
    assert not form.index_at or node.indexes(1) == [10, 12]
    assert node.value(1) == value(form, 60) and faults(form, bytes(data[10:])) == []
    node.set_number(1, 70)
    node.parent = 9
    assert node.number(1) == 70 and node.parent == 9
    slot = node.slot(0)
    node.remove(0)
    assert len(node) == 2 and node.free == 6 and data[10 + 19] == slot and faults(form, bytes(data[10:])) == []
    assert data[:10] == b"\xee" * 10
    again = NodeImage(form, data, 10, 0, is_root=True)
    assert (again.keys, again.numbers()) == (node.keys, [70, 62])
    node.reset(0x85)
    assert (len(node), node.free, node.is_leaf) == (0, 8, False)


def test_a_page_of_routers(form: NodeFormat) -> None:
    data = form.empty_page(7, leaf=False)
    node = NodeImage(form, data, 0, 7 * 4096, is_root=False, is_new=True)
    assert node.free == 123 and node.siblings == (0, 0) and node.decoded is None
    for i, name in enumerate(["", "m"]):
        node.insert(i, key(form, name), form.coding.pxd(20 + i, 1))
    node.siblings = 9, 8
    assert node.child(1) == (21, 1) and node.siblings == (9, 8) and faults(form, bytes(data)) == []
    node.set_value(1, form.coding.pxd(30, 1))
    assert node.child(1) == (30, 1) and node.value(0) == form.coding.pxd(20, 1)
    read = NodeImage(form, data, 0, 7 * 4096, is_root=False)
    assert read.decoded is not None and read.decoded[2] == [] and read.keys == [key(form, ""), key(form, "m")]


def test_what_misleads_is_refused_at_once(form: NodeFormat) -> None:
    raw = bytearray(form.empty_root(5))
    raw[17] = 3
    with pytest.raises(CorruptImage) as caught:
        NodeImage(form, raw, 0, 1000, is_root=True)
    assert caught.value.field == "stbl" and caught.value.offset == 1000
    raw = bytearray(form.empty_root(5))
    raw[19] = 200  # the names can be read, the node is not to be changed
    assert [fault.field for fault in NodeImage(form, raw, 0, 0, is_root=True).decoded[2]] == ["freelist", "freecnt"]
