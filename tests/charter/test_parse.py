from __future__ import annotations

from pathlib import Path

import pytest

from loop_core.charter import check_charter, load_charter, parse_charter
from loop_core.errors import CharterError
from tests.conftest import CHARTER


def problems(text: str, tmp_path: Path) -> list[str]:
    file = tmp_path / "c.toml"
    file.write_text(text)
    return [line.removeprefix(f"{file}:") for line in check_charter(file)]


def test_a_valid_charter_has_no_problems(tmp_path: Path) -> None:
    assert problems(CHARTER, tmp_path) == []


def test_a_charter_on_record_keeps_its_hash_whatever_keys_came_since() -> None:
    """Models, searches and comparisons name their charter by it: this is the one that was written before."""
    before = "89fea0672be3520df460fdda77c0fb8ec1e7380c6fc9c09c10506ef8908c5641"
    assert parse_charter(CHARTER).hash == before
    said = (
        CHARTER.replace("horizon_days = 60", 'horizon_days = 60\nnever = "excluded"') + "\n[monitor]\nmin_shift = 0.1\n"
    )
    assert parse_charter(said).hash == before
    assert parse_charter(said.replace("0.1", "0.2")).hash != before


def test_hash_ignores_comments_and_layout_but_not_content() -> None:
    charter = parse_charter(CHARTER)
    assert parse_charter("# a comment\n" + CHARTER).hash == charter.hash
    assert parse_charter(CHARTER.replace("60", "61")).hash != charter.hash


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("horizon_days = 60", "horizon_days = -3", 13, "greater than 0"),
        ('type = "category"', 'type = "categorie"', 26, "allowed: 'number', 'category'"),
        ("values =", "valeus =", 27, "did you mean 'values'"),
        ('title = "Late deliveries"\n', "", 2, "loop.title is missing"),
        ('name = "price"', 'name = "score"', 1, "reserved name"),
        ('name = "price"', 'name = "weight"', 1, "declared twice"),
        ('name = "log_loss"', 'name = "logloss"', 34, "allowed: 'log_loss', 'brier', 'auc'"),
        ("min_rows = 50", "min_rows = 0", 31, "greater than or equal to 1"),
    ],
)
def test_problems_name_line_and_remedy(old: str, new: str, line: int, says: str, tmp_path: Path) -> None:
    assert old in CHARTER
    found = problems(CHARTER.replace(old, new, 1), tmp_path)
    assert len(found) == 1, found
    assert found[0].startswith(f"{line}: ")
    assert says in found[0]


def test_every_problem_is_listed_in_file_order(tmp_path: Path) -> None:
    text = CHARTER.replace("horizon_days = 60", "horizon_days = 0").replace('"number"', '"numbre"')
    lines = [int(found.split(":")[0]) for found in problems(text, tmp_path)]
    assert lines == sorted(lines)
    assert len(lines) == 3


def test_not_toml_names_the_place(tmp_path: Path) -> None:
    assert "line 3" in problems('[loop]\nname = "x"\ntitle =\n', tmp_path)[0]


def test_missing_and_binary_files_are_said(tmp_path: Path) -> None:
    with pytest.raises(CharterError, match="no charter at"):
        load_charter(tmp_path / "none.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CharterError, match="not UTF-8"):
        load_charter(tmp_path / "b.toml")


def test_a_drift_trigger_needs_its_number(tmp_path: Path) -> None:
    found = problems(CHARTER + '\n[[triggers]]\nkind = "drift"\n', tmp_path)
    assert "needs `min_features`" in found[0]


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ('owner = "ana"', 'owner = " "', 'owner = " "', "is not a name"),
        ('owner = "ana"', 'owner = "ana"\napprovers = ["bob", ""]', "approvers", "is not a name"),
        ('owner = "ana"', 'owner = "ana"\napprovers = ["bob", "b\\u043eb "]', "approvers", "are the same person"),
        ("[labels]", '[rollout]\napprovals = 2\n[compare]\noverriders = ["eve", "EVE"]\n[labels]', "overriders", "same person"),
        ("[labels]", '[alerts.owners]\ndrift = "\\u200b"\n[labels]', "drift", "is not a name"),
        ("[labels]", '[alerts]\nescalate_to = ""\n[labels]', "escalate_to", "is not a name"),
        ("[labels]", '[[triggers]]\nkind = "every_week"\nasks = ["bea", "Bea"]\n[labels]', "asks", "same person"),
        ('owner = "ana"', 'owner = "ana"\napprovers = ["bob"]\n[rollout]\n\napprovals = 2', "approvals = 2", "more than the 1 who may"),
        ('owner = "ana"', 'owner = "ana"\napprovers = ["Ana", "bob"]\n[rollout]\n\napprovals = 2', "approvals = 2", "nobody named here is left to propose"),
    ],
)  # fmt: skip
def test_people_are_refused_by_line(old: str, new: str, line: str, says: str) -> None:
    text = CHARTER.replace(old, new, 1)
    number = next(k for k, found in enumerate(text.splitlines(), 1) if found.startswith(line))
    with pytest.raises(CharterError, match=rf"charter:{number}: .*{says}"):
        parse_charter(text)
    assert parse_charter(text, on_record=True).name == "orders"


def test_where_every_approver_is_needed_somebody_else_proposes() -> None:
    for approvers, needed in (('["bob", "eve"]', 2), ('["bob"]', 1)):
        text = CHARTER.replace(
            'owner = "ana"', f'owner = "ana"\napprovers = {approvers}\n[rollout]\napprovals = {needed}'
        )
        assert "nobody approves a proposal of their own" in parse_charter(text).remarks[0]
        assert parse_charter(text.replace('"bob"', '"bob", "cem"')).remarks == ()
