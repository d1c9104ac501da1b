"""The chart of rates by group: every group once, sorted, described."""

from __future__ import annotations

import json

from loop_core.charts.fairness import group_rates
from loop_core.compare import GroupRate


def rate(value: str, champion: float | None, challenger: float | None) -> GroupRate:
    return GroupRate("region", value, "said yes", 100, champion, challenger)


def test_groups_are_sorted_by_the_challenger_and_described() -> None:
    chart = group_rates([rate("north", 0.1, 0.2), rate("south", 0.2, 0.4), rate("west", None, None)]).to_dict()
    rows = json.loads(chart["data"]["values"])
    assert chart["layer"][1]["encoding"]["y"]["sort"] == ["south · n 100", "north · n 100"]
    assert "most for south 40.0%, least for north 20.0%" in chart["description"]
    assert {row["who"] for row in rows} == {"south · n 100", "north · n 100"}
    assert chart["height"] > 60


def test_numbers_are_no_shares() -> None:
    chart = group_rates([rate("north", 10.0, 12.5), rate("south", 11.0, 40.25)], share=False).to_dict()
    assert "most for south 40.25" in chart["description"]
    assert "%" not in json.dumps(chart["layer"][1]["encoding"]["tooltip"])


def test_nothing_is_said_where_no_group_has_rows() -> None:
    assert group_rates([]).to_dict()["description"] == "No group has rows enough."
