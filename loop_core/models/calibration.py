"""The map from a model's raw probabilities to calibrated ones, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loop_core.errors import IntegrityError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

METHODS = ("identity", "platt", "isotonic", "temperature")
#: Raw probabilities are kept this far from 0 and 1 before the logit.
_EDGE = 1e-9


@dataclass(frozen=True)
class Calibration:
    """A monotone map of probabilities: none, Platt's (1999) on the logit, or isotonic steps joined by lines; of several
    classes, one temperature for all (Guo et al. 2017)."""

    method: str = "identity"
    """One of `METHODS`."""
    slope: float = 1.0
    """Platt: factor on the raw logit."""
    intercept: float = 0.0
    """Platt: shift of the raw logit."""
    x: tuple[float, ...] = ()
    """Isotonic: raw probabilities, increasing."""
    y: tuple[float, ...] = ()
    """Isotonic: their calibrated values, non-decreasing, inside (0, 1)."""
    temperature: float = 1.0
    """Temperature: log-probabilities are divided by it; above 1 the model is made less sure."""

    def apply(self, raw: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """(n_rows,) raw probabilities → (n_rows,) calibrated probabilities in [0, 1]; (n_rows, n_classes) likewise, each
        row adding up to 1."""
        import numpy as np

        if self.method == "platt":
            return expit(self.slope * logit(raw) + self.intercept)
        if self.method == "isotonic":
            return np.asarray(np.interp(raw, self.x, self.y), dtype=np.float64)
        if self.method == "temperature":
            powers = np.clip(raw, _EDGE, 1) ** (1 / self.temperature)
            return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)
        return raw

    def to_json(self) -> dict[str, Any]:
        """Only what the method needs."""
        if self.method == "platt":
            return {"method": "platt", "slope": self.slope, "intercept": self.intercept}
        if self.method == "isotonic":
            return {"method": "isotonic", "x": list(self.x), "y": list(self.y)}
        if self.method == "temperature":
            return {"method": "temperature", "temperature": self.temperature}
        return {"method": "identity"}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Calibration:
        """Read `to_json` back. Raises IntegrityError on a method this program does not know."""
        method = stored.get("method")
        if method not in METHODS:
            raise IntegrityError(
                f"Calibration {method!r} is unknown", f"one of: {', '.join(METHODS)}", "update Loopbench"
            )
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()
        }
        return cls(**values)


def logit(probability: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """log(p / (1 − p)), with p kept 1e-9 away from 0 and 1."""
    import numpy as np

    inside = np.clip(probability, _EDGE, 1 - _EDGE)
    return np.asarray(np.log(inside / (1 - inside)), dtype=np.float64)


def expit(z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 / (1 + exp(−z)), the inverse of `logit`, without overflow."""
    import numpy as np

    return np.asarray(1 / (1 + np.exp(-np.clip(z, -500, 500))), dtype=np.float64)
