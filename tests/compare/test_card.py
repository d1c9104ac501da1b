"""A card says what the manifest, the charter and the comparison say, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loop_core.compare import compare, model_card
from loop_core.errors import UnknownNameError
from loop_core.models import manifest_of
from loop_core.retrain import Budget, bootstrap, bootstrap_external, retrain
from loop_core.workspace import Loop, Workspace
from tests.retrain.synthetic import CHARTER, END, START, parcels

DAY = timedelta(days=1)
LATER = END + 7 * DAY


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory):
    with Workspace.create(tmp_path_factory.mktemp("card") / "w") as opened:
        loop = parcels(opened, charter=CHARTER + "[costs]\nfalse_alarm = 1\nmiss = 4\n")
        first = bootstrap(loop, until=START + 120 * DAY, as_of=START + 120 * DAY, actor="ana", seed=3)
        loop.ledger.append(kind="release.promoted", loop=loop.name, subject=first, actor="ana", as_of=START + 120 * DAY)
        version = retrain(loop, as_of=END, actor="ana", seed=3, budget=Budget(3, 600)).version
        compare(loop, version, as_of=LATER, actor="ana")
        yield loop, first, version


def sections(loop: Loop, version: str, as_of=LATER) -> dict[str, str]:
    return {one.title: "\n".join(one.lines) for one in model_card(loop, as_of, version).sections}


def test_it_says_what_was_measured_with_its_interval(trained) -> None:
    loop, first, version = trained
    said, manifest = sections(loop, version), manifest_of(loop, version)
    low, high = manifest.intervals["auc"]
    assert f"auc {manifest.metrics['auc']:.4f} (95 % {low:.4f} to {high:.4f})" in said["Validation"]
    assert low < manifest.metrics["auc"] < high
    assert f"snapshot {manifest.snapshot}" in said["Data"]
    assert "From 0.200 on" in said["Calibration"]
    assert f"Its parent is {first}" in said["What differs from its parent"]
    assert "training ends: 20" in said["What differs from its parent"]
    assert "promised_at" in said["Known limits"]
    assert "No single feature" in said["Checks passed"]


def test_a_comparison_made_later_is_not_in_it(trained) -> None:
    loop, first, version = trained
    assert sections(loop, version, END)["Against the champion"] == "Not compared yet."
    assert first in sections(loop, version)["Against the champion"]


def test_the_document_is_markdown_with_every_section(trained) -> None:
    loop, _, version = trained
    card = model_card(loop, LATER, version)
    text = card.to_markdown()
    assert text.startswith(f"# Model {version} of parcels")
    assert [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")] == [
        section.title for section in card.sections
    ]
    assert len(card.to_rows()) == sum(len(section.lines) for section in card.sections)


def test_an_external_model_has_a_short_card(trained) -> None:
    loop, *_ = trained
    bootstrap_external(loop, "vendor", actor="ana", as_of=END)
    said = sections(loop, "vendor")
    assert "only its logged scores" in said["Data"]
    assert "Calibration" not in said
    with pytest.raises(UnknownNameError, match="vendor"):
        model_card(loop, LATER, "nobody")
