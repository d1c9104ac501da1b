"""Cohorts and rules are compiled against the declared columns before a charter is in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from loop_core.errors import CharterError, QueryError
from loop_core.gates.rules import row_rules
from loop_core.labels import read_at
from loop_core.lake import charter_problems, check_expression, compile_charter
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop
from tests.conftest import CHARTER, START

COLUMNS = {"price": "double", "state": "varchar", "gift": "boolean", "promised_at": "timestamptz"}


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("price > 10", "BOOLEAN"),
        ("case when price > 10 and state in ('SP', 'RJ') then 'inside' else 'outside' end", "VARCHAR"),
        ("date_trunc('month', promised_at)", "TIMESTAMP WITH TIME ZONE"),
        ("regexp_extract(state, '^(.)', 1) -- its first letter", "VARCHAR"),
        ("coalesce(state, 'none') || '/' || gift::varchar", "VARCHAR"),
        ("least(floor(price / 10), 5)::int", "INTEGER"),
        ("state is not null and not gift", "BOOLEAN"),
        ('"state"', "VARCHAR"),
        ("list_contains(['SP'], state)", "BOOLEAN"),
        ("'drop table x; select * from read_text(''y'')' = state", "BOOLEAN"),
    ],
)
def test_expressions_over_columns_compile(expression: str, kind: str) -> None:
    assert check_expression(expression, COLUMNS) == kind


@pytest.mark.parametrize(
    "expression",
    [
        "nosuch + 1", "state + gift", "1) as x; drop table y; --", "1) as x, (2", "price) from t; drop table y; --",
        "price as x", "price, state", "a) + (b", "price /*", "", " ", ";", "select 1", "(select 1)",
        "(select content from read_text('/etc/passwd'))", "price in (select 1)", "exists (from glob('/*'))",
        "read_text('/etc/passwd')", "getenv('HOME')", "current_setting('threads')", "random() > 0.5", "now() > promised_at",
        "uuid()", "sum(price)", "count(*)", "row_number() over ()", "sum(price) over (order by price)", "unnest([1, 2])",
        "*", "columns('p.*')", "$as_of", "?", "#1", "rowid", "price group by 1", "price from t union select 1",
        "price from lake.x.predictions", "lake.x.predictions.price", "repeat('x', 1000000000)", "lpad(state, 1000000000, 'x')",
        "range(1000000000)", "nextval('s')", "error('x')", "(" * 3000 + "price" + ")" * 3000 + "+", "not " * 3000 + "gift",
        "price" + " + 1" * 3000, "[" * 3000 + "]" * 3000, "\0", "\ud800",
    ],
)  # fmt: skip
def test_whatever_is_no_value_of_one_row_is_refused(expression: str) -> None:
    with pytest.raises(QueryError) as caught:
        check_expression(expression, COLUMNS)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("part", "key", "says"),
    [
        ('[[cohorts]]\nname = "dear"\nexpression = "nosuch + 1"', "expression", "cohort 'dear': 'nosuch .* cannot be evaluated"),
        ('[[cohorts]]\nname = "d"\nexpression = "1) as x; drop table y; --"', "expression", "cohort 'd'"),
        ('[[cohorts]]\nname = "d"\nexpression = "(select content from read_text(\'/etc/passwd\'))"', "expression", "subquery"),
        ('[[rules]]\nname = "r"\nsignal = "predictions"\ncheck = "price + 1"', "check", "gives Float64; a true-or-false"),
        ('[[rules]]\nname = "r"\nsignal = "predictions"\ncheck = "nosuch > 1"', "check", "rule 'r': 'nosuch > 1' is not one"),
        ('[[rules]]\nname = "r"\nsignal = "outcomes"\ncheck = "price > 1"', "check", "rule 'r'"),
        ('[[rules]]\nname = "r"\nsignal = "predictions"\ncheck = "price > (select 1 from x)"', "check", "rule 'r'"),
        (f'[[rules]]\nname = "r"\nsignal = "predictions"\ncheck = "{"(" * 900}price{")" * 900} > 1"', "check", "rule 'r'"),
    ],
)  # fmt: skip
def test_a_charter_whose_expressions_do_not_work_is_refused_by_line(
    part: str, key: str, says: str, tmp_path: Path
) -> None:
    text = CHARTER + part + "\n"
    line = next(k for k, found in enumerate(text.splitlines(), 1) if found.startswith(f"{key} ="))
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(CharterError, match=says):
        compile_charter(text)
    found = charter_problems(tmp_path / "c.toml")
    assert [problem.startswith(f"{tmp_path / 'c.toml'}:{line}: ") for problem in found] == [True]


def test_a_charter_is_never_code_not_even_one_on_record(loop: Loop) -> None:
    evil = CHARTER + '[[cohorts]]\nname = "d"\nexpression = "(select content from read_text(\'/etc/passwd\'))"\n'
    with pytest.raises(CharterError):
        loop.workspace.set_charter(evil, actor="ana", reason="?", as_of=START)
    loop.ledger.append(
        kind="charter.changed", loop="orders", subject="charter v2", actor="ana", as_of=START, payload={"text": evil, "hash": ""}
    )  # fmt: skip
    with pytest.raises(CharterError, match="cohort 'd'"):
        loop.workspace.loop("orders")
    assert loop.workspace.set_charter(CHARTER, actor="ana", reason="mended", as_of=START).name == "orders"
    assert loop.workspace.loop("orders").charter.hash == loop.charter.hash


def test_a_comment_at_the_end_of_an_expression_takes_nothing_with_it(loop: Loop) -> None:
    text = CHARTER + '[[cohorts]]\nname = "dear"\nexpression = "price > 5 -- dear"\n'
    changed = loop.workspace.set_charter(text, actor="ana", reason="?", as_of=START)
    assert read_at(changed, START).rows("select cohort_dear from rows") == []
    assert row_rules(changed.charter, Signal.PREDICTIONS, START) is not None
