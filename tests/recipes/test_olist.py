"""The Olist recipe: published facts come out of the lake to the digit, and no feature knows the future."""

from __future__ import annotations

import csv
import random
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from loop_core.errors import SourceError
from loop_core.labels import known_at
from loop_core.lake import Reading
from loop_core.recipes import ImportReport, import_recipe, load_recipe
from loop_core.workspace import Workspace

ARRIVED = datetime(2019, 1, 1, tzinfo=UTC)
MONTHLY = [0.026, 0.044, 0.055, 0.072, 0.033, 0.053, 0.040, 0.035, 0.052, 0.040, 0.146, 0.085, 0.069, 0.153, 0.197, 0.055, 0.074, 0.007, 0.048, 0.101]  # fmt: skip


def _folder(real_data: Path, name: str) -> Path:
    folder = real_data / name
    if not folder.exists():
        pytest.skip(f"the data set {name} is not at {folder}; set LOOPBENCH_DATA to run this test")
    return folder


@pytest.fixture(scope="module")
def imported(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, ImportReport]]:
    """A workspace with `olist_15k`, imported once."""
    with Workspace.create(tmp_path_factory.mktemp("olist") / "w") as workspace:
        yield workspace, import_recipe(workspace, "olist", _folder(real_data, "olist_15k"), actor="ana", as_of=ARRIVED)


@pytest.fixture(scope="module")
def reading(imported: tuple[Workspace, ImportReport]) -> Reading:
    return known_at(imported[0].loop("orders"), ARRIVED)


def test_every_row_is_accepted(imported: tuple[Workspace, ImportReport]) -> None:
    assert [(b.signal.value, b.received, b.accepted, b.state) for b in imported[1].batches] == [
        ("predictions", 15_000, 15_000, "ingested"),
        ("outcomes", 14_552, 14_552, "ingested"),
        ("feedback", 14_944, 14_944, "ingested"),
    ]


def test_importing_again_changes_nothing(imported: tuple[Workspace, ImportReport], real_data: Path) -> None:
    workspace = imported[0]
    before = workspace.lake.snapshot(), workspace.ledger.length()
    again = import_recipe(workspace, "olist", _folder(real_data, "olist_15k"), actor="ana", as_of=ARRIVED)
    assert {b.state for b in again.batches} == {"already_ingested"}
    assert (workspace.lake.snapshot(), workspace.ledger.length()) == before


def test_late_rate_by_purchase_month(reading: Reading) -> None:
    rows = reading.rows(
        "select strftime(predicted_at, '%Y-%m') as month, round(avg(label), 3) from rows"
        " where predicted_at >= '2017-01-01' and predicted_at < '2018-09-01' group by 1 order by 1"
    )
    assert [rate for _, rate in rows] == MONTHLY


def test_late_rate_by_customer_state(reading: Reading) -> None:
    rows = reading.rows("select cohort_customer_state, round(avg(label), 3) from rows group by all")
    assert {state: rate for state, rate in rows if state in ("SP", "RJ", "BA", "CE")} == {
        "SP": 0.057,
        "RJ": 0.131,
        "BA": 0.130,
        "CE": 0.154,
    }


def test_reviews_of_late_and_other_orders(reading: Reading) -> None:
    rows = reading.rows(
        "select label = 1 as late, avg(rating), avg((rating <= 2)::int) from feedback join labels using (prediction_id) group by late order by late"
    )
    assert [(late, f"{mean:.2f}", f"{low:.1%}") for late, mean, low in rows] == [
        (False, "4.28", "9.3%"),
        (True, "2.60", "52.6%"),
    ]


def test_bad_news_is_known_on_the_promised_date_and_good_news_at_delivery(reading: Reading) -> None:
    sql = "select label, min(observed_at - promised_at)::varchar, max(observed_at - promised_at)::varchar, count(*) from rows where label is not null group by label order by label"
    on_time, late = reading.rows(sql)
    assert late[1:3] == ("00:00:00", "00:00:00")
    assert on_time[1].startswith("-")
    assert on_time[3] + late[3] == 14_552


@pytest.mark.parametrize(
    ("what", "sql", "expected"),
    [
        (
            "orders without items",
            "select count(*) from predictions where items = 0 and price is null and category is null",
            115,
        ),
        ("orders never delivered", "select count(*) from rows where label is null", 448),
        (
            "several reviews of an order",
            "select count(*) from (select 1 from feedback group by prediction_id having count(*) > 1)",
            71,
        ),
        (
            "one review of several orders",
            "select count(*) - count(distinct split_part(feedback_id, '-', 1)) from feedback",
            20,
        ),
        (
            "no category though items",
            "select count(*) > 50 from predictions where items > 0 and category is null",
            True,
        ),
        ("new-lines in comments", "select count(*) > 100 from feedback where comment like '%' || chr(10) || '%'", True),
        ("quotes in comments", "select count(*) > 10 from feedback where comment like '%\"%'", True),
    ],
)
def test_what_is_odd_in_the_data_survives(reading: Reading, what: str, sql: str, expected: object) -> None:
    assert reading.rows(sql)[0][0] == expected, what


def test_comments_are_the_publishers_to_the_letter(reading: Reading, real_data: Path) -> None:
    with (_folder(real_data, "olist_15k") / "olist_order_reviews_dataset.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        raw = {
            f"{r['review_id']}-{r['order_id']}": "\n".join(
                t for t in (r["review_comment_title"], r["review_comment_message"]) if t
            )
            or None
            for r in csv.DictReader(file)
        }
    assert dict(reading.rows("select feedback_id, comment from feedback")) == raw


def test_the_larger_folder_imports_too(real_data: Path, tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "w") as workspace:
        report = import_recipe(workspace, "olist", _folder(real_data, "olist_32k"), actor="ana", as_of=ARRIVED)
        assert [(b.received, b.accepted) for b in report.batches] == [
            (32_434, 32_434),
            (32_426, 32_426),
            (24_348, 24_348),
        ]


# -- nothing later is known ---------------------------------------------------------------------------------------


def test_seller_record_matches_brute_force(reading: Reading, real_data: Path) -> None:
    orders, sellers_of = _raw_orders(real_data)
    sample = reading.frame(
        "select prediction_id, seller_id, seller_orders, seller_late_share, first_time_seller from predictions where items > 0"
    )
    for row in sample.sample(150, seed=1).iter_rows(named=True):
        bought = orders[row["prediction_id"]][0]
        before = [o for o in orders if row["seller_id"] in sellers_of.get(o, ()) and orders[o][0] < bought]
        known = [
            not delivered or delivered > promised
            for _, promised, delivered in (orders[o] for o in before)
            if min(promised, delivered or promised) < bought
        ]
        assert row["seller_orders"] == len(before)
        assert row["first_time_seller"] == (not before)
        assert row["seller_late_share"] == (pytest.approx(sum(known) / len(known)) if known else None)


def test_features_do_not_change_when_the_future_does(reading: Reading, real_data: Path, tmp_path: Path) -> None:
    """Cut the raw files at an instant: the features of what came before must be the same from the cut files."""
    cut = "2018-01-15 12:00:00"
    folder = tmp_path / "files"
    shutil.copytree(_folder(real_data, "olist_15k"), folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    path = folder / "olist_orders_dataset.csv"
    orders = pl.read_csv(path, infer_schema=False).filter(pl.col("order_purchase_timestamp") < cut)
    arrived = "order_delivered_customer_date"
    orders = orders.with_columns(pl.when(pl.col(arrived) < cut).then(pl.col(arrived)))
    orders.write_csv(path)
    with Workspace.create(tmp_path / "w") as workspace:
        import_recipe(workspace, "olist", folder, actor="ana", as_of=datetime(2020, 1, 2, tzinfo=UTC))
        columns = ", ".join(("prediction_id", *load_recipe("olist").charter.feature_names))
        sql = f"select {columns} from predictions where predicted_at < $cut::timestamptz order by prediction_id"
        then = known_at(workspace.loop("orders"), datetime(2020, 1, 2, tzinfo=UTC)).frame(sql, cut=cut)
    assert then.height > 6_000
    assert then.equals(reading.frame(sql, cut=cut))


def _raw_orders(real_data: Path) -> tuple[dict[str, tuple[str, str, str]], dict[str, set[str]]]:
    """order → (purchased, promised, delivered) as the file's text, which sorts like time; order → its sellers."""
    folder = _folder(real_data, "olist_15k")
    with (folder / "olist_orders_dataset.csv").open(encoding="utf-8", newline="") as file:
        orders = {
            r["order_id"]: (
                r["order_purchase_timestamp"],
                r["order_estimated_delivery_date"],
                r["order_delivered_customer_date"],
            )
            for r in csv.DictReader(file)
        }
    sellers: dict[str, set[str]] = {}
    with (folder / "olist_order_items_dataset.csv").open(encoding="utf-8", newline="") as file:
        for r in csv.DictReader(file):
            sellers.setdefault(r["order_id"], set()).add(r["seller_id"])
    return orders, sellers


def test_missing_files_are_named_and_nothing_is_made(tmp_path: Path) -> None:
    files = list(load_recipe("olist").files.values())
    random.Random(0).shuffle(files)
    for name in files[:5]:
        (tmp_path / name).write_text("a,b\n1,2\n")
    with Workspace.create(tmp_path / "w") as workspace:
        with pytest.raises(SourceError) as raised:
            import_recipe(workspace, "olist", tmp_path, actor="ana", as_of=ARRIVED)
        assert workspace.loops() == ()
    assert all(name in raised.value.given for name in files[5:])
    assert not any(name in raised.value.given for name in files[:5])
