"""Latency and size as metrics of a comparison."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from loop_core.charter import parse_charter
from loop_core.compare import compare
from loop_core.compare.service import Quantile, difference_of, quantile_of, service_cells
from loop_core.compare.span import Span
from loop_core.errors import CharterError
from loop_core.monitor import performance
from loop_core.release import first_release
from loop_core.vocabulary import Verdict
from loop_core.workspace import Loop
from tests.compare.packages import trained
from tests.compare.rivals_world import challenged
from tests.conftest import CHARTER, START
from tests.monitor.world import DAYS
from tests.retrain.synthetic import END, parcels, rows
from tests.retrain.synthetic import START as FIRST

LATER = START + timedelta(days=DAYS + 61)


def metric(name: str, margin: float, block: str = "guardrail") -> str:
    return f'\n[[metrics]]\nname = "{name}"\nmargin = {margin}\nblock = "{block}"\n'


LATENCY = metric("latency_p50", 5) + metric("latency_p95", 10)


def test_quantiles_hold_their_level():
    """95 % intervals of a median and a p95, at 100 and 2,000 answers, of a skewed distribution."""
    rng, runs = np.random.default_rng(0), 1_000
    for n in (100, 2_000):
        for q in (0.5, 0.95):
            truth = float(np.exp(_normal_quantile(q)))
            found = [quantile_of(np.sort(rng.lognormal(0, 1, n)), q) for _ in range(runs)]
            held = sum(one is not None and one.low <= truth <= one.high for one in found) / runs
            assert 0.935 <= held <= 0.985, (n, q, held)


def test_differences_of_quantiles_hold_their_level():
    rng, runs = np.random.default_rng(1), 600
    truth = float(np.exp(_normal_quantile(0.95))) * (1 - 1.2)
    held = 0
    for _ in range(runs):
        first, second = np.sort(rng.lognormal(0, 1, 400)), np.sort(1.2 * rng.lognormal(0, 1, 900))
        _, low, high = difference_of(_known(first), _known(second))
        held += low <= truth <= high
    assert 0.935 <= held / runs <= 0.985


def _known(values: np.ndarray) -> Quantile:
    found = quantile_of(values, 0.95)
    assert found is not None
    return found


def _normal_quantile(q: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(q))


def test_too_few_answers_have_no_interval():
    assert quantile_of(np.arange(71.0), 0.95) is None
    assert quantile_of(np.arange(72.0), 0.95) is not None
    assert quantile_of(np.empty(0), 0.5) is None


@pytest.fixture
def served(workspace) -> Loop:
    """`old` answered the first 100 days at 40 ms, and `new` the rest, 20 ms slower."""
    loop = workspace.set_charter(CHARTER + LATENCY, actor="ana", reason="first", as_of=START)
    challenged(loop, {"new": 0.05})
    loop.lake.write(
        lambda tx: tx.execute(
            f"update {loop.table('predictions')} set model_version = 'new', latency_ms = latency_ms + 20 where predicted_at >= $since",
            {"since": START + timedelta(days=100)},
        ),
        actor="ana",
        message="a canary",
    )
    loop.lake.write(
        lambda tx: tx.execute(
            f"insert into {loop.table('scores')} (prediction_id, model_version, score, scored_at)"
            f" select prediction_id, 'old', score, predicted_at from {loop.table('predictions')} where model_version = 'new'"
        ),
        actor="ana",
        message="what old would have said",
    )
    return loop


def test_a_slower_challenger_is_blocked_by_its_guardrail(served):
    card = compare(served, "new", as_of=LATER, record=False)
    median, tail = card.overall("latency_p50"), card.overall("latency_p95")
    assert median.challenger - median.champion == pytest.approx(20, abs=2)
    assert median.ci_low < -18 < median.ci_high or median.ci_low < -20 < median.ci_high
    assert (median.verdict, tail.verdict) == (Verdict.WORSE, Verdict.WORSE)
    assert median.n == 4_000
    assert median.method == "order statistics, 4,000 and 4,000 answers"
    assert {g.name: g.state for g in card.gates}["latency_p95 overall"] == "blocked"
    assert card.badge == "Do not ship"
    assert {c.metric for c in card.cells if c.cohort} == {"log_loss"}


def test_a_challenger_that_never_answered_has_no_latency(workspace):
    loop = workspace.set_charter(CHARTER + LATENCY, actor="ana", reason="first", as_of=START)
    card = compare(challenged(loop, {"new": 0.05}), "new", as_of=LATER, record=False)
    cell = card.overall("latency_p95")
    assert (cell.verdict, cell.difference) == (Verdict.NOT_APPLICABLE, None)
    assert cell.reason == "new answered 0 predictions of the span with a latency on record; an interval needs 72"
    gate = next(g for g in card.gates if g.name == "latency_p95 overall")
    assert (gate.state, gate.next_step) == ("held", "let both answer for a while with their latency logged")
    assert card.badge == "Undecided"


def test_as_a_signal_it_holds_nothing(workspace):
    text = CHARTER + metric("latency_p95", 10, "signal")
    loop = workspace.set_charter(text, actor="ana", reason="first", as_of=START)
    card = compare(challenged(loop, {"new": 0.05}), "new", as_of=LATER, record=False)
    assert "latency_p95 overall" not in {g.name for g in card.gates}
    assert card.badge == "Ship"


def test_size_is_exact(workspace):
    loop = parcels(workspace)
    text = (
        loop.entries("charter.changed")[-1]
        .payload["text"]
        .replace("[retrain]\ncomparison", metric("model_bytes", 1_000) + "[retrain]\ncomparison")
    )
    loop = loop.workspace.set_charter(text, actor="ana", reason="it runs on a phone", as_of=END)
    frame = rows(3000)
    seen = {"train_start": FIRST, "train_end": FIRST + timedelta(days=180)}
    young = frame.filter(frame["predicted_at"] < seen["train_end"])
    small, large = (trained(loop, young, params={"num_leaves": n}, **seen) for n in (4, 31))
    first_release(loop, small, actor="ana", as_of=END)
    cell = compare(loop, large, as_of=END + timedelta(days=30), record=False).overall("model_bytes")
    assert cell.difference == cell.ci_low == cell.ci_high == cell.champion - cell.challenger < -1_000
    assert (cell.verdict, cell.se, cell.n) == (Verdict.WORSE, 0.0, 0)
    same = compare(loop, small, against=small, as_of=END + timedelta(days=30), record=False).overall("model_bytes")
    assert same.verdict is Verdict.NOT_WORSE


def test_size_of_an_external_model_is_not_known(workspace):
    loop = workspace.set_charter(CHARTER + metric("model_bytes", 1), actor="ana", reason="first", as_of=START)
    cell = compare(challenged(loop, {"new": 0.05}), "new", as_of=LATER, record=False).overall("model_bytes")
    assert cell.reason == "the size of old and new is not known here: external models have no package"


def test_windows_are_not_watched_by_it(served):
    assert [m.name for m in served.charter.watched] == ["log_loss"]
    assert {point.metric for point in performance(served, LATER)} == {"log_loss"}


def test_it_cannot_be_the_metric_that_a_model_is_tuned_by():
    with pytest.raises(CharterError, match="latency_p95"):
        parse_charter(CHARTER.replace('name = "log_loss"', 'name = "latency_p95"'))


def test_other_metrics_are_no_business_of_it(served):
    span = Span(START, LATER, frozenset(), "")
    assert service_cells(served, "old", "new", LATER, span, served.charter.metrics[:1]) == []
