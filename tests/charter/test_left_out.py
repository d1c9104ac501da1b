"""Whatever a charter may leave out: without it, the verbs that read it work all the same."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path as Folder

import pytest
from pydantic import ValidationError
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from loop_core.alerts import raise_alerts
from loop_core.charter import Charter
from loop_core.cli import app as cli
from loop_core.compare import compare
from loop_core.cycle import run_cycle
from loop_core.gates import ingest
from loop_core.labels import known_at
from loop_core.monitor import drift_scores, performance
from loop_core.retrain import training_set
from loop_core.signals import read_source
from loop_core.triggers import decide
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.charter.full import FULL, OF_OTHER_TASKS, Path, optional_paths, remove, without
from tests.conftest import CHARTER, START
from tests.release import duel

PATHS = [path for path in optional_paths() if path not in OF_OTHER_TASKS]
#: Keys without which a part is another one, or none: they are refused by name.
REFUSED = {
    ("triggers", "every_days"), ("triggers", "cron"), ("triggers", "min_features"), ("triggers", "metric"),
    ("triggers", "of"), ("triggers", "min_labels"), ("cohorts", "expression"), ("mutations", "step"), ("mutations", "factor"),
}  # fmt: skip
#: When every label is in.
END = START + timedelta(days=90 + 30)
_HOURS = itertools.count(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """900 labelled predictions of `old` over 90 days, with scores of `good` and `bad`."""
    folder = tmp_path_factory.mktemp("left_out") / "w"
    with Workspace.create(folder) as workspace, pytest.MonkeyPatch.context() as patch:
        patch.setattr(duel, "N", 900)
        patch.setattr(duel, "DAYS", 90)
        columns = {"promised_at": "timestamp", "stock": "number", "shop": "category"}
        context = "".join(f'\n[[context]]\nname = "{name}"\ntype = "{kind}"\n' for name, kind in columns.items())
        loop = duel.fill(workspace.set_charter(CHARTER + context, actor="ana", reason="first", as_of=START))
        values = "price = 10 + prediction_id::int % 97, weight = prediction_id::int % 13"
        sql = f"update {loop.table('predictions')} set {values}"
        loop.lake.write(lambda tx: tx.execute(sql), actor="ana", message="values")
        yield loop


def _ingested(loop: Loop, as_of: datetime, folder: Folder) -> None:
    rows = folder / f"{as_of:%d%H}.csv"
    rows.write_text(
        "prediction_id,predicted_at,price,weight,state,promised_at,stock,shop,score\n"
        f"i{as_of:%d%H},{as_of - timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ},10,1,SP,{as_of:%Y-%m-%dT%H:%M:%SZ},3,a,0.2\n"
    )
    assert ingest(loop, Signal.PREDICTIONS, read_source(rows), actor="ana", as_of=as_of).accepted == 1


def _cycle(loop: Loop, as_of: datetime, folder: Folder) -> None:
    assert run_cycle(loop, as_of, actor="ana", train=False).findings


def _alerts(loop: Loop, as_of: datetime, folder: Folder) -> None:
    raise_alerts(loop, as_of, (), actor="ana")
    decide(loop, as_of, ())


def _compared(loop: Loop, as_of: datetime, folder: Folder) -> None:
    card = compare(loop, "good", as_of=as_of, record=False)
    assert card.n > 200
    assert card.overall("log_loss").difference is not None


VERBS: dict[str, Callable[[Loop, datetime, Folder], object]] = {
    "ingest": _ingested,
    "drift": lambda loop, as_of, folder: drift_scores(loop, as_of, weeks=1),
    "performance": lambda loop, as_of, folder: performance(loop, as_of, weeks=1),
    "compare": _compared,
    "alerts": _alerts,
    "train": lambda loop, as_of, folder: training_set(loop, as_of),
    "cycle": _cycle,
    "query": lambda loop, as_of, folder: known_at(loop, as_of).rows("select count(*) from rows"),
}
#: Sections that a whole cycle reads: it looks at drift and performance, raises alerts and decides.
OF_CYCLES = ("cohorts", "monitor", "alerts", "triggers", "rollout")
#: Section → the verbs that read its keys.
READ_BY = {
    "loop": ("ingest", "performance", "compare"),
    "roles": ("compare", "alerts"),
    "goals": ("performance",),
    "contract": ("ingest",),
    "features": ("ingest", "compare"),
    "context": ("ingest",),
    "rules": ("ingest",),
    "gates": ("ingest",),
    "costs": ("performance", "compare"),
    "labels": ("performance", "compare", "train"),
    "cohorts": ("performance", "compare"),
    "metrics": ("performance", "compare"),
    "monitor": ("drift", "performance"),
    "alerts": ("alerts",),
    "triggers": ("alerts",),
    "retrain": ("train",),
    "compare": ("compare",),
    "mutations": ("compare",),
    "rollout": ("compare",),
    "queries": ("query",),
}


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_the_verbs_work_without_it(world: Loop, path: Path, tmp_path: Folder) -> None:
    if path in REFUSED:
        with pytest.raises(ValidationError, match=path[-1]):
            Charter.model_validate(without(path))
        return
    loop = replace(world, charter=Charter.model_validate(without(path)))
    if path[1:2] and path[1] in (Signal.OUTCOMES.value, Signal.FEEDBACK.value):
        # What is ingested here are predictions; these have the same keys.
        return
    for verb in (*READ_BY[path[0]], *(["cycle"] if path[-1] in OF_CYCLES else [])):
        VERBS[verb](loop, END + timedelta(hours=next(_HOURS)), tmp_path)


PAGES = (
    "this_week",
    "feedback",
    "signals",
    "drift",
    "performance",
    "triggers",
    "retrain",
    "compare",
    "release",
    "ledger",
)
COMMANDS = (
    "status", "drift orders", "performance orders", "health orders", "feedback orders", "completeness orders", "calibration orders",
    "boundary orders", "models orders", "card orders good", "compare orders good", "batches orders", "triggers show orders",
    "alerts list orders", "cohorts list orders",
)  # fmt: skip


def _spare() -> Charter:
    """`FULL` without anything that may be left out."""
    left = copy.deepcopy(FULL)
    for path in PATHS:
        if path not in REFUSED:
            remove(left, path)
    left["metrics"] = left["metrics"][:1]
    return Charter.model_validate(left)


@pytest.fixture(scope="module")
def shown(world: Loop) -> Loop:
    """The same with a comparison and findings on record."""
    run_cycle(world, END, actor="ana", train=False)
    compare(world, "good", as_of=END, actor="ana")
    return world


def test_pages_and_commands_work_without_any_of_it(shown: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    charter, folder = _spare(), str(shown.workspace.path)
    opened = Workspace.loop
    monkeypatch.setattr(Workspace, "loop", lambda ws, name: replace(opened(ws, name), charter=charter))
    monkeypatch.setenv("LOOPBENCH_WORKSPACE", folder)
    for page in PAGES:
        test = AppTest.from_file(str(Folder(__file__).parents[2] / "app" / "main.py"), default_timeout=60)
        if page != "this_week":
            test.switch_page(f"../pages/{page}.py")
        test.run()
        assert not test.exception, page
        assert not test.error, (page, test.error[0].value)
    for command in COMMANDS:
        done = CliRunner().invoke(cli, [*command.split(), "--workspace", folder], catch_exceptions=False)
        assert done.exit_code == 0, (command, done.output)
