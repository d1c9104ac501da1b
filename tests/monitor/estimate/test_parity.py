"""Estimates equal nannyml's on the data sets that it brings along."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from loop_core.monitor.estimate import fit_binary, fit_direct_loss, fit_multiclass

CHUNK = 5_000


@pytest.fixture(scope="module")
def nannyml():
    """The library, imported where it is compared with: it takes seconds, and its imports warn."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setenv("NML_DISABLE_USAGE_LOGGING", "1")
        import nannyml.calibration

        # It sorts equal scores as the processor likes, and by that calibrates a class or leaves it.
        patch.setattr(nannyml.calibration, "_calculate_expected_calibration_error", _error_of_bins)
        yield nannyml


def _error_of_bins(y_true, y_pred_proba, bin_index_edges):
    """nannyml's own, with a stable sort."""
    chances, labels = np.asarray(y_pred_proba), np.asarray(y_true)
    order = np.argsort(chances, kind="stable")
    gaps = [abs(chances[order[a:b]].sum() - labels[order[a:b]].sum()) for a, b in bin_index_edges]
    return sum(gaps) / len(chances)


def _read(nannyml, name: str) -> pd.DataFrame:
    return pd.read_csv(Path(nannyml.__file__).parent / "datasets" / "data" / f"{name}.csv")


def _chunks(values, size: int = CHUNK):
    return [values[start : start + size] for start in range(0, len(values), size)]


@pytest.mark.filterwarnings("ignore")
def test_binary_equals_nannyml_on_car_loans(nannyml):
    reference, analysis = (_read(nannyml, f"synthetic_car_loan_{part}") for part in ("reference", "analysis"))
    names = {"auc": "roc_auc", "average_precision": "average_precision", "accuracy": "accuracy", "f1": "f1", "precision": "precision", "recall": "recall"}  # fmt: skip
    # nannyml takes the decisions from a column; here they follow from the score.
    for frame in (reference, analysis):
        frame["y_pred"] = (frame["y_pred_proba"] >= 0.5).astype(int)
    theirs = nannyml.CBPE(
        y_pred_proba="y_pred_proba",
        y_pred="y_pred",
        y_true="repaid",
        metrics=list(names.values()),
        chunk_size=CHUNK,
        problem_type="classification_binary",
    )
    expected = theirs.fit(reference).estimate(analysis).filter(period="analysis").to_df()
    ours = fit_binary(reference["y_pred_proba"].to_numpy(), reference["repaid"].to_numpy(float))
    for name, other in names.items():
        found = [ours.estimate(name, chunk).value for chunk in _chunks(analysis["y_pred_proba"].to_numpy())]
        assert found == pytest.approx(expected[(other, "value")].to_list(), abs=1e-3)
        if name == "auc":
            assert found[:3] == pytest.approx([0.970744, 0.971011, 0.971407], abs=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_multiclass_equals_nannyml_on_credit_cards(nannyml):
    reference, analysis = (_read(nannyml, f"mc_{part}") for part in ("reference", "analysis"))
    classes = ["highstreet_card", "prepaid_card", "upmarket_card"]
    columns, codes = [f"y_pred_proba_{name}" for name in classes], {name: k for k, name in enumerate(classes)}
    names = {"auc": "roc_auc", "accuracy": "accuracy"}
    theirs = nannyml.CBPE(
        y_pred_proba=dict(zip(classes, columns, strict=True)),
        y_pred="y_pred",
        y_true="y_true",
        metrics=list(names.values()),
        chunk_size=CHUNK,
        problem_type="classification_multiclass",
    )
    expected = theirs.fit(reference).estimate(analysis).filter(period="analysis").to_df()
    ours = fit_multiclass(reference[columns].to_numpy(), reference["y_true"].map(codes).to_numpy())
    scores, said = analysis[columns].to_numpy(), analysis["y_pred"].map(codes).to_numpy()
    for name, other in names.items():
        found = [ours.estimate(name, s, p).value for s, p in zip(_chunks(scores), _chunks(said), strict=True)]
        assert found == pytest.approx(expected[(other, "value")].to_list(), abs=1e-3)


@pytest.mark.filterwarnings("ignore")
def test_direct_loss_equals_nannyml_on_car_prices(nannyml):
    reference, analysis = (
        _read(nannyml, f"regression_synthetic_{part}").iloc[::6] for part in ("reference", "analysis")
    )
    features = ["car_age", "km_driven", "price_new", "accident_count", "door_count", "fuel", "transmission"]
    theirs = nannyml.DLE(
        feature_column_names=features, y_pred="y_pred", y_true="y_true", metrics=["mae"], chunk_size=2_500
    )
    expected = theirs.fit(reference).estimate(analysis).filter(period="analysis").to_df()
    encoded = []
    for frame in (reference, analysis):
        coded = frame[features].copy()
        for name in features[-2:]:
            coded[name] = coded[name].map({v: k + 1 for k, v in enumerate(sorted(reference[name].unique()))})
        encoded.append(coded.to_numpy(float))
    ours = fit_direct_loss(
        encoded[0], reference["y_pred"].to_numpy(float), reference["y_true"].to_numpy(float), categories=(5, 6)
    )
    said = analysis["y_pred"].to_numpy(float)
    found = [
        ours.estimate("mae", x, p).value for x, p in zip(_chunks(encoded[1], 2_500), _chunks(said, 2_500), strict=True)
    ]
    assert found == pytest.approx(expected[("mae", "value")].to_list(), rel=1e-3)
    # The second half of the analysis set is of another kind of car, where the model is better.
    assert np.mean(found[-2:]) < 0.9 * np.mean(found[:2])
