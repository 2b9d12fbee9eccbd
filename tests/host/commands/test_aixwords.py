"""What the logical volume manager refuses, in AIX's words [commands 2.1 to 2.5]."""

import pytest

from lvmfmt.errors import AlreadyExists, LvmfmtError, OperationRefused
from lvmfmt.host.commands.aixwords import as_aix
from lvmfmt.host.messages import CommandFailed
from lvmfmt.lvm.errors import AllocationRefused, CopiesExist, LastGoodCopy, MaximumReached, PartitionsInUse


def said(error: Exception, *closing: str) -> str:
    with pytest.raises(CommandFailed) as caught, as_aix("mklv", *closing):
        raise error
    return str(caught.value)


@pytest.mark.parametrize(
    ("error", "begins", "words"),
    [
        (AllocationRefused("x"), "0516-404 allocp: This system cannot fulfill the allocation request.", ()),
        (
            MaximumReached("fslv19", 103, 102),
            "0516-787 extendlv: Maximum allocation for logical volume fslv19",
            ("102",),
        ),
        (PartitionsInUse("00c0", 3), "0516-016 ldeletepv: Cannot delete physical volume with allocated", ()),
        (LastGoodCopy("lv00", 4), "mklv: A partition of lv00 would lose its last good copy", ()),
        (CopiesExist("lv00", 2, 3), "mklv: Logical volume lv00 has 2 copies.", ()),
        (AlreadyExists("x"), "0516-360 getvgname: The device name is already used", ()),
        (OperationRefused("no reason of AIX"), "mklv: no reason of AIX", ()),
    ],
)
def test_each_refusal_has_its_message(error: LvmfmtError, begins: str, words: tuple[str, ...]) -> None:
    text = said(error)
    assert text.startswith(begins) and all(word in text for word in words)


def test_what_was_not_done_follows_the_reason() -> None:
    assert said(AllocationRefused("x"), "nothing was made").splitlines()[-1] == "nothing was made"
    with pytest.raises(CommandFailed) as caught, as_aix("mklv", "closing"):
        raise CommandFailed("first", status=3)
    assert (str(caught.value), caught.value.status) == ("first\nclosing", 3)


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), as_aix("mklv"):
        raise ZeroDivisionError
