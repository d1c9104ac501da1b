"""A loaded model: scores rows, and can say everything about itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from loop_core.models.calibration import Calibration
from loop_core.models.encoding import Encoding
from loop_core.models.manifest import Manifest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl


@dataclass(frozen=True)
class Model:
    """One verified package in memory."""

    version: str
    """First 12 hex digits of the sha256 over the package's files, which the ledger holds whole."""
    manifest: Manifest
    calibration: Calibration
    booster_text: str = field(repr=False)
    """LightGBM's own text format."""

    @property
    def encoding(self) -> Encoding:
        """How feature columns become numbers, in the order of training (JSON objects have none)."""
        types = {name: self.manifest.types[name] for name in self.manifest.features}
        return Encoding(types, self.manifest.categories)

    @cached_property
    def booster(self) -> Any:
        """The LightGBM booster, parsed on first use."""
        import lightgbm

        return lightgbm.Booster(model_str=self.booster_text)

    def score(self, frame: pl.DataFrame) -> npt.NDArray[np.float64]:
        """Feature rows → (n_rows,) probabilities of label 1 in [0, 1]; of several classes (n_rows, n_classes), each row
        adding up to 1; of a regression (n_rows,) numbers. Further columns are ignored.

        Raises:
            RefusedError: a feature column is missing or of another type.
        """
        import numpy as np

        numbers, classes = self.encoding.transform(frame), self.manifest.classes
        if not len(numbers):
            return np.empty((0, len(classes)) if classes else 0, dtype=np.float64)
        # One thread: OpenMP's waiting threads cost far more than they give on a machine that serves pages too.
        raw = np.asarray(self.booster.predict(numbers, num_threads=1), dtype=np.float64)
        return self.calibration.apply(raw)

    def answers(self, frame: pl.DataFrame) -> pl.DataFrame:
        """`score` as the columns that predictions have: `score`, and of several classes `score_<class>` for each."""
        import polars as pl

        found, classes = self.score(frame), self.manifest.classes
        if not classes:
            return pl.DataFrame({"score": found})
        parts = {f"score_{name}": found[:, k] for k, name in enumerate(classes)}
        return pl.DataFrame({"score": found.max(axis=1) if len(found) else found[:, 0], **parts})
