"""What a charter may say of the search space, and what is refused when it is read."""

from __future__ import annotations

import pytest

from loop_core.charter import parse_charter
from loop_core.errors import CharterError
from loop_core.retrain.space import RANGES, distributions, ranges_of
from tests.conftest import CHARTER


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("num_leaves = [48, 4]", "holds nothing"),
        ("num_leaves = [4.5, 8]", "num_leaves"),
        ("num_leaves = [1, 8]", "leaves what LightGBM can use: 2 to"),
        ("learning_rate = [0, 0.1]", "leaves what LightGBM can use"),
        ("feature_fraction = [0.5, 1.5]", "leaves what LightGBM can use"),
        ("learning_rate = 0.1", "learning_rate"),
        ("learning_rate = [0.1]", "learning_rate"),
        ("lambda_l2 = [nan, 1]", "lambda_l2"),
        ("cat_smooth = [1, inf]", "finite"),
        ("min_data_in_leaf = [251, 400]", "can split no tree of min_rows = 500"),
        ("depth = [1, 2]", "depth"),
    ],
)
def test_a_space_that_contradicts_itself_is_refused(line: str, said: str) -> None:
    with pytest.raises(CharterError) as refused:
        parse_charter(f"{CHARTER}[retrain.space]\n{line}\n")
    assert said in str(refused.value)
    assert "charter:" in str(refused.value)


def test_what_is_not_named_keeps_its_range() -> None:
    charter = parse_charter(f"{CHARTER}[retrain.space]\nnum_leaves = [7, 7]\nlearning_rate = [0.1, 0.2]\n")
    found = ranges_of(charter)
    assert (found["num_leaves"], found["learning_rate"]) == ((7, 7, True), (0.1, 0.2, True))
    assert {name: found[name] for name in set(RANGES) - {"num_leaves", "learning_rate"}} == {
        name: RANGES[name] for name in set(RANGES) - {"num_leaves", "learning_rate"}
    }
    assert distributions(found)["num_leaves"].single()


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("[retrain]\nseconds = 60\nmonth_seconds = 30", "no retrain could ever start"),
        ("[retrain]\nseconds = inf", "finite"),
        ("[retrain]\nworst_cohort_weight = inf", "finite"),
        ("[retrain]\nhalf_life_days = 1e-9", "half_life_days"),
        ('[[triggers]]\nkind = "drift"\nmin_features = 300', "drifted features, and there are"),
        ('[[triggers]]\nkind = "every_week"\nseconds_per_month = 10', "never fires: a retrain is granted"),
        ('[[triggers]]\nkind = "schedule"\nevery_days = 1000000', "every_days"),
    ],
)
def test_what_could_never_work_together_is_refused(lines: str, said: str) -> None:
    with pytest.raises(CharterError) as refused:
        parse_charter(f"{CHARTER}{lines}\n")
    assert said in str(refused.value)


def test_a_zone_that_is_none_is_refused() -> None:
    with pytest.raises(CharterError, match="Mars/Base"):
        parse_charter(CHARTER.replace("[loop]\n", '[loop]\ntimezone = "Mars/Base"\n', 1))
