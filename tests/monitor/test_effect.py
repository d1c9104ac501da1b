"""The estimated effect of a window: its metric told from scores, beside what is usual."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from loop_core.monitor import monitor
from loop_core.monitor.effect import estimated_effect
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.world import DAYS, fill, outcomes, predictions

END = START + timedelta(days=DAYS)


def test_scores_that_become_unsure_are_harm_and_the_drift_findings_say_so(loop):
    late = pl.col("predicted_at") >= END - timedelta(days=7)
    rows = predictions().with_columns(
        score=pl.when(late).then(0.5).otherwise("score"), price=pl.when(late).then(900.0).otherwise("price")
    )
    fill(loop, rows, outcomes(rows))
    effect = estimated_effect(loop, END)
    assert effect is not None
    assert effect.metric == "log_loss"
    assert effect.harm == pytest.approx(effect.now - effect.usual)
    assert effect.harm > 0.05
    price = next(f for f in monitor(loop, END) if f.subject == "price")
    assert (price.state, price.impact) == (State.ALARM, effect.harm)
    assert "Estimated log loss of the window" in price.sentence


def test_without_labels_there_is_no_estimate(loop):
    assert estimated_effect(fill(loop, predictions()), END) is None
