"""Models of the loop `parcels` whose faults are known: what mutation tests and contract checks have to find."""

from __future__ import annotations

import re
from typing import Any

import lightgbm as lgb
import polars as pl

from loop_core.models import Calibration, Encoding, Manifest, ModelStore, register
from loop_core.workspace import Loop
from tests.retrain.synthetic import END, rows


def trained(
    loop: Loop,
    frame: pl.DataFrame | None = None,
    *,
    features: tuple[str, ...] | None = None,
    params: dict[str, Any] | None = None,
    calibration: Calibration | None = None,
    speechless: bool = False,
    **manifest: Any,
) -> str:
    """Fit, package and register a small model on labelled rows → its version.

    Args:
        loop: `parcels`.
        frame: rows with `label`; None: those of the loop.
        features: its inputs; None: all.
        params: of LightGBM, beside the usual.
        calibration: None: none.
        speechless: every answer is NaN.
        manifest: fields that are to be other than they would be.
    """
    frame = rows(3000) if frame is None else frame
    columns = tuple(f for f in loop.charter.features if features is None or f.name in features)
    encoding = Encoding.fit(columns, frame)
    settings = {
        "objective": "binary",
        "verbosity": -1,
        "num_threads": 1,
        "deterministic": True,
        "seed": 0,
        **(params or {}),
    }
    data = lgb.Dataset(encoding.transform(frame), frame["label"].to_numpy(), categorical_feature=encoding.categorical)
    booster = lgb.train(settings, data, 30)
    text = booster.model_to_string()
    if speechless:
        # Without the sizes of its trees LightGBM reads them as long as they are.
        text = re.sub(r"tree_sizes=.*\n", "", text)
        text = re.sub(r"(?<=leaf_value=).*", lambda found: " ".join("nan" for _ in found[0].split()), text)
    made = {
        "features": tuple(encoding.names),
        "types": encoding.types,
        "categories": encoding.categories,
        "charter_hash": loop.charter.hash,
        "train_end": frame["predicted_at"].min(),
        "task": loop.charter.loop.task,
        "classes": loop.charter.loop.classes,
        "threshold": loop.charter.threshold,
    }
    version = ModelStore(loop.workspace).save(
        text, calibration or Calibration(), Manifest(loop=loop.name, as_of=END, **{**made, **manifest})
    )
    register(loop, version, actor="test", as_of=END)
    return version


def steps(frame: pl.DataFrame, feature: str, at: float) -> pl.DataFrame:
    """The same rows with a label that turns where a number passes `at`: a model of them has a cliff there."""
    return frame.with_columns(label=(pl.col(feature).fill_null(0) > at).cast(pl.Float64))
