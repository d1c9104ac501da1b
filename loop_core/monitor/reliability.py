"""How far a probability can be taken at its word: what curves and their summaries say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from loop_core.feedback import wilson
from loop_core.monitor.losses import brier_losses
from loop_core.vocabulary import State

Floats = npt.NDArray[np.float64]

#: Bins of equal mass, and draws of the bootstrap.
BINS, DRAWS = 15, 200
#: Rows that a bin should have at least: with fewer rows there are fewer bins.
MIN_BIN_ROWS = 10
_Z = 1.959964


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows whose scores are close together."""

    score: float
    """Their mean score."""
    share: float
    """Share of them with label 1; of several classes, on which the most probable one was right; of numbers, their mean."""
    ci_low: float
    """95 % interval: Wilson's of a share, t of a mean."""
    ci_high: float
    n: int


@dataclass(frozen=True)
class ReliabilityCurve:
    """Calibration of the scores of one span, in one cohort value."""

    window_start: datetime
    window_end: datetime
    """Exclusive; only windows whose labels are mature are in it."""
    cohort: str | None
    """Cohort name; None: everybody."""
    cohort_value: str | None
    model_version: str | None
    """Who scored them, joined by ` + ` where several did."""
    n: int
    """Labelled rows."""
    bins: tuple[ReliabilityBin, ...]
    """Of equal mass, at most 15, by rising score; empty while too few."""
    ece: float | None
    """Expected calibration error, 0..1 or in `unit`: the mean distance of the bins' shares from their scores; None: too few
    rows."""
    ece_ci_low: float | None
    """95 % bootstrap interval, corrected for the upward bias that noise gives to absolute values."""
    ece_ci_high: float | None
    brier: float | None
    """Mean squared error = reliability − resolution + uncertainty (+ what differs within bins)."""
    reliability: float | None
    """Part of the Brier score that comes from miscalibration; 0 is best."""
    resolution: float | None
    """Part that the model's telling rows apart takes away; more is better."""
    uncertainty: float | None
    """Share × (1 − share) of label 1: what no model can help."""
    slope: float | None
    """Cox's calibration slope (of numbers, of a straight line); under 1 the scores are too extreme, above 1 too timid. None:
    not estimable."""
    slope_ci_low: float | None
    slope_ci_high: float | None
    intercept: float | None
    """Cox's calibration in the large, in log-odds (of numbers, in `unit`); above 0 the scores are too low."""
    intercept_ci_low: float | None
    intercept_ci_high: float | None
    state: State
    """`watch`: slope or intercept are not what they should be, beyond chance; `pending`: no window is mature yet."""
    unit: str | None = None
    """Of scores and labels that are numbers; None: scores are probabilities, and shares are compared with them."""


def reliability_bins(labels: Floats, scores: Floats, most: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Rows in bins of equal mass by score; rows of one score stay together.

    Args:
        labels: (n,) 0 or 1.
        scores: (n,) probabilities of label 1.
        most: bins at most.
    """
    return tuple(_bins(labels, scores, places(scores, most)))


def places(scores: Floats, most: int) -> npt.NDArray[np.int64]:
    """(n,) number of each row's bin of equal mass; with few rows there are fewer than `most`."""
    bins = max(1, min(most, len(scores) // MIN_BIN_ROWS))
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)[1:-1])) if bins > 1 else np.empty(0)
    found = np.searchsorted(edges, scores, side="left")
    dense: npt.NDArray[np.int64] = np.unique(found, return_inverse=True)[1].astype(np.int64)
    return dense


def _bins(labels: Floats, scores: Floats, into: npt.NDArray[np.int64]) -> Iterator[ReliabilityBin]:
    counts = np.bincount(into)
    hits, total = np.bincount(into, labels), np.bincount(into, scores)
    for n, hit, score in zip(counts.tolist(), hits.tolist(), (total / counts).tolist(), strict=True):
        low, high = wilson(round(hit), n) or (0.0, 1.0)
        yield ReliabilityBin(score, hit / n, low, high, n)


def calibration_error(labels: Floats, scores: Floats, *, seed: int = 0) -> tuple[float, float, float]:
    """(ECE, low, high): the mean distance of the bins' shares from their scores, with its 95 % interval.

    Noise makes the distance of even perfect scores positive, and a bootstrap adds it once more; so the interval is
    the basic one around 2·ECE − draw, and it reaches 0 where perfect scores show as much in 1 of 40 draws.

    Args:
        labels: (n,) 0 or 1.
        scores: (n,) probabilities of label 1.
        seed: of the 200 draws of bin counts and labels.

    Source: Nixon et al. 2019, "Measuring calibration in deep learning" (equal mass).
    """
    into = places(scores, BINS)
    counts = np.bincount(into)
    shares, means = np.bincount(into, labels) / counts, np.bincount(into, scores) / counts
    ece = float((counts * abs(shares - means)).sum() / len(labels))
    rng = np.random.default_rng(seed)
    noisy, perfect = (
        (counts * abs(rng.binomial(counts, chances, (DRAWS, len(counts))) / counts - means)).sum(axis=1) / len(labels)
        for chances in (shares, means.clip(0, 1))
    )
    low, high = np.quantile(2 * ece - noisy, [0.025, 0.975])
    by_chance = ece <= np.quantile(perfect, 0.975)
    return ece, 0.0 if by_chance else min(ece, max(0.0, float(low))), max(ece, float(high))


def brier_parts(labels: Floats, scores: Floats) -> tuple[float, float, float, float]:
    """(Brier score, reliability, resolution, uncertainty) over the bins (Murphy 1973); of numbers, of the squared error.

    >>> [round(x, 3) for x in brier_parts(np.array([0.0, 1.0] * 50), np.full(100, 0.6))]
    [0.26, 0.01, 0.0, 0.25]
    """
    into = places(scores, BINS)
    counts, rate = np.bincount(into), float(labels.mean())
    shares, means = np.bincount(into, labels) / counts, np.bincount(into, scores) / counts
    reliability = float((counts * (shares - means) ** 2).sum() / len(labels))
    resolution = float((counts * (shares - rate) ** 2).sum() / len(labels))
    return float(brier_losses(labels, scores).mean()), reliability, resolution, float(labels.var())


@dataclass(frozen=True)
class Cox:
    """Logistic recalibration of scores, each value with its standard error."""

    slope: float
    slope_se: float
    intercept: float
    """With the slope held at 1: calibration in the large."""
    intercept_se: float


def cox(labels: Floats, scores: Floats) -> Cox | None:
    """Slope and intercept of a logistic regression of the label on the score's log-odds, by Newton's method.

    None: one class, or scores that separate the classes or do not vary.

    Args:
        labels: (n,) 0 or 1.
        scores: (n,) probabilities, clipped to [1e-6, 1 − 1e-6].

    Source: Cox 1958, "Two further applications of a model for binary regression"; Steyerberg 2009, chapter 15.
    """
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    odds = np.log(clipped / (1 - clipped))
    if min(labels.sum(), (1 - labels).sum()) < 2 or np.ptp(odds) < 1e-9:
        return None
    both = _newton(np.column_stack([np.ones_like(odds), odds]), labels, np.zeros_like(odds))
    large = _newton(np.ones((len(odds), 1)), labels, odds)
    if both is None or large is None:
        return None
    return Cox(both[0][1], both[1][1], large[0][0], large[1][0])


def _newton(inputs: Floats, labels: Floats, offset: Floats) -> tuple[list[float], list[float]] | None:
    """(coefficients, standard errors) of a logistic regression; None: it does not settle."""
    beta = np.zeros(inputs.shape[1])
    for _ in range(50):
        chances = 1 / (1 + np.exp(-np.clip(inputs @ beta + offset, -35, 35)))
        information = (inputs * (chances * (1 - chances))[:, None]).T @ inputs
        try:
            step = np.linalg.solve(information, inputs.T @ (labels - chances))
        except np.linalg.LinAlgError:
            return None
        beta = beta + np.clip(step, -2, 2)
        if float(abs(step).max()) < 1e-9:
            return beta.tolist(), np.sqrt(np.diag(np.linalg.inv(information))).tolist()
    return None
