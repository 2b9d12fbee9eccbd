"""A wrong argument is refused where it is given, with what was expected and what it is.

What the annotations of a public function say is held when it is called: of the functions that a face hands out, and of
the public methods of classes that are `Checked`. They are resolved at the first call.
"""

from __future__ import annotations

import os
import sys
import types
from collections import abc
from collections.abc import Callable
from functools import cache, wraps
from numbers import Integral
from typing import IO, Any, ParamSpec, TypeAlias, TypeVar, Union, get_args, get_origin, runtime_checkable

from .errors import OperationRefused

T = TypeVar("T")
P = ParamSpec("P")


def expect(value: T, kind: type | tuple[type, ...], what: str) -> T:
    """`value`, which is `kind`.

    Args:
        value: the argument.
        kind: its class, or several that it may have. A truth value is no number.
        what: what to call it, with its article: "a path".

    Raises:
        OperationRefused: it is something else.
    """
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise OperationRefused(f"not {what}: {type(value).__name__} {value!r:.40}")
    return value


def expect_path(path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """`path`, which is that of a file or folder of this machine.

    Raises:
        OperationRefused: it is something else.
    """
    expect(path, (str, os.PathLike), "a path")
    if "\0" in str(path):
        raise OperationRefused(f"not a path: it holds a NUL: {str(path)!r:.40}")
    return path


Kind: TypeAlias = Any
"""What `isinstance` takes as its second argument."""

_CO_VARARGS = 4
"""Flag of a code object that takes any number of arguments."""

_KINDS: dict[Any, Kind] = {
    int: (int, Integral),  # those of numpy too
    float: (float, int),
    bytes: (bytes, bytearray, memoryview),
}


class _Members:
    """A collection or mapping whose members are of a kind; text is none."""

    def __init__(self, whole: type, kinds: tuple[Kind, ...]) -> None:
        self.whole, self.kinds = whole, kinds

    def __instancecheck__(self, value: Any) -> bool:
        if not isinstance(value, self.whole) or isinstance(value, str | bytes):
            return False
        whole: Any = value
        columns = [whole.keys(), whole.values()] if self.whole is abc.Mapping else [whole]
        return all(isinstance(one, kind) for column, kind in zip(columns, self.kinds, strict=True) for one in column)


class _Stream:
    """What reads or writes as a file does."""

    def __instancecheck__(self, value: Any) -> bool:
        return hasattr(value, "write") or hasattr(value, "read")


def _kind(hint: Any) -> Kind:
    whole, members = get_origin(hint), get_args(hint)
    if whole in (Union, types.UnionType):
        return tuple(map(_kind, members))
    if whole in (abc.Sequence, abc.Collection, abc.Mapping):
        return _Members(whole, tuple(map(_kind, members)))
    hint = whole or hint
    if hint is None or not isinstance(hint, type):
        return type(None) if hint is None else object
    if issubclass(hint, IO):
        return _Stream()
    return _KINDS.get(hint) or (runtime_checkable(hint) if getattr(hint, "_is_protocol", False) else hint)


def _kinds(function: Callable[..., Any]) -> dict[str, Kind]:
    """The kind of each parameter, in their order; `object` where there is no telling: imported for types alone."""
    found: dict[str, Kind] = {}
    code = function.__code__
    for name in (*code.co_varnames[: code.co_argcount + code.co_kwonlyargcount], _rest(code)):
        try:
            hint = function.__annotations__.get(name, "object")
            if not isinstance(hint, str):
                found[name] = _kind(hint)
                continue
            if hint.startswith("Callable["):  # what it takes and gives need not be loaded
                hint = hint.partition("[")[0] + hint.rpartition("]")[2]
            found[name] = object if "DeviceLike" in hint else _kind(eval(hint, function.__globals__))  # `opened` looks
        except NameError:
            found[name] = object
    return found


def _rest(code: types.CodeType) -> str:
    """The name of the arguments that a function takes beyond those that it names, such as "names" of *names; or ""."""
    return code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if code.co_flags & _CO_VARARGS else ""


def checked(function: Callable[P, T], *, late: bool = False) -> Callable[P, T]:
    """`function`, which refuses arguments that its annotations do not allow, and numbers that no field can hold.

    Args:
        function: what to call.
        late: look at the arguments only when it has stumbled, where a call takes hardly longer than a look.
    """
    plain: Any = function
    while hasattr(plain, "__wrapped__"):  # a context manager's
        plain = plain.__wrapped__
    code = plain.__code__
    names = list(code.co_varnames[: code.co_argcount])
    kinds: dict[str, Kind] = {}
    in_order: list[Kind] = []

    def look(*args: P.args, **kwargs: P.kwargs) -> None:
        if not kinds:
            kinds.update(_kinds(plain))
        if len(args) > len(in_order):
            names.extend([_rest(code)] * (len(args) - len(names)))
            in_order[:] = [kinds.get(name, object) for name in names]
        if not (
            all(map(isinstance, args, in_order))
            and all(isinstance(kwargs[name], kinds.get(name, object)) for name in kwargs)
        ):
            for name, value in (*zip(names, args), *kwargs.items()):  # noqa: B905
                if not isinstance(value, kinds.get(name, object)):
                    raise OperationRefused(
                        f"{name} is {plain.__annotations__[name]}, not {type(value).__name__} {value!r:.40}"
                    )

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        if not late:
            look(*args, **kwargs)
        try:
            return function(*args, **kwargs)
        except OverflowError as error:
            raise OperationRefused(f"a number is out of range: {error}") from error
        except (AttributeError, TypeError, ValueError):
            if late:
                look(*args, **kwargs)
            raise

    return call


def face(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a package: names come when they are asked for, `__all__` too, as its stub says.

    Args:
        package: its name.
        file: its `__init__.py`, beside the stub.
    """

    @cache
    def stub() -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
        import lazy_loader  # reading a stub takes as long as the rest of a small command, and most need none

        found: tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]
        found = lazy_loader.attach_stub(package, file)
        return found

    def get(name: str) -> Any:
        find, _, public = stub()
        if name == "__all__":
            return public
        value = find(name)
        if isinstance(value, types.FunctionType):
            value = vars(sys.modules[package])[name] = checked(value)
        return value

    return get, lambda: stub()[1]()


class Checked:
    """A class whose public methods, and those of the classes made of it, are `checked`."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name, value in list(vars(cls).items()):
            if name.startswith("_") and name != "__init__":
                continue
            if isinstance(value, types.FunctionType):
                setattr(cls, name, checked(value))
            elif isinstance(value, classmethod | staticmethod):
                setattr(cls, name, type(value)(checked(value.__func__)))
