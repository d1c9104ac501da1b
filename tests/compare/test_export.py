"""The exported file stands alone, says what the scorecard says, and takes nobody's data for markup."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from loop_core.compare import compare
from loop_core.compare.export import scorecard_html
from loop_core.compare.first import first_card
from loop_core.compare.forest_svg import forest_svg
from loop_core.compare.scale import digits, scaled, unit_of
from loop_core.release import override
from tests.charts import made

EVIL = '<script>alert("1")</script>'


class Seen(HTMLParser):
    """Tags, attributes and text of a document."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_it_loads_nothing_and_runs_nothing(duel, end) -> None:
    text = scorecard_html(duel, compare(duel, "good", as_of=end, record=False))
    seen = Seen(text)
    assert not {"script", "link", "img", "iframe", "object", "base", "form"} & set(seen.tags)
    names = {name for name, _ in seen.attributes}
    assert not {"src", "href", "srcset", "style"} & names
    assert not any(name.startswith("on") for name in names)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in seen.attributes
    assert "url(" not in text
    assert "@import" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "svg" in seen.tags
    assert "prefers-color-scheme:dark" in text
    assert "@media print" in text


def test_a_value_that_is_markup_is_text(duel, end) -> None:
    duel.lake.write(
        lambda tx: tx.execute(
            f"update {duel.table('predictions')} set state = $evil where state = 'RJ'", {"evil": EVIL}
        ),
        actor="ana",
        message="what somebody sent",
    )
    card = compare(duel, "bad", as_of=end, actor="ana")
    assert EVIL in {cell.cohort_value for cell in card.cells}
    override(duel, card.id, "no cohort worse", actor="ana", reason=EVIL, as_of=end)
    seen = Seen(scorecard_html(duel, card))
    assert "script" not in seen.tags
    assert any(EVIL in part for part in seen.text)
    assert any(f"set aside by ana on {end:%Y-%m-%d}: {EVIL}" in part for part in seen.text)


def test_it_says_what_the_card_says(duel, end) -> None:
    card = compare(duel, "good", as_of=end, actor="ana")
    text = " ".join(Seen(scorecard_html(duel, card)).text)
    for said in (
        card.badge,
        *card.sentence.split(". "),
        card.proof,
        card.id,
        *(g.sentence for g in card.gates),
        "state RJ",
        "t interval",
    ):
        assert said in text
    assert "What differs" not in text, "of external models nothing is known that could differ"


def test_a_first_release_has_values_and_no_picture(duel, end) -> None:
    card = first_card(duel, "good", end, snapshot=duel.lake.snapshot())
    seen = Seen(scorecard_html(duel, card))
    assert "svg" not in seen.tags
    assert card.badge in seen.text
    assert "state RJ" in seen.text


def test_the_picture_has_a_line_a_group_and_a_mark_where_there_is_a_difference() -> None:
    seen = Seen(forest_svg(made.CELLS))
    words = [text for text in seen.text if text.startswith(("▲", "●", "–", "○"))]
    assert len([w for w in words if w in ("● better", "▲ worse", "– not applicable")]) == len(made.CELLS)
    assert seen.tags.count("circle") + seen.tags.count("path") == 3


def test_digits_are_those_of_the_margin() -> None:
    cell = made.CELLS[0]
    of = [replace(cell, margin=m, champion=10 * m, challenger=11 * m) for m in (0.003, 0.01, 0.5, 12.0, 300.0)]
    assert [digits(one) for one in of] == [4, 3, 2, 0, 0]
    close = replace(cell, margin=0.003, champion=0.341812, challenger=0.341791)
    assert digits(close) == 5, "in four both would be 0.3418"
    assert digits(replace(close, challenger=close.champion)) == 4


def test_scales() -> None:
    cell = replace(made.CELLS[0], metric="accuracy", champion=0.8, difference=0.02, ci_low=0.01, ci_high=0.03, n=700)
    relative, weekly = (scaled(cell, scale, 2.0) for scale in ("relative", "weekly"))
    assert (relative.difference, relative.ci_low) == (pytest.approx(0.025), pytest.approx(0.0125))
    assert (weekly.difference, weekly.margin) == (pytest.approx(7.0), pytest.approx(cell.margin * 350))
    assert scaled(replace(cell, metric="auc"), "weekly", 2.0).difference is None
    assert scaled(replace(cell, champion=0.0), "relative", 2.0).difference is None


def test_units_are_written_out(loop) -> None:
    assert unit_of("accuracy", "weekly", loop.charter) == "right answers a week"
    assert unit_of("log_loss", "weekly", loop.charter) == "log loss × predictions a week"
    assert unit_of("auc", "weekly", loop.charter) is None
    assert "cost" in str(unit_of("cost", "weekly", loop.charter))


def test_the_command_writes_it_and_never_over_another(duel, end, tmp_path) -> None:
    folder, file = duel.workspace.path, tmp_path / "good.html"
    duel.workspace.close()
    command = [sys.executable, "-c", "from loop_core.cli import main; main()", "compare", "orders", "good"]
    command += ["--as-of", f"{end:%Y-%m-%d}", "-w", str(folder), "--html", str(file)]
    first, again = (subprocess.run(command, capture_output=True, text=True, timeout=120) for _ in range(2))
    assert first.returncode == 0, first.stderr
    assert file.read_text().startswith("<!doctype html>")
    assert "Written to" in first.stdout
    assert again.returncode != 0
    assert "exists already" in again.stderr
