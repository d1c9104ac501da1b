"""Row rules come from the charter and carry readable names; a rule that cannot run is found before any row."""

from __future__ import annotations

import pytest

from loop_core.charter import Charter, parse_charter
from loop_core.errors import CharterError
from loop_core.gates.rules import row_rules, rule_name
from loop_core.vocabulary import Signal
from tests.conftest import CHARTER
from tests.signals.deliveries import AS_OF


def _charter(check: str) -> Charter:
    return parse_charter(f"{CHARTER}\n[[rules]]\nname = \"mine\"\nsignal = \"predictions\"\ncheck = '''{check}'''\n")


@pytest.mark.parametrize(
    ("given", "ours"),
    [
        ("price|min", "price.min"),
        ("price|inf", "price.finite"),
        ("state|check__values", "state.values"),
        ("a__b|nullability", "a__b.missing"),
        ("predicted_at__future", "predicted_at.future"),
        ("mine__rule", "mine"),
    ],
)
def test_names(given: str, ours: str) -> None:
    assert rule_name(given) == ours


@pytest.mark.parametrize("check", ["prise > 1", "price >", "price + 1"])
def test_a_check_that_cannot_run_is_a_charter_error(check: str) -> None:
    with pytest.raises(CharterError, match="'mine' cannot be evaluated"):
        row_rules(_charter(check), Signal.PREDICTIONS, AS_OF)


def test_a_check_that_can_run() -> None:
    assert row_rules(_charter("price > 1 or state = 'SP'"), Signal.PREDICTIONS, AS_OF)


@pytest.mark.parametrize("signal", list(Signal))
def test_every_signal_has_rules_and_takes_an_empty_frame(signal: Signal) -> None:
    schema = row_rules(parse_charter(CHARTER), signal, AS_OF)
    accepted, failure = schema.filter(schema.create_empty())
    assert (accepted.height, len(failure)) == (0, 0)
