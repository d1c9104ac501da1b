"""What the parts of a charter ask of one another."""

from __future__ import annotations

import pytest

from loop_core.charter import Cohort, parse_charter
from loop_core.errors import CharterError
from tests.compare.releases import CHARTER


def test_a_cohort_may_be_called_like_a_word_of_sql():
    import duckdb

    sql = Cohort(name="returning").sql
    assert duckdb.sql(f'select {sql} from (select true as "returning")').fetchone() == ("true",)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('name = "log_loss"|name = "f1"', "only compares"),
        ('[[metrics]]|[[metrics]]\nname = "auc"\nmargin = 0.1\n[[metrics]]\nname = "cost"\nmargin = 1\n[[metrics]]', "costs"),
        ('name = "log_loss"|name = "log_loss"\nquantile = 0.9', "has no quantile"),
        ('name = "log_loss"|name = "pinball"', "task 'binary'"),
        ('margin = 0.01\n|margin = -0.01\n', "greater than 0"),
        ("[labels]|[compare]\ncohort_pairs = [['place', 'plice']]\n[labels]", "'plice', which is no declared cohort"),
        ("[labels]|[compare]\ncohort_pairs = [['place', 'place']]\n[labels]", "with itself"),
        ("[labels]|[compare]\nslice_depth = 9\n[labels]", "slice_depth"),
    ],
)  # fmt: skip
def test_what_could_never_work_is_refused(change, said):
    old, new = change.split("|")
    assert old in CHARTER
    with pytest.raises(CharterError, match=said):
        parse_charter(CHARTER.replace(old, new, 1))
