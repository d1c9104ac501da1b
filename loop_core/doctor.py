"""Is the workspace whole? `examine` looks and changes nothing; `maintain` keeps it small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from loop_core.alerts import outbox_state
from loop_core.charter import load_charter
from loop_core.compare.store import damaged_scorecards
from loop_core.errors import CharterError, LoopbenchError
from loop_core.gates.loss import lacking
from loop_core.lake import MaintenanceReport, check_lake, maintain_lake
from loop_core.layout import FORMAT
from loop_core.ledger.fold import tenures
from loop_core.models import ModelStore
from loop_core.models.store import DIGEST, VERSION_DIGITS
from loop_core.monitor.profiles import settle_profiles
from loop_core.monitor.profiles.check import recount
from loop_core.monitor.profiles.store import read_mark
from loop_core.monitor.settled import recount_measures, settle_measures
from loop_core.workspace import Loop, Workspace

#: What to do where the end of the ledger is gone.
RESTORED = (
    "compare with a backup; find out who changed the database."
    ' If you put an older ledger back yourself, `loop ledger restored --reason "…"` says so on record'
)


@dataclass(frozen=True)
class Check:
    """One thing the doctor looked at."""

    check: str
    state: Literal["whole", "note", "broken"]
    """`note`: harmless leftovers or unrecorded edits; `broken`: something is lost or contradicts itself."""
    sentence: str
    todo: str = ""


def examine(workspace: Workspace, *, wall: datetime, deep: bool = False) -> list[Check]:
    """Every check of a workspace: versions, chain, lake files, batches, models, scorecards, champions, charters, messages, staging.

    Args:
        workspace: an open workspace.
        wall: the wall clock's UTC instant.
        deep: read every file of the lake to its end and compare it with the hash of when it was written.
    """
    checks = [Check("versions", "whole", f"Workspace format {FORMAT}.")]
    checks.extend(_through("ledger", _chain(workspace)))
    checks.extend(_through("lake files", _lake(workspace, deep)))
    for name in workspace.loops():
        loop = workspace.loop(name)
        for check in (_batches, _counts, _profiles, _measures, _scorecards, _champion, _charter):
            checks.extend(_through(f"{name}: {check.__name__.strip('_')}", check(loop)))
    checks.extend(_models(workspace))
    checks.extend(_outbox(workspace, wall))
    checks.extend(_leftovers(workspace))
    return checks


def _through(name: str, checks: Iterator[Check]) -> Iterator[Check]:
    """What a look finds; where it cannot be finished, that too, so that the others are still made."""
    try:
        yield from checks
    except LoopbenchError as error:
        yield Check(
            name, "broken", f"It cannot be checked: {error.given}", "mend what is said of the lake's files first"
        )


def maintain(workspace: Workspace, *, keep_days: float, wall: datetime) -> MaintenanceReport:
    """Flush, merge, expire and clean the lake.

    Kept are snapshots that a registered model's manifest names, and those that profiles have yet to follow.

    Args:
        workspace: an open workspace.
        keep_days: snapshots younger than this are kept, in days.
        wall: the wall clock's UTC instant.
    """
    for name in workspace.loops():
        # Profiles and stored metrics follow the changes between snapshots: first they must have seen those that are about to go.
        settle_profiles(workspace.loop(name), actor="maintenance")
        settle_measures(workspace.loop(name))
    entries = workspace.ledger.entries(kind="model.registered")
    pinned = {entry.payload["snapshot"] for entry in entries} - {None} | _unfollowed(workspace)
    return maintain_lake(workspace.lake, pinned=pinned, older_than=wall - timedelta(days=keep_days))


def _unfollowed(workspace: Workspace) -> set[int]:
    """Snapshots from the first mark of a loop's profiles on: without them they would have to count rows again."""
    marks = [read_mark(workspace.loop(name)) for name in workspace.loops()]
    newest = workspace.lake.snapshot()
    return set(range(min((mark.snapshot for mark in marks if mark), default=newest), newest + 1))


def _chain(workspace: Workspace) -> Iterator[Check]:
    """Whether what is on record is unaltered, and whether its end is there: two answers."""
    report = workspace.ledger.verify()
    integrity, completeness = report.integrity, report.completeness
    altered = "compare with a backup; find out who changed the database"
    yield Check(
        "ledger integrity",
        "whole" if integrity.state == "whole" else "broken",
        integrity.sentence,
        "" if integrity.state == "whole" else altered,
    )
    lost = completeness.state == "broken"
    state: Literal["note", "whole"] = "note" if completeness.state == "unknown" else "whole"
    yield Check("ledger completeness", "broken" if lost else state, completeness.sentence, RESTORED if lost else "")


def _lake(workspace: Workspace, deep: bool) -> Iterator[Check]:
    report = check_lake(workspace.lake, deep=deep)
    for reason in report.unreadable:
        yield Check("lake tables", "broken", reason, "restore the files of the table from a backup")
    for damage in report.damaged:
        yield Check("lake files", "broken" if damage.current else "note", damage.sentence, damage.todo)
    if report.orphans:
        yield Check(
            "lake files",
            "note",
            f"{len(report.orphans)} files no snapshot names, left by a killed write",
            "`loop maintain` removes those older than a day",
        )
    if report.unvouched:
        few = f"{report.unvouched:,} files have no hash yet: of them only the size can be compared"
        yield Check("lake files", "note", few, "`loop maintain` takes their hashes")
    if not report.unreadable and not any(damage.current for damage in report.damaged):
        seen = (
            f"every byte {'of those with a hash ' if report.unvouched else ''}is as it was written"
            if deep
            else "their sizes and their ends are as they were written"
        )
        late = f"; {report.late:,} of them are vouched for only since {report.late_since}" if report.late else ""
        yield Check(
            "lake files", "whole", f"{report.tables} tables and {report.files} files are readable, {seen}{late}."
        )


def _batches(loop: Loop) -> Iterator[Check]:
    stored = {row[0] for row in loop.lake.rows(f"select batch_id from {loop.table('batches')}")}
    entries = loop.entries("batch.ingested") + loop.entries("quarantine.replayed")
    recorded = {entry.payload["batch_id"] for entry in entries}
    if missing := recorded - stored:
        yield Check(
            f"{loop.name}: batches",
            "broken",
            f"{len(missing)} recorded batches are not in the lake: {sorted(missing)[0]} …",
            "ingest them again",
        )
    if late := stored - recorded:
        yield Check(
            f"{loop.name}: batches", "note", f"{len(late)} batches wait for their ledger entry", "any ingest writes it"
        )
    lacks = lacking(loop)
    for batch in lacks:
        yield Check(f"{loop.name}: batches", "broken", batch.sentence, batch.todo)
    if not missing and not late and not lacks:
        yield Check(f"{loop.name}: batches", "whole", f"{len(stored)} batches, each on record once.")


def _counts(loop: Loop) -> Iterator[Check]:
    """Each acknowledged batch's accepted rows are there, and no row is there twice."""
    for signal, key in (("predictions", "prediction_id"), ("feedback", "feedback_id")):
        rows, distinct = loop.lake.rows(f"select count(*), count(distinct {key}) from {loop.table(signal)}")[0]
        if rows != distinct:
            yield Check(
                f"{loop.name}: {signal}",
                "broken",
                f"{rows - distinct} ids are there twice",
                "report this; it must not happen",
            )
        else:
            yield Check(f"{loop.name}: {signal}", "whole", f"{rows:,} rows, every id once.")
    # An outcome is a statement: one prediction may have several, of which the newest counts.
    said, about, lost = loop.lake.rows(
        f"select count(*), count(distinct o.prediction_id), count(distinct o.prediction_id) filter (p.prediction_id is null)"
        f" from {loop.table('outcomes')} as o left join {loop.table('predictions')} as p using (prediction_id)"
    )[0]
    # Of batches that came in again nothing is missing.
    sql = f"select coalesce(sum(retracted_rows), 0) from {loop.table('batches')} where state = 'retracted' and signal = 'predictions'"
    retracted = loop.lake.rows(sql)[0][0]
    if 0 < lost <= retracted:
        waiting = f"{lost:,} predictions with an outcome are not there; {retracted:,} were retracted"
        yield Check(f"{loop.name}: outcomes", "note", waiting, "ingest the right ones: their outcomes count again then")
    elif lost:
        yield Check(
            f"{loop.name}: outcomes",
            "broken",
            f"{lost:,} predictions with an outcome are not there",
            "report this; it must not happen",
        )
    else:
        yield Check(f"{loop.name}: outcomes", "whole", f"{said:,} statements about {about:,} predictions, all there.")


def _profiles(loop: Loop) -> Iterator[Check]:
    """Stored profiles against a recount of days that together have about a million rows."""
    found = recount(loop)
    if found is None:
        yield Check(f"{loop.name}: profiles", "whole", "There are none yet, or they wait to be made again.")
    elif found.differences:
        for sentence in found.differences:
            yield Check(f"{loop.name}: profiles", "broken", sentence, "`loop maintain` counts them again")
    else:
        of = f"{found.days} days" if found.checked == found.days else f"{found.checked} of {found.days} days"
        yield Check(f"{loop.name}: profiles", "whole", f"A recount of {of} agrees.")


def _measures(loop: Loop) -> Iterator[Check]:
    """Stored metrics of windows against their rows, about a million of them."""
    found = recount_measures(loop)
    if found is None:
        yield Check(f"{loop.name}: stored metrics", "whole", "There are none yet, or they wait to be made again.")
        return
    for sentence in found.differences:
        yield Check(f"{loop.name}: stored metrics", "broken", sentence, "`loop maintain` throws them away")
    if not found.differences:
        of = f"{found.windows}" if found.checked == found.windows else f"{found.checked} of {found.windows}"
        yield Check(f"{loop.name}: stored metrics", "whole", f"{of} stored windows measured again agree.")


def _models(workspace: Workspace) -> Iterator[Check]:
    problems = ModelStore(workspace).verify()
    yield from (Check("model packages", "broken", problem, "or `loop rollback` to another") for problem in problems)
    packaged = set(ModelStore(workspace).versions())
    entries = workspace.ledger.entries(kind="model.registered")
    registered_here = {entry.subject for entry in entries if entry.payload["kind"] != "external"}
    for version in sorted(registered_here - packaged):
        yield Check(
            "model packages",
            "broken",
            f"Model {version} is registered and its package is not there",
            "restore it from a backup",
        )
    if orphans := packaged - registered_here:
        yield Check(
            "model packages",
            "note",
            f"{len(orphans)} packages were never registered, e.g. {sorted(orphans)[0]}",
            "they serve nobody; remove their folders",
        )
    if not problems and registered_here <= packaged:
        brief = sum(entry.payload["kind"] != "external" and not entry.payload.get(DIGEST) for entry in entries)
        old = f" Of {brief} of them, registered by an older program, only {VERSION_DIGITS} digits are on record."
        said = f"{len(registered_here)} registered packages match their hash."
        yield Check("model packages", "whole", said + old * bool(brief))


def _scorecards(loop: Loop) -> Iterator[Check]:
    n, problems = damaged_scorecards(loop)
    for problem in problems:
        yield Check(f"{loop.name}: scorecards", "broken", problem, "restore its file from a backup, or compare again")
    if not problems:
        yield Check(f"{loop.name}: scorecards", "whole", f"{n:,} stored comparisons match their hash.")


def _champion(loop: Loop) -> Iterator[Check]:
    served = [version for version, _ in tenures(loop.entries("release."))]
    unknown = set(served) - {entry.subject for entry in loop.entries("model.registered")}
    if unknown:
        yield Check(
            f"{loop.name}: champion",
            "broken",
            f"{', '.join(sorted(unknown))} served but was never registered",
            "register or roll back",
        )
    elif served:
        yield Check(f"{loop.name}: champion", "whole", f"Exactly one: {served[-1]}.")
    else:
        yield Check(f"{loop.name}: champion", "note", "None yet.", f"loop bootstrap {loop.name}")


def _charter(loop: Loop) -> Iterator[Check]:
    file = loop.workspace.charter_file(loop.name)
    try:
        same = load_charter(file).hash == loop.charter.hash
    except CharterError as error:
        yield Check(f"{loop.name}: charter", "note", str(error), f"loop charter check {file}")
        return
    if same:
        yield Check(f"{loop.name}: charter", "whole", "The file is the version in force.")
    else:
        yield Check(
            f"{loop.name}: charter",
            "note",
            f"{file.name} has changes that are not in force",
            f"loop charter apply {file} --reason …",
        )


def _outbox(workspace: Workspace, wall: datetime) -> Iterator[Check]:
    found = outbox_state(workspace, wall)
    if found.unrecorded:
        lost = f"{len(found.unrecorded):,} messages tell of what is not on record, e.g. {found.unrecorded[0]}"
        yield Check("messages", "broken", lost, "compare with a backup; find out who changed the database")
    if found.overdue:
        waiting = f"{found.overdue:,} messages should have gone out more than an hour ago"
        yield Check(
            "messages", "note", waiting, "start `loop ui` or `loop worker`, or send them with `loop alerts deliver`"
        )
    if found.in_doubt:
        doubtful = f"{found.in_doubt:,} messages were given up or may not have arrived"
        yield Check(
            "messages", "note", doubtful, "`loop alerts outbox` lists them; `loop alerts resend` sends one again"
        )
    if not (found.unrecorded or found.overdue or found.in_doubt):
        yield Check("messages", "whole", f"{found.messages:,} messages, each about an event on record.")


def _leftovers(workspace: Workspace) -> Iterator[Check]:
    staged = list(workspace.staging.iterdir())
    if staged:
        yield Check(
            "staging",
            "note",
            f"{len(staged)} files of unfinished work",
            "the next ingest removes those older than a day",
        )
