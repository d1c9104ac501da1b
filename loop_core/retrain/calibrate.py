"""Fit a calibration map on validation rows, and keep it only where it holds on newer ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from loop_core.models import Calibration
from loop_core.models.calibration import expit, logit
from loop_core.monitor.losses import log_losses

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Part = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]

#: A map is used only if it lowers the newest fold's log loss by more than this share.
MIN_GAIN_REL = 0.005
#: Isotonic steps follow noise on fewer rows than this.
MIN_ISOTONIC_ROWS = 1_000
#: A flatter map says the scores carry no order worth keeping.
MIN_SLOPE = 0.01


def choose_calibration(folds: Sequence[Part]) -> Calibration:
    """Identity, Platt or isotonic (of several classes, a temperature), judged on time: fitted on all folds but the
    newest, tested on that.

    Args:
        folds: (labels, raw scores) of each validation fold, oldest first.

    Returns:
        The winner fitted on all folds; identity where it gains less than 0.5 % or there is one fold only.
    """
    if len(folds) < 2:
        return Calibration()
    y, raw = folds[-1]
    least = float(log_losses(y, raw).mean()) * (1 - MIN_GAIN_REL)
    winner = Calibration()
    for fitted in _candidates(folds[:-1]):
        loss = float(log_losses(y, fitted.apply(raw)).mean())
        if loss < least:
            least, winner = loss, fitted
    again = [fitted for fitted in _candidates(folds) if fitted.method == winner.method]
    return again[0] if again else Calibration()


def _candidates(folds: Sequence[Part]) -> list[Calibration]:
    import numpy as np

    y, raw = (np.concatenate(parts) for parts in zip(*folds, strict=True))
    if raw.ndim == 2:
        return [fit_temperature(y, raw)]
    found = [fit_platt(y, raw)]
    if len(y) >= MIN_ISOTONIC_ROWS:
        found.append(fit_isotonic(y, raw))
    return found


def fit_platt(y: npt.NDArray[np.float64], raw: npt.NDArray[np.float64]) -> Calibration:
    """Logistic regression of the label on the raw logit, with Platt's smoothed targets (Platt 1999).

    A slope that is not positive would turn the model around; identity is returned then.
    """
    import numpy as np
    from scipy.optimize import minimize

    positive = y.sum()
    target = np.where(y > 0.5, (positive + 1) / (positive + 2), 1 / (len(y) - positive + 2))
    design = np.column_stack([logit(raw), np.ones(len(y))])

    def loss(beta: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        z = design @ beta
        return float((np.logaddexp(0, z) - target * z).mean()), design.T @ (expit(z) - target) / len(y)

    # Convex, so the bounded quasi-Newton search ends in the one minimum wherever it starts.
    found = minimize(loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=[(0.0, 100.0), (-50.0, 50.0)])
    slope, intercept = map(float, found.x)
    return Calibration("platt", slope, intercept) if found.success and slope > MIN_SLOPE else Calibration()


def fit_isotonic(y: npt.NDArray[np.float64], raw: npt.NDArray[np.float64]) -> Calibration:
    """Isotonic regression (Zadrozny & Elkan 2002); values are kept 1 / (n + 2) away from 0 and 1."""
    from sklearn.isotonic import IsotonicRegression

    edge = 1 / (len(y) + 2)
    fitted = IsotonicRegression(y_min=edge, y_max=1 - edge, out_of_bounds="clip").fit(raw, y)
    x, values = fitted.X_thresholds_, fitted.y_thresholds_
    return Calibration("isotonic", x=tuple(map(float, x)), y=tuple(map(float, values)))


def fit_temperature(y: npt.NDArray[np.float64], raw: npt.NDArray[np.float64]) -> Calibration:
    """The one number that log-probabilities of all classes are divided by (Guo et al. 2017, "On Calibration of Modern
    Neural Networks")."""
    import numpy as np
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        tried = Calibration("temperature", temperature=float(np.exp(log_temperature)))
        return float(log_losses(y, tried.apply(raw)).mean())

    found = minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded")
    return Calibration("temperature", temperature=float(np.exp(found.x)))
