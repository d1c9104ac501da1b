"""Who gains, who loses, by how much, how many people that is a week, and how sure: one sentence from the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from loop_core.compare.metrics import words_of
from loop_core.compare.scorecard import Cell
from loop_core.compare.verdict import p_worse, rejected
from loop_core.signed import signed_difference
from loop_core.vocabulary import Verdict

#: So many groups are named; the table has the rest.
NAMED = 3


def sentence(cells: Sequence[Cell], weeks: float) -> str:
    """The comparison in words.

    Args:
        cells: of the scorecard; the first goal metric (else the first metric) speaks for everybody.
        weeks: length of the compared span.
    """
    overall = [cell for cell in cells if cell.cohort is None]
    if not overall:
        return "Nothing was compared."
    lead = next((cell for cell in overall if cell.block == "goal"), overall[0])
    inside = [cell for cell in cells if cell.cohort is not None and cell.block != "signal"]
    return " ".join([_everybody(lead, weeks), *_guardrails(overall, lead), *_cohorts(inside, weeks)])


def _everybody(cell: Cell, weeks: float) -> str:
    name, volume = words_of(cell.metric), _volume(cell.predictions, weeks)
    if cell.difference is None:
        return f"{name} cannot be compared on {cell.n:,} rows: {cell.reason}."
    change = f"{name} {cell.from_to}, {_signed(cell)}, {volume}"
    openings = {
        Verdict.BETTER: "On the whole people gain",
        Verdict.NOT_WORSE: f"On the whole nothing is lost within the margin of {cell.margin:g}",
        Verdict.WORSE: "On the whole people lose",
    }
    return f"{openings.get(cell.verdict, 'On the whole it is undecided')}: {change}."


def _guardrails(overall: Sequence[Cell], lead: Cell) -> list[str]:
    worse = [cell for cell in overall if cell is not lead and cell.verdict is Verdict.WORSE and cell.block != "signal"]
    return [f"{words_of(c.metric)} is worse: {_signed(c)}." for c in worse]


def _cohorts(cells: Sequence[Cell], weeks: float) -> list[str]:
    if not cells:
        return []
    said = []
    gainers = _one_each(_gainers(cells))[::-1]
    if gainers:
        said.append(f"Better for {_named(gainers, weeks)}.")
    losers = _one_each([cell for cell in cells if cell.verdict is Verdict.WORSE])
    if losers:
        said.append(f"Worse for {_named(losers, weeks)}.")
    else:
        said.append("No group is shown to lose.")
    undecided = _one_each([cell for cell in cells if cell.verdict is Verdict.INCONCLUSIVE])
    if undecided:
        said.append(f"Undecided for {_groups(len(undecided))}.")
    untold = {_place(c) for c in cells} - {_place(c) for c in cells if c.verdict is not Verdict.NOT_APPLICABLE}
    if untold:
        said.append(f"Too little is known of {_groups(len(untold))} to say anything.")
    return said


def _groups(count: int) -> str:
    return f"{count:,} {'group' if count == 1 else 'groups'}"


def _place(cell: Cell) -> tuple[str | None, str | None]:
    return cell.cohort, cell.cohort_value


def _gainers(cells: Sequence[Cell]) -> list[Cell]:
    """Cells that gain beyond what so many would show by chance (Benjamini–Hochberg over all binding cells in cohorts, which
    a verdict `better` alone is not held to); groups that lose in another metric do not gain."""
    lose = {_place(c) for c in cells if c.verdict is Verdict.WORSE}
    tested = [c for c in cells if c.difference is not None and c.verdict is not Verdict.NOT_APPLICABLE]
    upheld = rejected([_p_better(c) for c in tested])
    return [
        c
        for c, holds in zip(tested, upheld, strict=True)
        if holds and c.verdict is Verdict.BETTER and _place(c) not in lose
    ]


def _p_better(cell: Cell) -> float:
    # Of rows without label the lower end is that of the labels worst for the challenger.
    difference = (cell.difference or 0.0) if cell.bound_low is None else cell.bound_low
    return p_worse(-difference, cell.se or 0.0, difference - (cell.ci_low or 0.0))


def _named(cells: Sequence[Cell], weeks: float) -> str:
    """The first groups by name, with what it is and how many people a week."""
    named = "; ".join(
        f"{_who(c)} ({words_of(c.metric)} {signed_difference(c.difference or 0.0)}, {_volume(c.predictions, weeks)})"
        for c in cells[:NAMED]
    )
    return named + (f", and {len(cells) - NAMED} more" if len(cells) > NAMED else "")


def _one_each(cells: Sequence[Cell]) -> list[Cell]:
    """One cell per group, the most harmed group first."""
    ordered = sorted(cells, key=lambda c: (c.difference or 0.0) / c.margin)
    found: dict[tuple[str | None, str | None], Cell] = {}
    for cell in ordered:
        found.setdefault(_place(cell), cell)
    return list(found.values())


def _who(cell: Cell) -> str:
    return f"{cell.cohort} {cell.cohort_value}"


def _signed(cell: Cell) -> str:
    return signed_difference(cell.difference or 0.0, cell.ci_low, cell.ci_high)


def _volume(predictions: float, weeks: float) -> str:
    return f"about {predictions / weeks:,.0f} predictions a week"
