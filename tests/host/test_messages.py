"""The catalogue of messages."""

import ast
import re
from pathlib import Path

import pytest

import lvmfmt.host
from lvmfmt.errors import OperationRefused
from lvmfmt.host.messages import MARK, catalogue, message
from lvmfmt.host.profiles import DEFAULT, profile, profiles

PACKAGE = Path(lvmfmt.host.__file__).parent
TRANSCRIPTS = Path(__file__).parents[2] / "fixtures" / "transcripts"
ARTICLE = "".join(p.read_text() for p in (TRANSCRIPTS / "alt_disk_copy.txt", *TRANSCRIPTS.glob("article/*.txt")))


@pytest.mark.parametrize("key", catalogue())
def test_every_message_says_where_it_comes_from(key: str) -> None:
    found = catalogue()[key]
    assert re.fullmatch(MARK, found.mark)
    assert found.text and not found.text.startswith("\n") and not found.text.endswith("\n")
    assert re.match(rf"(\S+: )?{found.number}", found.text)  # some commands print their name before the number
    assert found.number == "" or re.fullmatch(r"\d{4}-\d{3,4}", found.number)


@pytest.mark.parametrize("key", [k for k, m in catalogue().items() if m.mark == "S0"])
def test_what_is_marked_as_the_articles_is_in_the_article(key: str) -> None:
    pattern = re.sub(r"\\\{\w+\\\}", ".+", re.escape(catalogue()[key].text))  # a list of disks has blanks
    assert re.search(rf"^{pattern}$", ARTICLE, re.MULTILINE)


def test_every_message_is_used_and_every_use_has_a_message() -> None:
    used = set()
    for module in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in catalogue():
                used.add(node.value)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("message", "refusal"):
                key = node.args[0]
                assert not isinstance(key, ast.Constant) or key.value in catalogue(), (module, key)
    assert used == set(catalogue()) - {"alt-creating-volume-full-stop"}  # put together from two parts


def test_hostile_values_are_printable() -> None:
    assert message("forced-unmount", mount_point="/\x1b[2J") == "forced unmount of /\\x1b[2J"


def test_profiles() -> None:
    assert profile(DEFAULT).lps_width == 6
    assert {p.lps_width for p in profiles().values()} == {6, 8}
    with pytest.raises(OperationRefused, match=r"5\.3"):
        profile("4.3")
