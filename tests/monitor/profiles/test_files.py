"""Two files side by side: agreement with Evidently, and a stated outcome for every odd column."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loop_core.errors import SourceError, UnknownNameError
from loop_core.monitor.drift import psi
from loop_core.monitor.drift.files import compare_files
from loop_core.monitor.profiles.binning import NumberBins
from loop_core.monitor.profiles.files import profile_files


def frame(seed: int, shift: float = 0.0, n: int = 2_000) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "x": rng.normal(shift, 1, n),
            "k": rng.integers(0, 9, n),
            "c": rng.choice(["a", "b", "c"], n, p=[0.6, 0.3, 0.1]),
            "f": rng.random(n) < 0.3 + shift / 10,
        }
    )


@pytest.mark.parametrize(("n_reference", "n_current"), [(3_000, 2_000), (70, 3_379), (3_379, 70)])
def test_psi_on_evidentlys_own_bins_is_evidentlys(n_reference, n_current):
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from evidently.legacy.calculations.stattests.psi import psi_stat_test
        from evidently.legacy.core import ColumnType

    rng = np.random.default_rng(0)
    before, now = rng.random(n_reference), rng.random(n_current) ** 1.5
    theirs = psi_stat_test.func(pd.Series(before), pd.Series(now), ColumnType.Numerical, 0.1)[0]
    edges = np.histogram_bin_edges(np.append(before, now), bins="sturges")
    # Its bins are closed below, ours above.
    bins = NumberBins(tuple(float(edge) for edge in np.nextafter(edges[1:-1], -np.inf)))
    counts = [bins.histogram(values) for values in (before, now)]  # the bin of nulls is empty on both sides
    assert all((side[:-1] > 0).all() for side in counts)  # it has a filling of its own for empty bins
    assert theirs > 0.05
    assert float(psi(*counts)) == pytest.approx(theirs, abs=1e-9)


def test_counts_and_sums_of_files_and_frames_are_those_of_the_rows(tmp_path: Path):
    before, now = frame(0), frame(1, 0.5)
    found = profile_files(before, now)
    assert (found.n_reference, found.n_current) == (2_000, 2_000)
    by_name = {pair.column: pair for pair in found.columns}
    x = by_name["x"]
    assert x.reference.sum() == x.current.sum() == 2_000
    # Quantile bins hold alike, those of the tails less, and beyond the outermost quantiles there is next to nothing.
    assert x.reference.tolist() == [0, 0, 0, 2, 18, 80, *[100] * 18, 80, 18, 2, 0, 0, 0, 0]
    assert x.current_moments is not None
    assert x.current_moments.total[0] == pytest.approx(now["x"].sum())
    assert x.current_moments.squares[0] == pytest.approx((now["x"] ** 2).sum())
    assert dict(zip(by_name["c"].binning.labels, by_name["c"].current, strict=True))["b"] == (now["c"] == "b").sum()
    before.write_parquet(tmp_path / "before.parquet")
    now.write_csv(tmp_path / "now.csv")
    again = profile_files(tmp_path / "before.parquet", str(tmp_path / "now.csv"))
    for pair in again.columns:
        assert pair.current.tolist() == by_name[pair.column].current.tolist()


def test_odd_columns_have_stated_outcomes():
    before = pl.DataFrame(
        {
            "gone": [1.0, 2.0],
            "typed": [1.0, 2.0],
            "empty": pl.Series([None, None], dtype=pl.Float64),
            "wild": [float("inf"), float("nan")],
            "same": [7.0, 7.0],
            "huge": [1e300, -1e300],
            "when": pl.Series([0, 1]).cast(pl.Date),
        }
    )
    now = before.drop("gone").with_columns(typed=pl.lit("a"), new=pl.lit(1), same=pl.lit(6.9))
    found = compare_files(before, now)
    files = found.files
    assert (files.gone, files.new, files.left_out) == (("gone",), ("new",), ("when",))
    assert files.changed == (("typed", "number", "category"),)
    values = {(s.column, s.method): s for s in found.scores}
    assert values["empty", "psi"].value == pytest.approx(0)
    assert values["wild", "psi"].value == pytest.approx(0)
    assert values["same", "psi"].value > 0.3
    assert values["same", "unseen"].value is None
    assert values["same", "unseen"].reason
    assert all((s.value is None) == bool(s.reason) for s in found.scores)
    empty = compare_files(before, now.clear())
    assert all(s.value is None and s.reason for s in empty.scores)


def test_many_categories_take_seconds_and_little_memory():
    values = pl.Series([f"id {k}" for k in range(100_000)])
    found = profile_files(pl.DataFrame({"id": values}), pl.DataFrame({"id": values + "!"}))
    pair = found.columns[0]
    assert pair.reference.tolist() == [100_000, 0, 0]
    assert pair.current.tolist() == [0, 100_000, 0]
    assert pair.binning.novelty == 1.0


def test_mistakes_are_said(tmp_path: Path):
    with pytest.raises(SourceError, match="no file"):
        profile_files(tmp_path / "a.parquet", frame(0))
    (tmp_path / "b.parquet").write_text("no parquet")
    with pytest.raises(SourceError, match="cannot be read"):
        profile_files(tmp_path / "b.parquet", frame(0))
    with pytest.raises(UnknownNameError, match="'y'"):
        profile_files(frame(0), frame(0), columns=["y"])
    with pytest.raises(UnknownNameError, match="psi"):
        compare_files(frame(0), frame(0), methods=["feeling"])


#: What a column may be made of, however many rows there are.
COLUMNS = {
    "constant": st.just(7.0), "missing": st.none(), "numbers": st.one_of(st.none(), st.floats(-1e300, 1e300)),
    "infinite": st.sampled_from([float("inf"), float("-inf"), float("nan"), 0.0]), "one": st.just("a"),
    "other": st.just("never seen"), "some": st.one_of(st.none(), st.sampled_from("abc")),
}  # fmt: skip


@st.composite
def hostile(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The same columns twice, with different things in them and 0, 1, 2 or 70 rows."""
    kinds = {"number": ("constant", "missing", "numbers", "infinite"), "category": ("one", "missing", "other", "some")}
    frames = []
    for _ in range(2):
        n = draw(st.sampled_from([0, 1, 2, 70]))
        made = {
            f"{kind}{k}": draw(st.lists(COLUMNS[draw(st.sampled_from(names))], min_size=n, max_size=n))
            for kind, names in kinds.items()
            for k in range(3)
        }
        frames.append(pl.DataFrame(made, schema={name: pl.Float64 if name[0] == "n" else pl.String for name in made}))
    return frames[0], frames[1]


@given(pair=hostile())
@settings(max_examples=12)
def test_a_measure_of_hostile_sizes_is_finite_or_says_why_not(pair):
    for one in compare_files(*pair).scores:
        assert bool(one.reason) if one.value is None else 0 <= one.value < float("inf"), one
        assert one.expected_by_chance is None or 0 <= one.expected_by_chance < float("inf"), one
