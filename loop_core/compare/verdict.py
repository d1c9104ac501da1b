"""From an interval and a margin to a verdict, and from `inconclusive` to the rows that would decide."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loop_core.vocabulary import Verdict

#: One-sided level of each verdict: a two-sided 95 % interval.
LEVEL = 0.025
_Z_INTERVAL, _Z_MIDDLE = 1.959964, 0.253347  # quantiles .975 and .6 of the normal distribution


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
    """Further rows after which the comparison decides with at least 80 % chance, whatever the true difference.

    Undecided is −h ≤ d ≤ h − δ for the half-width h = 1.96·se, widest for a true difference of −δ/2. There its
    probability is at most 20 % when se ≤ (δ/2) / (1.96 − 0.253), and se shrinks with √n.

    Args:
        n: rows so far.
        se: standard error of the difference at n rows.
        margin: δ > 0.

    >>> rows_needed(1000, se=0.01, margin=0.01)
    10651
    """
    wanted = margin / 2 / (_Z_INTERVAL - _Z_MIDDLE)
    return max(1, math.ceil(n * (se / wanted) ** 2) - n)


def p_worse(difference: float, se: float) -> float:
    """One-sided p-value of "the challenger is not worse", by the normal distribution.

    >>> round(p_worse(-1.96, 1.0), 3)
    0.025
    """
    if se == 0:
        return 0.0 if difference < 0 else 1.0
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
