"""What a file system should hold: a model in plain dictionaries, and steps that change model and file system alike."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

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
    attributes: dict[bytes, bytes] = field(default_factory=dict)


@dataclass
class Model:
    """A tree; `apply` changes it."""

    nodes: dict[str, Node] = field(default_factory=lambda: {"/": Node("dir", mode=0o755)})

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

    _checkpoint = _sync

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
        node = self.nodes[path]
        old = node.content.ljust(offset, b"\0")
        node.content = old[:offset] + data + old[offset + len(data) :]

    def _chmod(self, path: str, mode: int) -> None:
        self.nodes[path].mode = mode

    def _mknod(self, path: str, mode: int, device: int) -> None:
        self.nodes[path] = Node(SPECIAL[mode & 0o170000], device, mode & 0o7777)

    def _setxattr(self, path: str, name: str, value: bytes) -> None:
        self.nodes[path].attributes[name.encode()] = value

    def _removexattr(self, path: str, name: str) -> None:
        del self.nodes[path].attributes[name.encode()]


def perform(mounted: Any, step: Step) -> None:
    """Do a step on a mounted file system."""
    operation, *arguments = step
    if operation in ("sync", "checkpoint"):
        getattr(mounted, operation)()
    else:
        getattr(mounted, operation)(*arguments, now=NOW)


def read_tree(fs: Any) -> Tree:
    """The tree of a file system, mounted or not."""
    found: Tree = {}
    for path, status in fs.walk():
        kind = status.mode & 0o170000
        if kind in SPECIAL:
            entry: tuple[str, Any] = (SPECIAL[kind], status.rdev)
        elif kind == 0o040000:
            entry = ("dir", b"")
        elif kind == 0o120000:
            entry = ("link", fs.readlink(path).encode())
        else:
            entry = ("file", bytes(fs.read(path)))
        found[path] = (*entry, status.mode & 0o7777, status.nlink, fs.xattrs(path))
    return found


WEIGHTS = {
    "create": 6, "mkdir": 3, "symlink": 2, "link": 2, "unlink": 5, "rmdir": 1, "rename": 4, "write_file": 6,
    "append": 5, "truncate": 3, "chmod": 1, "sync": 3, "checkpoint": 0.5,
}  # fmt: skip

WITH_ATTRIBUTES = WEIGHTS | {"setxattr": 12, "removexattr": 3, "mknod": 3}


class Steps:
    """Random steps that are possible in the tree as it is. In-place overwriting is left out: it is not atomic.

    Args:
        seed: of the random numbers.
        weights: how often each operation comes.
    """

    def __init__(self, seed: int, weights: dict[str, float] = WEIGHTS) -> None:
        self._random, self._weights = random.Random(seed), weights

    def next(self, model: Model) -> Step:
        while True:
            operation = self._random.choices(list(self._weights), list(self._weights.values()))[0]
            step = self._propose(operation, model)
            if step is not None:
                return step

    def _propose(self, operation: str, model: Model) -> Step | None:
        pick = self._random.choice
        of = {
            kind: [p for p, n in model.nodes.items() if n.kind == kind]
            for kind in ("dir", "file", "link", "char", "fifo")
        }
        others = of["file"] + of["link"] + of["char"] + of["fifo"]
        name = pick("abcdefgh") * pick([1, 1, 5, 30, 120])
        path = pick(of["dir"]).rstrip("/") + "/" + name
        new = path not in model.nodes
        if operation in ("sync", "checkpoint"):
            return (operation,)
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
            return self._rename(model, [p for p in model.nodes if p != "/"], path)
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
