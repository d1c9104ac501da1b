"""The measures by name."""

from __future__ import annotations

from loop_core.errors import UnknownNameError
from loop_core.monitor.drift.base import DriftMeasure
from loop_core.monitor.drift.chi_squared import ChiSquared
from loop_core.monitor.drift.jensen_shannon import JensenShannon
from loop_core.monitor.drift.kolmogorov_smirnov import KolmogorovSmirnov
from loop_core.monitor.drift.missing import Missing
from loop_core.monitor.drift.psi import Psi
from loop_core.monitor.drift.unseen import Unseen
from loop_core.monitor.drift.wasserstein import Wasserstein

_ALL: tuple[DriftMeasure, ...] = (
    Psi(), JensenShannon(), Wasserstein(), KolmogorovSmirnov(), ChiSquared(), Missing(), Unseen(),
)  # fmt: skip
METHODS: dict[str, DriftMeasure] = {measure.name: measure for measure in _ALL}


def measure_named(name: str) -> DriftMeasure:
    """The measure of that name.

    Raises:
        UnknownNameError: no such measure; the message lists them.
    """
    if name not in METHODS:
        raise UnknownNameError("measure of drift", name, METHODS)
    return METHODS[name]
