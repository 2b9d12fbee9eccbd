"""What a file system should hold: a model in plain dictionaries, and steps that change model and file system alike."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from lvmfmt.errors import NoSpace

NOW = 1_700_000_000_000_000_000

Step = tuple[Any, ...]
"""(operation, arguments ...)."""
Tree = dict[str, tuple[str, Any, int, int, dict[bytes, bytes]]]
"""Path -> (kind, content or device number, permissions, links, extended attributes)."""

SPECIAL = {0o020000: "char", 0o060000: "block", 0o010000: "fifo", 0o140000: "socket"}


@dataclass
class Node:
    kind: str
    content: Any = b""
    mode: int = 0o644
    names: int = 1
    serial: int = 0
    attributes: dict[bytes, bytes] = field(default_factory=dict)


@dataclass
class Model:
    """A tree; `apply` changes it.

    Attributes:
        nodes: what there is, by path.
        handles: open files by the name of the handle; they may have no path any more.
    """

    nodes: dict[str, Node] = field(default_factory=lambda: {"/": Node("dir", mode=0o755)})
    handles: dict[str, Node] = field(default_factory=dict)
    _serial: int = 0

    def serials(self) -> dict[str, int]:
        """A number for each file that it keeps as long as it lives."""
        for node in self.nodes.values():
            if not node.serial:
                self._serial += 1
                node.serial = self._serial
        return {path: node.serial for path, node in self.nodes.items()}

    def tree(self) -> Tree:
        found: Tree = {}
        for path, node in self.nodes.items():
            links = node.names
            if node.kind == "dir":
                links = 2 + sum(other.kind == "dir" for other in self.children(path).values())
            content = node.content if isinstance(node.content, int) else bytes(node.content)
            found[path] = (node.kind, content, node.mode, links, dict(node.attributes))
        return found

    def children(self, path: str) -> dict[str, Node]:
        prefix = path.rstrip("/") + "/"
        return {
            p: n for p, n in self.nodes.items() if p.startswith(prefix) and p != "/" and "/" not in p[len(prefix) :]
        }

    def apply(self, step: Step) -> None:
        operation, *arguments = step
        getattr(self, f"_{operation}")(*arguments)

    def _sync(self) -> None:
        pass

    _checkpoint = _freeze = _sync

    def _resize(self, _: int) -> None:
        pass

    def _no_space(self, _: int, step: Step) -> None:
        self.apply(step)

    def _open(self, path: str, handle: str) -> None:
        self.handles[handle] = self.nodes[path]

    def _hclose(self, handle: str) -> None:
        del self.handles[handle]

    def _hwrite(self, handle: str, offset: int, data: bytes) -> None:
        _put(self.handles[handle], offset, data)

    def _htruncate(self, handle: str, size: int) -> None:
        node = self.handles[handle]
        node.content = node.content[:size].ljust(size, b"\0")

    def _create(self, path: str) -> None:
        self.nodes[path] = Node("file")

    def _mkdir(self, path: str) -> None:
        self.nodes[path] = Node("dir", mode=0o755)

    def _symlink(self, target: str, path: str) -> None:
        self.nodes[path] = Node("link", target.encode(), 0o777)

    def _link(self, path: str, new: str) -> None:
        node = self.nodes[new] = self.nodes[path]
        node.names += 1

    def _unlink(self, path: str) -> None:
        self.nodes.pop(path).names -= 1

    def _rmdir(self, path: str) -> None:
        del self.nodes[path]

    def _rename(self, old: str, new: str) -> None:
        if self.nodes.get(new) is self.nodes[old]:
            return
        if new in self.nodes:
            self.nodes.pop(new).names -= 1
        for path in [p for p in self.nodes if p == old or p.startswith(old + "/")]:
            self.nodes[new + path[len(old) :]] = self.nodes.pop(path)

    def _write_file(self, path: str, data: bytes) -> None:
        if path in self.nodes:
            self.nodes[path].content = data
        else:
            self.nodes[path] = Node("file", data)

    def _append(self, path: str, data: bytes) -> None:
        self.nodes[path].content += data

    def _truncate(self, path: str, size: int) -> None:
        node = self.nodes[path]
        node.content = node.content[:size].ljust(size, b"\0")

    def _write(self, path: str, offset: int, data: bytes) -> None:
        _put(self.nodes[path], offset, data)

    def _chmod(self, path: str, mode: int) -> None:
        self.nodes[path].mode = mode

    def _mknod(self, path: str, mode: int, device: int) -> None:
        self.nodes[path] = Node(SPECIAL[mode & 0o170000], device, mode & 0o7777)

    def _setxattr(self, path: str, name: str, value: bytes) -> None:
        self.nodes[path].attributes[name.encode()] = value

    def _removexattr(self, path: str, name: str) -> None:
        del self.nodes[path].attributes[name.encode()]


def _put(node: Node, offset: int, data: bytes) -> None:
    old = node.content.ljust(offset, b"\0")
    node.content = old[:offset] + data + old[offset + len(data) :]


def perform(mounted: Any, step: Step, handles: dict[str, Any] | None = None) -> bool:
    """Do a step on a mounted file system; whether there was room for it.

    Args:
        mounted: the file system.
        step: what to do.
        handles: open files by the name of the handle, which steps add to and take from.
    """
    operation, *arguments = step
    handles = {} if handles is None else handles
    try:
        if operation in ("sync", "checkpoint"):
            getattr(mounted, operation)()
        elif operation == "freeze":
            mounted.freeze(10**9, now=NOW)
            mounted.thaw(now=NOW)
        elif operation == "open":
            handles[arguments[1]] = mounted.open(arguments[0])
        elif operation == "hclose":
            handles.pop(arguments[0]).close()
        elif operation in ("hwrite", "htruncate"):
            getattr(handles[arguments[0]], operation[1:])(*arguments[1:], now=NOW)
        elif operation == "no_space":
            with short_of_space(mounted, arguments[0]):
                return perform(mounted, arguments[1], handles)
        else:
            getattr(mounted, operation)(*arguments, now=NOW)
    except NoSpace:
        return False
    return True


@contextmanager
def short_of_space(mounted: Any, count: int) -> Iterator[None]:
    """The device has no room from the allocation after `count` on."""
    space, left = mounted._journal._space, [count]
    real, real_in_group = space.allocate, space.allocate_in_group

    def allocate(blocks: int, **options: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise NoSpace("no room, says the test")
        return real(blocks, **options)

    def allocate_in_group(blocks: int, **options: Any) -> Any:
        left[0] -= 1
        return real_in_group(blocks, **options) if left[0] >= 0 else None

    space.allocate, space.allocate_in_group = allocate, allocate_in_group
    try:
        yield
    finally:
        del space.allocate, space.allocate_in_group


FILLER = 1 << 20
"""A file of so many bytes or more only takes space: its content is not looked at."""


def read_tree(fs: Any, *, most: int = FILLER) -> Tree:
    """The tree of a file system, mounted or not; of a file that has `most` bytes or more its size only."""
    found: Tree = {}
    attributes = fs.attribute_reader
    for path, status in fs.walk():
        inode = fs.inode(path)  # by the name, as a user asks for it
        kind = status.mode & 0o170000
        if kind in SPECIAL:
            entry: tuple[str, Any] = (SPECIAL[kind], status.rdev)
        elif kind == 0o040000:
            entry = ("dir", b"")
        elif kind == 0o120000:
            entry = ("link", fs.readlink(path).encode())
        else:
            entry = ("file", fs.read_inode(inode, path) if status.size < most else status.size)
        found[path] = (*entry, status.mode & 0o7777, status.nlink, attributes.xattrs(inode))
    return found


WEIGHTS = {
    "create": 6, "mkdir": 3, "symlink": 2, "link": 2, "unlink": 5, "rmdir": 1, "rename": 4, "write_file": 6,
    "append": 5, "truncate": 3, "chmod": 1, "sync": 3, "checkpoint": 0.5,
}  # fmt: skip

_BY_HANDLE = ("open", "hwrite", "htruncate", "hclose", "unlink_open")

WITH_ATTRIBUTES = WEIGHTS | {"setxattr": 12, "removexattr": 3, "mknod": 3}


def _fills(node: Node) -> bool:
    return node.kind == "file" and isinstance(node.content, int)


class Steps:
    """Random steps that are possible in the tree as it is.

    Args:
        seed: of the random numbers.
        weights: how often each operation comes.
    """

    def __init__(self, seed: int, weights: dict[str, float] = WEIGHTS) -> None:
        self._random, self._weights = random.Random(seed), weights

    def next(self, model: Model) -> Step:
        """The next step."""
        while True:
            operation = self._random.choices(list(self._weights), list(self._weights.values()))[0]
            step = self._propose(operation, model)
            if step is not None:
                return step

    def _propose(self, operation: str, model: Model) -> Step | None:
        pick = self._random.choice
        if operation in _BY_HANDLE:
            return self._by_handle(operation, model)
        of = {
            kind: [p for p, n in model.nodes.items() if n.kind == kind and not _fills(n)]
            for kind in ("dir", "file", "link", "char", "fifo")
        }
        others = of["file"] + of["link"] + of["char"] + of["fifo"]
        name = pick("abcdefgh") * pick([1, 1, 5, 30, 120])
        path = pick(of["dir"]).rstrip("/") + "/" + name
        new = path not in model.nodes
        if operation in ("sync", "checkpoint", "freeze"):
            return (operation,)
        if operation == "resize":
            return (operation, pick([16, 17, 20, 24, 32]) << 20)
        if operation in ("long", "unlink_long"):
            path = f"/{self._random.randrange(1000):03d}" + pick("xyz") * pick([60, 200, 250])
            if operation == "long":
                return None if path in model.nodes else ("create", path)
            long = [p for p in of["file"] if len(p) > 60 and p[1:4].isdigit()]
            return ("unlink", pick(long)) if long else None
        if operation == "write":
            if not of["file"]:
                return None
            target = pick(of["file"])
            end = len(model.nodes[target].content)
            # inside, over the end, or with a hole between
            offset = self._random.randrange(end + 1) if self._random.random() < 0.6 else end + pick([1, 5000, 300000])
            return (operation, target, offset, self._data())
        if operation == "no_space":
            inner = self._propose(pick(["create", "mkdir", "write_file", "append", "setxattr", "write", "long",
                                        "rename", "unlink", "symlink"]), model)  # fmt: skip
            return inner and ("no_space", pick([0, 0, 1, 2]), inner)
        if operation in ("create", "mkdir"):
            return (operation, path) if new else None
        if operation == "symlink":
            return (operation, name * pick([1, 9]), path) if new else None
        if operation == "link":
            return (operation, pick(others), path) if new and others else None
        if operation == "mknod":
            return (operation, path, *pick([(0o020640, 5 << 32 | 6), (0o010600, 0)])) if new else None
        if operation == "setxattr":
            return (operation, pick(list(model.nodes)), f"user.{pick('abc')}", bytes([1]) * pick([0, 5, 60, 300, 5000]))
        if operation == "removexattr":
            having = [(p, name) for p, n in model.nodes.items() for name in n.attributes]
            return (operation, (found := pick(having))[0], found[1].decode()) if having else None
        if operation == "unlink":
            return (operation, pick(others)) if others else None
        if operation == "rmdir":
            empty = [p for p in of["dir"] if p != "/" and not model.children(p)]
            return (operation, pick(empty)) if empty else None
        if operation == "rename":
            return self._rename(model, [p for p, n in model.nodes.items() if p != "/" and not _fills(n)], path)
        if operation == "write_file":
            target = pick(of["file"]) if of["file"] and self._random.random() < 0.5 else path
            if target in model.nodes and model.nodes[target].kind != "file":
                return None
            return (operation, target, self._data())
        if operation == "append":
            return (operation, pick(of["file"]), self._data()) if of["file"] else None
        if operation == "truncate":
            if not of["file"]:
                return None
            target = pick(of["file"])
            return (operation, target, self._random.randrange(len(model.nodes[target].content) * 3 // 2 + 1))
        return ("chmod", pick(of["file"]), pick([0o600, 0o4755])) if of["file"] else None

    def _by_handle(self, operation: str, model: Model) -> Step | None:
        pick = self._random.choice
        files = [p for p, n in model.nodes.items() if n.kind == "file" and not _fills(n)]
        if operation == "open":
            free = [h for h in "123" if h not in model.handles]
            return (operation, pick(files), free[0]) if files and free else None
        if not model.handles:
            return None
        handle = pick(list(model.handles))
        node = model.handles[handle]
        if operation == "unlink_open":
            names = [p for p, n in model.nodes.items() if n is node]
            return ("unlink", pick(names)) if names else None
        if operation == "hwrite":
            return (operation, handle, self._random.randrange(len(node.content) + 5000), self._data())
        if operation == "htruncate":
            return (operation, handle, self._random.randrange(len(node.content) * 3 // 2 + 1))
        return (operation, handle)

    def _rename(self, model: Model, paths: list[str], new: str) -> Step | None:
        if not paths:
            return None
        old = self._random.choice(paths)
        if self._random.random() < 0.5:
            new = self._random.choice(paths)
        moved, victim = model.nodes[old], model.nodes.get(new)
        if new == old or new.startswith(old + "/"):
            return None
        if victim is not None:
            if (moved.kind == "dir") != (victim.kind == "dir"):
                return None
            if victim.kind == "dir" and model.children(new):
                return None
        return ("rename", old, new)

    def _data(self) -> bytes:
        size = self._random.choice([1, 100, 4096, 5000, 9000, 20000])
        return bytes([self._random.randrange(1, 256)]) * size
