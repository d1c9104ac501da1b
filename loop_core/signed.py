"""A difference between two models as people read it: its size, which way it goes, and its interval."""

from __future__ import annotations

from collections.abc import Callable

from loop_core.figures import decimals_apart

Number = Callable[[float], str]
"""A size (zero or more) as text."""


def decimals(places: int) -> Number:
    """Sizes with so many decimals and with thousands apart.

    >>> decimals(1)(12345.67)
    '12,345.7'
    """
    return lambda size: f"{size:,.{places}f}"


def signed_difference(
    difference: float, ci_low: float | None = None, ci_high: float | None = None, *, number: Number | None = None
) -> str:
    """A difference and its interval in words, without signs.

    Args:
        difference: up is good.
        ci_low, ci_high: its interval; None: there is none.
        number: how sizes are written; None: four decimals, none from 1,000 on, and more where that tells them apart.

    >>> signed_difference(-0.0062, -0.0079, -0.0044)
    '0.0062 worse (0.0044 to 0.0079)'
    >>> signed_difference(0.001, -0.002, 0.004)
    '0.0010 better (0.0020 worse to 0.0040 better)'
    >>> signed_difference(0.0), signed_difference(-0.00001), signed_difference(1234.5)
    ('no difference', '0.00001 worse', '1,234 better')
    >>> signed_difference(0.00002, 0.00001, 0.00003)
    '0.00002 better (0.00001 to 0.00003)'
    """
    ends = [end for end in (ci_low, ci_high) if end is not None]
    least = 0 if max(map(abs, [difference, *ends])) >= 1_000 else 4
    say = number or decimals(decimals_apart(difference, *ends, least=least, figures=1) or least)
    said = f"{say(abs(difference))} {_way(difference)}" if difference else "no difference"
    if ci_low is None or ci_high is None:
        return said
    if ci_low * ci_high >= 0 and (ci_low + ci_high) * difference > 0:
        nearer, farther = sorted((abs(ci_low), abs(ci_high)))
        return f"{said} ({say(nearer)} to {say(farther)})"
    return f"{said} ({_end(ci_low, say)} to {_end(ci_high, say)})"


def _end(value: float, say: Number) -> str:
    return f"{say(abs(value))} {_way(value)}" if value else say(0.0)


def _way(value: float) -> str:
    return "better" if value > 0 else "worse"
