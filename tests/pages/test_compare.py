"""The Compare page: what it opens with, scales, groups beside the list, flips, calibration, what differs, and odd links."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from loop_core.jobs import list_jobs
from loop_core.models import register_external
from loop_core.workspace import Loop, Workspace
from tests.once import once
from tests.pages.conftest import END, Open, build, charts_of, keyed, quiet, said

#: Look at one group → what it says.
LOOKS = {"Numbers": "margin 0.", "Flips": "are fixed", "Calibration": "off by"}
#: Tab of details → what it says of the full workspace.
DETAILS = {
    "Flips by group": "Select a line to see",
    "What differs": "nothing is said of how it was made",
    "All groups": "All",
    "How good are these gates?": "Not tried yet",
}


def forest_of(test: AppTest) -> dict[str, Any]:
    """Specification of the forest."""
    (found,) = (json.loads(chart.proto.spec) for chart in test.get("vega_lite_chart") if chart.key == "forest")
    return found


def test_it_opens_with_the_badge_the_sentence_and_the_next_step(app: Open, full: Path) -> None:
    test = app(full, "compare")
    quiet(test)
    opening = said(test)
    assert re.search(r"-badge\[. (Do not ship|Ship|Ready for review|Undecided|\d+ days? left|Not decidable)", opening)
    assert "a week" in opening
    assert "Next: " in opening
    assert "challenger challenger-1" in opening
    assert "Stored on" not in opening, "nothing has changed since"
    assert charts_of(test) == 1
    for heading in ("Who gains, who loses: log loss", "Gates of the release", "Goals"):
        assert heading in opening


def test_groups_are_sorted_by_harm_and_all_are_there(app: Open, full: Path) -> None:
    spec = forest_of(app(full, "compare", all_cells="true"))
    lines = [layer["data"]["values"] for layer in spec["layer"] if len(layer["data"]["values"]) > 5]
    assert lines[0][0]["who"] == "everybody"
    binding = [row["difference"] for row in lines[0][1:] if "shown only" not in row["label"]]
    assert binding == sorted(binding)
    assert len(lines[0]) > 15, "more than are shown at first"


@pytest.mark.parametrize(
    ("scale", "unit"),
    [("absolute", "log loss"), ("relative", "% of the champion's value"), ("weekly", "log loss × predictions a week")],
)
def test_every_scale_writes_its_unit_out(app: Open, full: Path, scale: str, unit: str) -> None:
    test = app(full, "compare", scale=scale)
    quiet(test)
    assert f"difference to the champion, {unit} (right" in json.dumps(forest_of(test), ensure_ascii=False)


def test_a_metric_that_is_no_sum_says_so(app: Open, full: Path) -> None:
    test = app(full, "compare", scale="weekly", metric="auc")
    quiet(test)
    assert "AUC is no sum over predictions" in said(test)


@pytest.mark.parametrize("look", LOOKS)
def test_a_link_opens_the_same_group_beside_the_list(app: Open, full: Path, look: str) -> None:
    group = app(full, "compare").selectbox(key="group").options[1]
    test = app(full, "compare", group=group, look=look)
    quiet(test)
    assert test.selectbox(key="group").value == group
    assert LOOKS[look] in said(test)
    assert group in json.dumps(forest_of(test)["layer"][0]), "its line is marked"


def test_flips_open_their_rows(app: Open, full: Path) -> None:
    test = app(full, "compare", look="Flips")
    quiet(test)
    broken = test.dataframe[0].value
    assert {"came", "champion", "challenger", "freight", "prediction"} <= set(broken.columns)
    test.segmented_control(key="flipped").set_value(test.segmented_control(key="flipped").options[1]).run()
    quiet(test)
    assert set(test.dataframe[0].value["prediction"]).isdisjoint(broken["prediction"])


@pytest.mark.parametrize("detail", DETAILS)
def test_every_detail(app: Open, full: Path, detail: str) -> None:
    test = app(full, "compare", detail=detail)
    quiet(test)
    assert DETAILS[detail] in said(test) + " ".join(toggle.label for toggle in test.toggle)


def test_a_link_full_of_nonsense_opens_the_page(app: Open, full: Path) -> None:
    test = app(
        full, "compare", challenger="nobody", metric="x", scale="huge", group="nowhere", look="y", detail="z", all_cells="q"
    )  # fmt: skip
    quiet(test)
    assert "Who gains, who loses: log loss" in said(test)


def test_a_job_that_compares_is_shown(app: Open, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, before = once(tmp_path_factory, "full", build), f"{END - timedelta(days=3):%Y-%m-%d}"
    test = app(folder, "compare", as_of=before)
    quiet(test)
    assert "Not compared yet." in said(test)
    keyed(app(folder, "compare").button, "compare").click().run()
    with Workspace.open(folder) as ws:
        (job,) = list_jobs(ws, loop="deliveries")
    assert (job.kind, job.params["challenger"]) == ("compare", "challenger-1")
    quiet(test.run())
    assert "challenger-1 is being compared" in said(test)
    again = keyed(app(folder, "compare").button, "compare")
    assert (again.label, again.disabled) == ("Comparing …", True)


def test_in_the_room_there_is_the_forest_and_no_control(app: Open, full: Path) -> None:
    test = app(full, "compare", present="true")
    quiet(test)
    assert charts_of(test) == 1
    assert not test.tabs
    assert "Gates of the release" in said(test)
    assert "Click a line" not in said(test)
    chosen = app(full, "compare", present="true", group=test.selectbox(key="group").options[1])
    assert "a week" in said(chosen)


def test_a_card_about_a_model_that_serves_no_more_says_so_first_and_proposes_nothing(
    app: Open, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = once(tmp_path_factory, "full", build)
    with Workspace.open(folder) as ws:
        loop = ws.loop("deliveries")
        register_external(loop, "new", actor="ana", as_of=END)
        _promote(loop, "new")
    test = app(folder, "compare", challenger="challenger-1")
    quiet(test)
    opening = [one.value for one in test.warning]
    assert opening[0] == "Compared with incumbent-1, which no longer serves; new serves now. Compare again."
    assert "**Next: " not in said(test)
    assert not [one for one in test.button if (one.key or "").startswith("propose")]


def _promote(loop: Loop, version: str) -> None:
    loop.ledger.append(
        kind="release.promoted", loop=loop.name, subject=version, actor="ana", as_of=END, reason="a test", payload={}
    )
