"""From an interval and a margin to a verdict, and from `inconclusive` to the rows that would decide."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loop_core.compare.estimate import Z
from loop_core.vocabulary import Verdict

#: One-sided level of each verdict: a two-sided 95 % interval.
LEVEL = 0.025
#: More rows than anybody has: asked for where a margin is so small that no number of rows would do.
MOST_ROWS = 10**15
_Z_MIDDLE = 0.253347  # quantile .6 of the normal distribution
#: Days beyond which a date would pretend to a precision that the estimate of needed rows does not have.
LONGEST_WAIT = 365


def verdict(ci_low: float, ci_high: float, margin: float) -> Verdict:
    """What an interval of a difference (up is good) says against the margin δ.

    `better` if low > 0; else `not_worse` if low > −δ; else `worse` if high < 0; else `inconclusive`.

    >>> verdict(-0.001, 0.004, margin=0.002), verdict(-0.01, 0.001, margin=0.002)
    (<Verdict.NOT_WORSE: 'not_worse'>, <Verdict.INCONCLUSIVE: 'inconclusive'>)
    """
    if ci_low > 0:
        return Verdict.BETTER
    if ci_low > -margin:
        return Verdict.NOT_WORSE
    return Verdict.WORSE if ci_high < 0 else Verdict.INCONCLUSIVE


def rows_needed(n: int, se: float, margin: float) -> int:
    """Further rows after which an undecided comparison decides with at least 80 % chance, whatever the true difference.

    Undecided is −h ≤ d ≤ h − δ for the half-width h = 1.96·se, widest for a true difference of −δ/2. There its
    probability is at most 20 % when se ≤ (δ/2) / (1.96 − 0.253), and se shrinks with √n. That holds of fresh rows; the n
    that are there and undecided lean towards staying so, for which a quarter of n is added: with it the chance is 80 % or
    more given that nothing was decided at n, however close n is.

    Args:
        n: rows so far.
        se: standard error of the difference at n rows, or its interval's half-width / 1.96 where that is wider.
        margin: δ > 0.

    Returns:
        At least 1 and at most `MOST_ROWS`, where a margin is too small for any number of rows.

    >>> rows_needed(1000, se=0.01, margin=0.01)
    10901
    """
    wanted = margin / 2 / (Z - _Z_MIDDLE)
    times = min(se / wanted, 1e9) ** 2 - 1 + 0.25
    return max(1, math.ceil(min(n * times, MOST_ROWS)))


def p_worse(difference: float, se: float, reach: float | None = None) -> float:
    """One-sided p-value of "the challenger is not worse".

    By the normal distribution; where an interval's upper end is further off than that, by the t distribution that reaches so
    far at its 97.5 % point: so p ≤ 2.5 % exactly where the interval lies below zero, and few witnesses stay few.

    Args:
        difference: up is good.
        se: its standard error.
        reach: from the difference to the upper end of its 95 % interval; None: 1.96 se.

    >>> round(p_worse(-1.96, 1.0), 3), round(p_worse(-2.228, 1.0, reach=2.228), 3), round(p_worse(-3.0, 1.0, 2.228), 4)
    (0.025, 0.025, 0.0067)
    """
    if se == 0:
        return 0.0 if difference < 0 else 1.0
    if reach is not None and reach / se > Z:
        from scipy.special import stdtr, stdtridf

        return float(stdtr(stdtridf(1 - LEVEL, reach / se), difference / se))
    return 0.5 * math.erfc(-difference / se / math.sqrt(2))


def rejected(p_values: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Benjamini–Hochberg: which hypotheses are rejected at a false-discovery rate of `level`.

    Source: Benjamini & Hochberg 1995.

    >>> rejected([0.001, 0.02, 0.9], level=0.05)
    [True, True, False]
    """
    m = len(p_values)
    ordered = sorted(p_values)
    passed = [p for rank, p in enumerate(ordered, 1) if p <= level * rank / m]
    return [p <= passed[-1] for p in p_values] if passed else [False] * m
