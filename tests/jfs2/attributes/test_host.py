"""Attributes of files of the running machine."""

import errno
import os

import pytest

from lvmfmt.block.ownermark import MARK
from lvmfmt.jfs2.attributes.host import HostAttributes


@pytest.fixture
def machine(monkeypatch):
    """`machine(names)` answers for every path; a value is the name in capitals."""

    def answer(names, fail=None, fail_value=None):
        asked = []

        def listxattr(path, follow_symlinks):
            asked.append(path)
            if fail:
                raise OSError(fail, os.strerror(fail))
            return names

        def getxattr(path, name, follow_symlinks):
            if name == fail_value:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return name.upper().encode()

        monkeypatch.setattr(os, "listxattr", listxattr, raising=False)
        monkeypatch.setattr(os, "getxattr", getxattr, raising=False)
        return asked

    return answer


def test_attributes_of_users_and_lists_are_taken(machine) -> None:
    machine(["user.b", "security.selinux", "user.a", "system.posix_acl_access", "trusted.x", MARK])
    problems: list[str] = []
    found = HostAttributes(problems).of("f", 1)
    assert list(found) == [b"system.posix_acl_access", b"user.a", b"user.b"]
    assert found[b"user.a"] == b"USER.A" and not problems


def test_a_file_system_without_them_is_asked_once(machine) -> None:
    asked, problems = machine([], errno.ENOTSUP), []
    reader = HostAttributes(problems)
    assert [reader.of("f", device) for device in (1, 1, 2)] == [{}, {}, {}]
    assert (asked, problems) == (["f", "f"], [])


def test_what_cannot_be_read_is_told(machine) -> None:
    problems: list[str] = []
    machine([], errno.EACCES)
    assert HostAttributes(problems).of("f", 1) == {}
    machine(["user.a", "user.b"], fail_value="user.a")
    assert HostAttributes(problems).of("f", 1) == {b"user.b": b"USER.B"}
    assert [line.split(" (")[0] for line in problems] == [
        "f: attributes cannot be listed",
        "f: attribute user.a cannot be read",
    ]
