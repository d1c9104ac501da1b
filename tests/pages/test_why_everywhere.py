"""Every `Why?` of the app, walked on one workspace with hostile rows: its notebook code gives what its page computed or shows."""

from __future__ import annotations

import ast
import inspect
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from optuna.trial import create_trial
from streamlit.testing.v1 import AppTest

from app import session, widgets
from app.widgets import short
from loop_core.clock import instant
from loop_core.compare import compare, compare_many, forecast, selftest, tradeoff
from loop_core.compare.store import latest_scorecard
from loop_core.compare.tradeoffs import save_tradeoff
from loop_core.cycle import run_cycle
from loop_core.gates import ingest
from loop_core.jobs import enqueue
from loop_core.labels import known_at
from loop_core.policies import save_replay
from loop_core.release import first_release
from loop_core.retrain import Budget, bootstrap_external
from loop_core.retrain.retrain import noted
from loop_core.retrain.studies import opened_study
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.charts import made
from tests.compare import packages
from tests.compare.packages import trained
from tests.once import once
from tests.pages.conftest import quiet, said
from tests.retrain.synthetic import CHARTER, END, START, insert, rows

ROOT = Path(__file__).parents[2]
N = 2_000
#: When the first model began to serve; the retrain and the comparison of it are of an earlier day than what pages show.
SERVES, MADE = START + timedelta(days=100), END - timedelta(days=3)
PROTECTED = (
    CHARTER.replace('name = "state"\nmin_rows', 'name = "state"\nprotected = true\nmin_rows')
    + """
[[mutations]]
feature = "weight"
change = "noise"
step = 1.0
bound = 0.1
"""
)


def _fill(folder: Path) -> None:
    """A trained champion, a challenger of which only scores are known, scores of exactly 0 and 1, and one of everything that
    pages tell of: a cycle, comparisons, a self-test, a forecast, a replay, a retrain."""
    with Workspace.create(folder) as workspace:
        loop = workspace.set_charter(PROTECTED, actor="ana", reason="first", as_of=START)
        frame = rows(N)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(packages, "END", SERVES)
            metrics = {"log_loss": 0.4123456789, "auc": 2 / 3}
            champion = trained(loop, frame.head(600), train_end=SERVES, n_rows=600, metrics=metrics)
        _insert(loop, frame, champion)
        bootstrap_external(loop, "other", actor="vendor", as_of=START, train_end=START)
        first_release(loop, champion, actor="ana", as_of=SERVES)
        delivered = folder / "one.csv"
        delivered.write_text(f"prediction_id,label,observed_at\np{N - 400:06d},0,{MADE:%Y-%m-%dT%H:%M:%SZ}\n")
        ingest(loop, Signal.OUTCOMES, read_source(delivered), actor="ana", as_of=MADE)
        run_cycle(loop, MADE, actor="ana", train=False)
        _searched(loop)
        enqueue(
            workspace, loop.name, "retrain", {"as_of": MADE.isoformat(), "trials": 2, "seconds": 60, "seed": 3}, "ana"
        )
        # From a day that was asked for: the code has to ask for it too.
        compare(loop, "other", as_of=MADE, since=SERVES + timedelta(days=5), actor="ana")
        compare_many(loop, ["other"], as_of=MADE, actor="ana")
        selftest(loop, MADE, challenger="other", runs=20, harm_runs=0, actor="ana")
        forecast(loop, MADE, actor="ana")
        save_tradeoff(loop, tradeoff(loop, MADE, rows=3))
        save_replay(loop, replace(made.policies(), loop=loop.name))


def _searched(loop: Loop) -> None:
    """Trials as a retrain stores them, without their fits."""
    study = opened_study(loop.workspace.studies_url, f"{loop.name}-walk", 0)
    for name, value in noted(MADE, 3, Budget(2, 60.0)).items():
        study.set_user_attr(name, value)
    for value in (0.41234567891, 0.41234567812):
        study.add_trial(create_trial(value=value))


def _insert(loop: Loop, frame: pl.DataFrame, champion: str) -> None:
    rng = np.random.default_rng(1)

    def scores() -> pl.Series:
        told = np.round(np.clip(0.7 * frame["label"].to_numpy() * rng.random(N) + 0.4 * rng.random(N), 0, 1), 3)
        return pl.Series(np.where(rng.random(N) < 0.05, rng.integers(0, 2, N), told))

    insert(
        loop,
        frame.with_columns(score=scores(), model_version=pl.lit(champion), latency_ms=pl.Series(rng.gamma(2, 9, N))),
    )
    # A slice that the search finds: there the challenger is wrong about most.
    wrong = pl.select(pl.when(frame["price"] > 90).then(1 - 0.9 * frame["label"]).otherwise(scores())).to_series()
    other = frame.select("prediction_id", scored_at="predicted_at", model_version=pl.lit("other"), score=wrong)
    said = frame.filter(rng.random(N) < 0.3).select(
        "prediction_id", given_at="predicted_at", feedback_id="prediction_id"
    )
    said = said.with_columns(rating=pl.Series(rng.integers(1, 6, said.height).astype(float)))

    def body(tx: Any) -> None:
        for name, part in (("scores", other), ("feedback", said)):
            tx.register("fresh", part)
            tx.execute(f"insert into {loop.table(name)} by name select * from fresh")

    loop.lake.write(body, actor="ana", message="rows")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "why", _fill)


#: Page, its parameters (the tabs of details among them), and the buttons that are pressed.
WALK: tuple[tuple[str, dict[str, str], tuple[str, ...]], ...] = (
    ("this_week", {}, ()),
    ("feedback", {"cohort": "state"}, ()),
    ("signals", {}, ()),
    ("drift", {"weeks": "8"}, ()),
    *(("drift", {"weeks": "8", "look": look}, ()) for look in ("Does it matter?", "Every measure")),
    ("drift", {"weeks": "8", "look": "What separates"}, ("separate",)),
    ("performance", {"cohort": "state", "value": "SP"}, ()),
    *(("performance", {"look": look}, ()) for look in ("Calibration", "Near the threshold", "When labels come", "Service")),
    ("triggers", {}, ()),
    ("retrain", {}, ()),
    ("compare", {}, ()),
    *(("compare", {"look": look}, ()) for look in ("Flips", "Calibration")),
    *(("compare", {"detail": detail}, ()) for detail in (
        "Slices", "Fairness", "Mutations and contract", "What differs", "Trade-off", "Several at once", "How good are these gates?")),
    ("release", {}, ()),
    ("ledger", {}, ("verify",)),
)  # fmt: skip


#: Where what is shown was not computed for it but read: a column that only the table with its numbers has.
TABLES = {
    "app/policies.py": "s of fits", "app/trials.py": "objective", "app/fairness.py": "gap, champion", "app/rivals.py": "baseline",
    "app/tradeoff.py": "fairness gap", "pages/retrain.py": "rows", "app/slices.py": "where found", "app/soundness.py": "most move",
}  # fmt: skip
#: Or the sentence.
SENTENCES: dict[str, Callable[[Any], str]] = {
    "app/worth.py": lambda found: found.sentence,
    "pages/release.py": lambda found: f"{short(found.champion)} serves everybody",
    "pages/ledger.py": lambda found: found.integrity.sentence,
}


@dataclass(frozen=True)
class Offer:
    """What one `Why?` hands over, and what its page computed before."""

    place: str
    code: str
    sql: str | None
    page: AppTest
    computed: tuple[Any, ...]


def _places() -> set[str]:
    """Every call of `why` in the app's sources."""
    files = [*(ROOT / "app").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    return {
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in files
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "why"
    }


@pytest.fixture(scope="module")
def opened(world: Path) -> Iterator[Workspace]:
    """The workspace of the pages, which all code opens once."""
    with Workspace.open(world) as workspace, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workspace, "open", lambda folder: workspace if folder == str(world) else pytest.fail(folder))
        yield workspace


@pytest.fixture(scope="module")
def offers(world: Path) -> list[Offer]:
    found: list[Offer] = []
    with pytest.MonkeyPatch.context() as patch:
        asked: list[tuple[str, str, str | None]] = []
        computed: list[Any] = []
        compute, notebook = session._computed, widgets.notebook

        def of_page(*given: Any) -> Any:
            computed.append(compute(*given))
            return computed[-1]

        def code(view: Any, call: str, *more: Any) -> str:
            frame = inspect.currentframe()
            assert frame
            assert frame.f_back
            caller = frame.f_back.f_back
            assert caller
            place = f"{Path(caller.f_code.co_filename).relative_to(ROOT)}:{caller.f_lineno}"
            asked.append((place, notebook(view, call, *more), frame.f_back.f_locals["sql"]))
            return asked[-1][1]

        patch.setattr(session, "_computed", of_page)
        patch.setattr(widgets, "notebook", code)
        patch.setenv("LOOPBENCH_WORKSPACE", str(world))
        for page, parameters, pressed in WALK:
            asked.clear(), computed.clear()
            test = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=60)
            if page != "this_week":
                test.switch_page(f"../pages/{page}.py")
            test.query_params.update(parameters)
            test.run()
            for key in pressed:
                asked.clear()
                test.button(key=key).click().run()
            quiet(test)
            known = {offer.place for offer in found}
            found += [Offer(*one, test, tuple(computed)) for one in dict.fromkeys(asked) if one[0] not in known]
    return found


def test_every_place_that_offers_it_is_walked(offers: list[Offer]) -> None:
    assert {offer.place for offer in offers} == _places()


def test_the_code_gives_what_the_page_computed_or_shows(offers: list[Offer], opened: Workspace) -> None:
    for offer in offers:
        file = offer.place.split(":")[0]
        result = _run(offer.code)
        if file in TABLES:
            shown = _table(offer.page, TABLES[file])
            numbers = [
                float(value) for value in shown.select_dtypes("number").to_numpy().ravel() if not math.isnan(value)
            ]
            assert numbers, offer.place
            told = list(_numbers(result))
            assert set(numbers) <= {*told, *(number / 1000 for number in told)}, offer.place
        elif file in SENTENCES:
            assert SENTENCES[file](result) in said(offer.page), offer.place
        elif file == "app/compared.py":
            assert repr(result.cells) == repr(latest_scorecard(opened.loop("parcels"), "other").cells)
        else:
            parts = [part for one in offer.computed for part in (one, *_parts(one))]
            assert any(repr(result) == repr(part) for part in parts), offer.place


def test_the_sql_gives_numbers_of_the_page(offers: list[Offer], opened: Workspace) -> None:
    asked = [offer for offer in offers if offer.sql]
    assert len(asked) >= 4
    for offer in asked:
        as_of = instant(re.search(r"^as_of = instant\('(.*)'\)", offer.code, re.M)[1])
        (row,) = known_at(opened.loop("parcels"), as_of).frame(offer.sql).to_dicts()
        numbers = np.array(list(_numbers(offer.computed)))
        for name, value in row.items():
            assert np.isclose(numbers, value, rtol=1e-12, atol=0).any(), (offer.place, name, value)


def _run(code: str) -> Any:
    """The value of the last line of a notebook's cell."""
    *lines, last = code.splitlines()
    space: dict[str, Any] = {}
    exec("\n".join(lines), space)
    return eval(last, space)


def _table(page: AppTest, column: str) -> Any:
    (found,) = [frame.value for frame in page.dataframe if column in frame.value]
    return found


def _parts(one: Any) -> list[Any]:
    """Fields and properties of a result."""
    if not is_dataclass(one):
        return []
    properties = [name for name, kind in inspect.getmembers(type(one)) if isinstance(kind, property)]
    return [getattr(one, name) for name in (*(field.name for field in fields(one)), *properties)]


def _numbers(one: Any) -> Iterator[float]:
    """Every number of a result."""
    if isinstance(one, (int, float)):
        yield float(one)
    elif isinstance(one, dict):
        yield from (number for part in one.values() for number in _numbers(part))
    elif isinstance(one, (list, tuple)):
        yield from (number for part in one for number in _numbers(part))
        yield float(len(one))
    else:
        yield from (number for part in _parts(one) for number in _numbers(part))
