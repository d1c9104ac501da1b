"""Findings of drift: what matters most first, with share, estimated effect and the call that reproduces them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from loop_core.clock import instant
from loop_core.figures import numbers_apart
from loop_core.monitor import DriftScore, drift_scores
from loop_core.monitor.check_drift import Effect, Weighing, check_drift
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.world import DAYS, fill, predictions

END = START + timedelta(days=DAYS)


def _score(feature: str, value: float | None, state: State, reason: str = "") -> DriftScore:
    threshold = None if value is None else 0.1
    return DriftScore(
        feature, "psi", START, START + timedelta(days=7), None, None, value, threshold, 0.01, 0.1, 0.1, 900, 90, state, reason
    )  # fmt: skip


SCORES = [
    _score("loud", 0.9, State.ALARM),
    _score("used", 0.4, State.ALARM),
    _score("still", 0.01, State.OK),
    _score("few", None, State.TOO_FEW, "12 rows; 50 are needed."),
]


def test_drift_of_what_the_model_uses_comes_first_and_says_so():
    weighing = Weighing(END, "m1", {"used": 0.7, "loud": 0.05, "still": 0.25}, Effect("log_loss", 0.34, 0.3, 0.04))
    found = list(check_drift(SCORES, weighing))
    assert [f.subject for f in found] == ["used", "loud", "still", "few"]
    assert "It carries 70% of the model." in found[0].sentence
    assert "Estimated log loss of the window: 0.340, usually 0.300." in found[0].sentence
    assert [f.impact for f in found] == [0.04, 0.04, None, None]
    assert (
        found[3].sentence
        == "few cannot be judged (2018-01-01 to 2018-01-07, n = 90 against 900): 12 rows; 50 are needed."
    )


def test_an_external_champion_has_no_shares_and_that_is_said():
    found = list(check_drift(SCORES, Weighing(END, "old")))
    assert [f.subject for f in found] == ["loud", "used", "still", "few"]
    assert "How much the model uses it is not known." in found[0].sentence
    assert "not known" not in found[2].sentence


def test_the_evidence_reproduces_the_finding(loop):
    fill(loop, predictions())
    found = next(iter(check_drift(drift_scores(loop, END, weeks=1), Weighing(END, "old"))))
    again = eval(found.evidence, {"drift_scores": drift_scores, "instant": instant, "loop": loop})
    assert [score.value for score in again] == [found.value]


def test_numbers_shown_side_by_side_can_be_told_apart():
    close = replace(_score("x", 0.00082, State.WATCH), threshold=0.00062, expected_by_chance=0.00036)
    sentence = next(iter(check_drift([close], Weighing(END, "m1")))).sentence
    assert "PSI 0.00082, about 0.00036 by chance, a quiet window stays under 0.00062" in sentence
    assert numbers_apart(0.10004, 0.10001) == ("0.10004", "0.10001")
    assert numbers_apart(2.0, 0.0004, digits=0) == ("2.00000", "0.00040")
    assert numbers_apart(1e-15, 0.0) == ("1e-15", "0")
