"""The rules of a sound group: each named once, with who is right."""

from lvmfmt.lvm.rules import RULES, Severity


def test_each_rule_says_who_is_right() -> None:
    assert all(name == rule.name and rule.meaning and rule.right for name, rule in RULES.items())
    assert {rule.severity for rule in RULES.values()} == {Severity.ERROR, Severity.WARNING, Severity.NOTE}
    assert [str(severity) for severity in Severity] == ["error", "warning", "note"]
    # nothing that is a matter of taste or data is repaired
    assert not any(RULES[name].repair for name in ("disk-copy", "lp-good", "lvcb-absent", "pv-absent", "vgda-tie"))
    assert all(RULES[name].repair for name in ("record-copy", "vgda-copy", "vgsa-older", "pp-alternates"))
