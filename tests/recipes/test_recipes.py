"""Recipes in general: finding them, folders of one's own, what is said when something is wrong."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loop_core.errors import CharterError, SourceError, UnknownNameError
from loop_core.labels import known_at
from loop_core.recipes import Simulation, import_recipe, load_recipe, recipes, simulate_recipe
from loop_core.resources import resource_folder
from loop_core.workspace import Workspace

ARRIVED = datetime(2025, 7, 1, tzinfo=UTC)
CALLS = 'call_id,customer,called_at,score,months,plan\nc1,k1,2025-01-01 10:00:00,0.2,3,"basic, old"\nc2,k2,2025-01-02 10:00:00,0.9,1,plus\n'
EXITS = "customer,ended\nk2,2025-01-05 00:00:00\n"


@pytest.fixture
def churn(tmp_path: Path) -> tuple[Path, Path]:
    """The whole example of data/README.md as a recipe, and files for it."""
    recipe, files = tmp_path / "churn", tmp_path / "files"
    recipe.mkdir(), files.mkdir()
    text = (resource_folder("data") / "README.md").read_text(encoding="utf-8")
    for name, body in re.findall(r"`churn/([\w.]+)`\n\n```\w+\n(.*?)```", text, re.DOTALL):
        (recipe / name).write_text(body, encoding="utf-8")
    (files / "scoring_log.csv").write_text(CALLS)
    (files / "contracts_ended.csv").write_text(EXITS)
    return recipe, files


def test_built_in_recipes_load() -> None:
    assert recipes() == ("bike", "deliveries", "olist")
    assert [load_recipe(name).charter.name for name in recipes()] == ["rentals", "deliveries", "orders"]


def test_the_example_of_the_readme_works(workspace: Workspace, churn: tuple[Path, Path]) -> None:
    report = import_recipe(workspace, *churn, actor="dana", as_of=ARRIVED)
    assert [b.accepted for b in report.batches] == [2, 2]
    rows = known_at(workspace.loop("churn"), ARRIVED).rows(
        "select prediction_id, predicted_at, plan, label, observed_at from rows order by 1"
    )
    assert rows[0][1] == datetime(2025, 1, 1, 9, tzinfo=UTC), "Berlin is an hour ahead in January"
    assert [row[2:4] for row in rows] == [("basic, old", 0.0), ("plus", 1.0)]


def test_newer_files_bring_in_what_is_new(workspace: Workspace, churn: tuple[Path, Path]) -> None:
    import_recipe(workspace, *churn, actor="dana", as_of=ARRIVED)
    (churn[1] / "scoring_log.csv").write_text(CALLS + "c3,k1,2025-02-01 10:00:00,0.3,4,plus\n")
    predictions = import_recipe(workspace, *churn, actor="dana", as_of=ARRIVED).batches[0]
    assert (predictions.accepted, predictions.unchanged, predictions.conflicting) == (1, 2, 0)


def test_a_charter_that_was_changed_since_is_kept(workspace: Workspace, churn: tuple[Path, Path]) -> None:
    text = (churn[0] / "charter.toml").read_text().replace('owner = "dana"', 'owner = "eve"')
    workspace.set_charter(text, actor="eve", reason="mine", as_of=ARRIVED)
    import_recipe(workspace, *churn, actor="dana", as_of=ARRIVED)
    assert workspace.loop("churn").charter.roles.owner == "eve"


def test_an_error_in_the_sql_names_its_file(workspace: Workspace, churn: tuple[Path, Path]) -> None:
    (churn[0] / "outcomes.sql").write_text("select nonsense from calls")
    with pytest.raises(SourceError, match=r"outcomes\.sql.*nonsense"):
        import_recipe(workspace, *churn, actor="dana", as_of=ARRIVED)
    assert not list(workspace.staging.iterdir()), "staging is left clean"


@pytest.mark.parametrize(
    ("file", "sql"),
    [
        ("outcomes.sql", "select content as label from read_text('/etc/passwd')"),
        ("outcomes.sql", "select * from '/etc/passwd'"),
        ("outcomes.sql", "select * from glob('/*')"),
        ("outcomes.sql", "select 1) to '/tmp/x.csv' --"),
        ("outcomes.sql", "select 1; drop table calls"),
        ("outcomes.sql", "attach '/tmp/x.db' as x"),
        ("outcomes.sql", "select getenv('HOME')"),
        ("prepare.sql", "copy calls to '/tmp/x.csv';"),
        ("prepare.sql", "install httpfs; load httpfs;"),
        ("prepare.sql", "set memory_limit = '1TB';"),
        ("prepare.sql", "create temp table x as select * from read_csv('/etc/hosts');"),
        ("prepare.sql", "create macro f() as table select * from read_text('/etc/passwd');"),
    ],
)
def test_the_sql_of_a_recipe_reads_its_tables_and_no_more(
    workspace: Workspace, churn: tuple[Path, Path], file: str, sql: str
) -> None:
    (churn[0] / file).write_text(sql)
    with pytest.raises(SourceError, match=re.escape(file)):
        import_recipe(workspace, *churn, actor="dana", as_of=ARRIVED)
    assert not list(workspace.staging.iterdir()), "staging is left clean"


def test_a_recipe_prepares_tables_of_its_tables(workspace: Workspace, churn: tuple[Path, Path]) -> None:
    (churn[0] / "prepare.sql").write_text(
        '-- a table; and a view\ncreate temp table one as select * from calls; create view "two é" as from one;'
    )
    text = (churn[0] / "predictions.sql").read_text()
    (churn[0] / "predictions.sql").write_text(text.replace("from calls", 'from "two é" as calls'))
    assert import_recipe(workspace, *churn, actor="dana", as_of=ARRIVED).batches[0].accepted == 2


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ("seconds = 0", "has seconds = 0"),
        ("memory_mb = 1e308", "has memory_mb = 1e"),
        ("hours = 1", "takes seconds"),
        ('seconds = "1"', "seconds = '1'"),
    ],
)
def test_limits_of_a_recipe_are_checked(churn: tuple[Path, Path], limits: str, says: str) -> None:
    file = churn[0] / "recipe.toml"
    file.write_text(file.read_text() + f"\n[limits]\n{limits}\n")
    with pytest.raises(SourceError, match=says):
        load_recipe(churn[0])


def test_a_mapping_without_end_is_stopped_at_its_limit(workspace: Workspace, churn: tuple[Path, Path]) -> None:
    file = churn[0] / "recipe.toml"
    file.write_text(file.read_text() + "\n[limits]\nseconds = 1\n")
    (churn[0] / "outcomes.sql").write_text(
        "with recursive r as (select 1 as n union all select n + 1 from r) select count(*) from r"
    )
    with pytest.raises(SourceError, match=r"outcomes.sql: .*stopped after 1 s, its limit of time"):
        import_recipe(workspace, *churn, actor="dana", as_of=ARRIVED)


def test_a_recipe_reads_no_file_outside_the_source_folder(churn: tuple[Path, Path]) -> None:
    for name in ("../secret.csv", "/etc/passwd"):
        (churn[0] / "recipe.toml").write_text(f'title = "x"\n[files]\ncalls = "{name}"\n')
        with pytest.raises(SourceError, match="outside the source folder"):
            load_recipe(churn[0])


def test_a_file_that_is_not_utf8_is_said_so(workspace: Workspace, churn: tuple[Path, Path]) -> None:
    (churn[1] / "scoring_log.csv").write_bytes(CALLS.replace("plus", "Größe").encode("latin-1"))
    with pytest.raises(SourceError, match=r"(?i)utf"):
        import_recipe(workspace, *churn, actor="dana", as_of=ARRIVED)


@pytest.mark.parametrize("recipe", ["nonsense", "/nowhere/at/all"])
def test_an_unknown_recipe_lists_the_known(workspace: Workspace, recipe: str) -> None:
    with pytest.raises(UnknownNameError, match="deliveries, olist"):
        import_recipe(workspace, recipe, None, actor="ana", as_of=ARRIVED)


def test_files_are_wanted_where_nothing_simulates_them(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="needs a folder"):
        import_recipe(workspace, "olist", None, actor="ana", as_of=ARRIVED)
    with pytest.raises(SourceError, match="There is no folder"):
        import_recipe(workspace, "olist", tmp_path / "absent", actor="ana", as_of=ARRIVED)
    with pytest.raises(SourceError, match="no scenario"):
        simulate_recipe("olist", tmp_path / "out", Simulation())


def test_a_recipe_without_files_or_with_a_bad_charter(tmp_path: Path, churn: tuple[Path, Path]) -> None:
    (churn[0] / "charter.toml").write_text("[loop]\nnam = 1\n")
    with pytest.raises(CharterError, match="did you mean 'name'"):
        load_recipe(churn[0])
    (churn[0] / "recipe.toml").write_text('title = "x"\n')
    with pytest.raises(SourceError, match="names no files"):
        load_recipe(churn[0])


def test_deliveries_simulates_and_imports_once(workspace: Workspace) -> None:
    as_of = datetime(2025, 6, 30, tzinfo=UTC)
    first = import_recipe(workspace, "deliveries", Simulation(3_000, 1), actor="ana", as_of=as_of)
    before = workspace.lake.snapshot(), workspace.ledger.length()
    again = import_recipe(workspace, "deliveries", Simulation(3_000, 1), actor="ana", as_of=as_of)
    assert sum(b.received for b in first.batches if b.signal == "predictions") == 3_000
    assert all(b.accepted + b.quarantined + b.refused == b.received for b in first.batches)
    assert {rule.rule for b in first.batches for rule in b.rules} <= {"price.min", "prediction_id.unknown"}
    assert first.scores[0][0] == "challenger-1"
    assert first.scores[0][1] > 500
    assert again.scores == (("challenger-1", 0),)
    assert (workspace.lake.snapshot(), workspace.ledger.length()) == before
