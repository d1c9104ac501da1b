"""The chance that a quiet feature passes the charter's rule "k of the last n windows", its windows being alike."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from loop_core.monitor.profiles import Counts

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(48)
_LEVELS = np.geomspace(1e-9, 1.0, 400)


def persistent_chance(levels: npt.ArrayLike, shared: npt.ArrayLike, times: int, of: int) -> Counts:
    """Chance that the newest window is over a level and, with it, `times` of the last `of` windows are.

    All windows are compared with one reference, whose own error makes them exceed together. The windows are taken as
    the absolute values of normal variables with that correlation, the least favourable case: with more bins than two
    the same reference error weighs less.

    Args:
        levels: (…) chances that one quiet window exceeds, in (0, 1].
        shared: (…) n / (n + N) for windows of n rows and a reference of N: the part of the variance that they share.
        times: windows that have to exceed.
        of: windows looked at.

    >>> persistent_chance(0.03, 0.0, 2, 3).round(6), persistent_chance(0.03, 0.5, 2, 3).round(4)
    (np.float64(0.001773), np.float64(0.0077))
    """
    from scipy.special import bdtrc, ndtr, ndtri

    level, part = np.broadcast_arrays(np.asarray(levels, float)[..., None], np.asarray(shared, float)[..., None])
    limit, own = -ndtri(level / 2), np.sqrt(1 - np.minimum(part, 0.99))
    middle = np.sqrt(np.minimum(part, 0.99)) * _NODES
    # Given the reference's error, windows are independent.
    over = ndtr((-limit - middle) / own) + ndtr((-limit + middle) / own)
    others = np.ones_like(over) if times == 1 else bdtrc(times - 2, of - 1, np.clip(over, 0, 1))
    chance: Counts = np.minimum(level[..., 0], (over * others) @ _WEIGHTS / _WEIGHTS.sum())
    return chance


def persistent_chances(levels: Counts, shared: Counts, times: int, of: int) -> Counts:
    """The same of many cells, by a table: (…) levels and parts, the parts to two digits; levels under 10⁻⁹ count as that."""
    return _looked_up(np.maximum(levels, _LEVELS[0]), shared, times, of, inverse=False)


def levels_for(chances: Counts, shared: Counts, times: int, of: int) -> Counts:
    """(…) the levels at which `persistent_chance` is `chances`."""
    return _looked_up(chances, shared, times, of, inverse=True)


def _looked_up(values: Counts, shared: Counts, times: int, of: int, inverse: bool) -> Counts:
    found, parts, levels = np.full(values.shape, np.nan), np.round(shared, 2), np.log(_LEVELS)
    for part in np.unique(parts):
        table, chosen = _table(float(part), times, of), parts == part
        known, wanted = (table, levels) if inverse else (levels, table)
        found[chosen] = np.exp(np.interp(np.log(values[chosen]), known, wanted))
    return found


@lru_cache(maxsize=1000)
def _table(shared: float, times: int, of: int) -> Counts:
    logs: Counts = np.log(np.maximum(persistent_chance(_LEVELS, shared, times, of), 1e-30))
    return logs
