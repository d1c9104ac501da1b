"""`[[mutations]]`: what could never be tested is refused, with its line."""

from __future__ import annotations

import pytest

from loop_core.charter import parse_charter
from loop_core.errors import CharterError
from tests.conftest import CHARTER

NOISE = '\n[[mutations]]\nfeature = "price"\nchange = "noise"\nstep = 0.5\nbound = 0.1\n'


def test_a_mutation_is_read_with_its_defaults() -> None:
    one = parse_charter(CHARTER + NOISE).mutations[0]
    assert (one.feature, one.change, one.step, one.bound, one.max_share) == ("price", "noise", 0.5, 0.1, 0.05)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('feature = "colour"\nchange = "null"\nbound = 0.1', "'colour', which is no feature; features: price, weight, state"),
        ('feature = "state"\nchange = "noise"\nstep = 1\nbound = 0.1', "'state', which is a category; that can have: null, unseen"),
        ('feature = "price"\nchange = "unseen"\nbound = 0.1', "'price', which is a number; that can have: noise, unit, null"),
        ('feature = "price"\nchange = "null"\nbound = 0', "bound = 0: input should be greater than 0"),
        ('feature = "price"\nchange = "null"\nbound = -1', "greater than 0"),
        ('feature = "price"\nchange = "null"\nbound = nan', "finite"),
        ('feature = "price"\nchange = "null"\nbound = 2', "probabilities move by at most 1"),
        ('feature = "price"\nchange = "noise"\nbound = 0.1', "needs `step`, the measurement step"),
        ('feature = "price"\nchange = "null"\nstep = 1\nbound = 0.1', "takes no `step`"),
        ('feature = "price"\nchange = "unit"\nfactor = 1\nbound = 0.1', "factor = 1 changes nothing"),
        ('feature = "price"\nchange = "unit"\nfactor = -1000\nbound = 0.1', "greater than 0"),
        ('feature = "price"\nchange = "typo"\nbound = 0.1', "allowed: 'noise', 'unit', 'null', 'unseen'"),
        (f'feature = "price"\nchange = "null"\nbound = 0.1\n{NOISE}{NOISE}', "is declared twice"),
    ],
)  # fmt: skip
def test_what_could_never_be_tested_is_refused(lines: str, said: str) -> None:
    with pytest.raises(CharterError, match=r"charter:\d+: ") as refused:
        parse_charter(f"{CHARTER}\n[[mutations]]\n{lines}\n")
    assert said in str(refused.value)


def test_what_a_model_does_not_see_is_told_from_what_there_is_not() -> None:
    context = '\n[[context]]\nname = "seller"\ntype = "text"\n'
    with pytest.raises(CharterError, match="'seller', which is context, which no model sees"):
        parse_charter(f'{CHARTER}{context}\n[[mutations]]\nfeature = "seller"\nchange = "null"\nbound = 0.1\n')


def test_numbers_move_by_more_than_one() -> None:
    numbers = CHARTER.replace('positive = "late"', 'task = "regression"').replace("log_loss", "mae")
    mutation = '\n[[mutations]]\nfeature = "price"\nchange = "null"\nbound = 40\n'
    assert parse_charter(numbers + mutation).mutations[0].bound == 40
    assert parse_charter(f"{numbers}\n[compare]\nfairness_margin = 5\n").compare.fairness_margin == 5
    with pytest.raises(CharterError, match="gaps of shares are at most 1"):
        parse_charter(f"{CHARTER}\n[compare]\nfairness_margin = 5\n")
