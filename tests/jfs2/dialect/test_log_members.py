"""The list of file systems that use a log volume: bits of minor numbers, or identities."""

import pytest

from lvmfmt.errors import OperationRefused
from lvmfmt.jfs2.dialect.log_members import Identities, MinorNumbers

MINE, OTHER = {"s_uuid": b"m" * 16, "s_logdev": 77}, {"s_uuid": b"o" * 16, "s_logdev": 78}
NOTHING = bytes(384)


class TestMinorNumbers:
    members = MinorNumbers()

    def test_a_bit_for_each(self) -> None:
        active = bytearray(NOTHING)
        for minor in (0, 9, 3071):
            self.members.enter(active, minor, MINE)
        assert (active[0], active[1], active[-1]) == (0x80, 0x40, 0x01)
        assert self.members.places(bytes(active)) == [0, 9, 3071]
        self.members.leave(active, 9)
        self.members.leave(active, 9)
        assert self.members.places(bytes(active)) == [0, 3071]

    def test_who_is_who(self) -> None:
        active = bytearray(NOTHING)
        assert self.members.find(bytes(active), MINE, None, "log") is None
        self.members.enter(active, 5, MINE)
        assert self.members.find(bytes(active), MINE, None, "log") == 5
        assert self.members.find(bytes(active), MINE, 10 << 32 | 5, "log") == 5
        with pytest.raises(OperationRefused, match="does not know minor number 6"):
            self.members.find(bytes(active), MINE, 10 << 32 | 6, "log")
        self.members.enter(active, 6, MINE)
        with pytest.raises(OperationRefused, match=r"shared by devices with the minor numbers \[5, 6\]"):
            self.members.find(bytes(active), MINE, None, "log")

    def test_names(self) -> None:
        name = self.members.name_newcomer(NOTHING, MINE, 10 << 32 | 5, [11 << 32 | 6], "fs")
        assert name == 1 << 63 | 10 << 32 | 5
        assert (self.members.place(name), self.members.inline_name(MINE)) == (5, 77)
        assert self.members.name_listed(5, 10 << 32 | 5, "fs") == name
        assert self.members.name_listed(None, 3071, "fs") == 1 << 63 | 3071
        with pytest.raises(OperationRefused, match="minor number 5 is in use"):
            self.members.name_newcomer(NOTHING, MINE, 10 << 32 | 5, [11 << 32 | 5], "fs")
        for unusable in (None, 3072, 1 << 32 | 3072):
            with pytest.raises(OperationRefused, match="below 3072"):
                self.members.name_newcomer(NOTHING, MINE, unusable, [], "fs")


class TestIdentities:
    members = Identities()

    def test_a_place_for_each(self) -> None:
        active = bytearray(bytes(48))
        self.members.enter(active, 1, MINE)
        assert bytes(active) == bytes(16) + b"m" * 16 + bytes(16)
        assert self.members.places(bytes(active)) == [1]
        self.members.leave(active, 1)
        assert bytes(active) == bytes(48)

    def test_who_is_who(self) -> None:
        active = bytearray(bytes(48))
        self.members.enter(active, 2, MINE)
        assert self.members.find(bytes(active), MINE, None, "log") == 2
        assert self.members.find(bytes(active), MINE, 99, "log") == 2
        with pytest.raises(OperationRefused, match="does not know this file system"):
            self.members.find(bytes(active), OTHER, None, "log")

    def test_names(self) -> None:
        active = bytearray(bytes(32))
        assert self.members.name_newcomer(bytes(active), MINE, None, [], "fs") == 0
        self.members.enter(active, 0, MINE)
        assert self.members.name_newcomer(bytes(active), OTHER, None, [], "fs") == 1
        with pytest.raises(OperationRefused, match="same identity"):
            self.members.name_newcomer(bytes(active), MINE, None, [], "fs")
        self.members.enter(active, 1, OTHER)
        with pytest.raises(OperationRefused, match="full"):
            self.members.name_newcomer(bytes(active), {"s_uuid": b"x" * 16}, None, [], "fs")
        assert (self.members.name_listed(1, None, "fs"), self.members.place(1)) == (1, 1)
        assert self.members.inline_name(MINE) == 0


def test_only_aix_says_who_mounts() -> None:
    assert (MinorNumbers.mount_names_member, Identities.mount_names_member) == (True, False)
