"""Numbers that are read side by side: as many digits as it takes to tell them apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

#: More decimals than these are no help to a reader.
MOST_DECIMALS = 12


def decimals_apart(*values: float, least: int = 3, figures: int = 2) -> int | None:
    """So many decimals tell those values apart that differ, and leave each that is less than 1 so many figures; None: more
    than anybody reads would.

    Args:
        values: finite numbers.
        least: decimals at least.
        figures: of each value less than 1 that is not 0.

    >>> decimals_apart(0.00082, 0.00062), decimals_apart(0.1, 0.2), decimals_apart(0.0004, least=4, figures=1)
    (5, 3, 4)
    """
    for decimals in range(least, MOST_DECIMALS):
        coarse = any(0 < abs(value) < min(1.0, 10.0 ** (figures - 1 - decimals)) for value in values)
        if not coarse and len({f"{value:.{decimals}f}" for value in values}) == len(set(values)):
            return decimals
    return None


#: In a table, more than these would push the other columns out.
MOST_IN_COLUMN = 8


def column_decimals(groups: Iterable[Sequence[float | None]], least: int = 4) -> int:
    """So many decimals tell the numbers of every group apart, as far as a table has room for them.

    Args:
        groups: numbers that are read side by side; None and what is not finite are left out.
        least: decimals at least.

    >>> column_decimals([(0.12341, 0.12343), (0.5, None)]), column_decimals([(0.5, 0.25)], least=1)
    (5, 1)
    """
    told = [[value for value in group if value is not None and math.isfinite(value)] for group in groups]
    found = [decimals_apart(*values, least=least, figures=1) for values in told]
    return max([least, *(MOST_IN_COLUMN if one is None else min(one, MOST_IN_COLUMN) for one in found)])


def numbers_apart(*values: float, digits: int = 3) -> tuple[str, ...]:
    """Numbers that are shown side by side, with as many decimals as it takes to tell those apart that differ: at least
    `digits`, and two figures of each that is less than 1.

    >>> numbers_apart(0.00082, 0.00062), numbers_apart(0.12345, 0.2), numbers_apart(0.5, 0.5)
    (('0.00082', '0.00062'), ('0.123', '0.200'), ('0.500', '0.500'))
    """
    decimals = decimals_apart(*values, least=digits)
    if decimals is None:
        return tuple(f"{value:.{MOST_DECIMALS}g}" for value in values)
    return tuple(f"{value:,.{decimals}f}" for value in values)


def shares_apart(*values: float, digits: int = 0) -> tuple[str, ...]:
    """Shares that are shown side by side, in per cent.

    >>> shares_apart(0.2, 0.5), shares_apart(0.052, 0.05)
    (('20%', '50%'), ('5.2%', '5.0%'))
    """
    decimals = decimals_apart(*(100 * value for value in values), least=digits, figures=1)
    return tuple(f"{value:.{6 if decimals is None else decimals}%}" for value in values)
