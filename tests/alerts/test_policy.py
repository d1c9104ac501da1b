"""What becomes of findings, week after week; and what must hold whatever the weeks bring."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from loop_core.alerts.alert import AlertState, Member
from loop_core.alerts.policy import Step, is_loud, plan
from loop_core.alerts.state import Record, fold
from loop_core.ledger import Entry
from loop_core.monitor import Finding
from loop_core.vocabulary import State
from tests.alerts.made import DAY, WEEK, charter, finding
from tests.conftest import START

CHARTER = charter()
LENIENT = charter('[alerts]\ndeliver_from = "watch"\n')


class Book:
    """Ledger entries in memory."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._seq = count(1)

    def write(self, step: Step, as_of: datetime, actor: str = "ana") -> None:
        blank = {"at": datetime(2018, 1, 1, tzinfo=UTC), "loop": "orders", "prev_hash": "", "hash": ""}
        self.entries.append(
            Entry(
                seq=next(self._seq), as_of=as_of, kind=step.kind, subject=step.subject, actor=actor,
                reason=step.reason, payload=dict(step.payload), **blank,
            )  # type: ignore[arg-type]
        )  # fmt: skip

    @property
    def records(self) -> list[Record]:
        return list(fold(self.entries).values())

    def week(self, number: int, *findings: Finding) -> list[Step]:
        as_of = START + number * WEEK
        steps = plan(self.records, findings, CHARTER, as_of, dict)
        for step in steps:
            self.write(step, as_of)
        return steps

    def do(self, kind: str, subject: str, as_of: datetime, **payload: object) -> None:
        self.write(Step(f"alert.{kind}", subject, "because", payload), as_of)


def said(steps: list[Step]) -> list[str]:
    return [f"{step.kind.removeprefix('alert.')} {step.subject}{'' if step.tells else ' silently'}" for step in steps]


def test_the_same_finding_next_week_is_the_same_alert() -> None:
    book = Book()
    assert said(book.week(0, finding())) == ["raised a1"]
    moved = finding(window_start=START, window_end=START + WEEK)
    assert said(book.week(1, moved)) == []


def test_watch_is_not_delivered_unless_the_charter_says_so() -> None:
    quiet = finding(state=State.WATCH)
    assert not is_loud(quiet, CHARTER)
    assert is_loud(quiet, LENIENT)
    assert Book().week(0, quiet, finding(subject="weight", state=State.PENDING)) == []


def test_it_is_resolved_when_its_findings_are_gone_and_not_while_data_is_missing() -> None:
    book = Book()
    book.week(0, finding())
    for state in (State.WATCH, State.PENDING, State.TOO_FEW):
        assert said(book.week(1, finding(state=state))) == []
    assert said(book.week(2, finding(state=State.OK))) == ["resolved a1"]
    assert "quiet again" in book.entries[-1].reason
    assert said(book.week(3, finding())) == ["raised a2"]
    assert said(book.week(4)) == ["resolved a2"]
    assert "no longer measured" in book.entries[-1].reason


def test_a_new_finding_opens_an_acknowledged_alert_again_and_a_known_one_does_not() -> None:
    book = Book()
    book.week(0, finding())
    book.do("acknowledged", "a1", START + DAY)
    assert said(book.week(1, finding())) == []
    assert said(book.week(2, finding(), finding(subject="weight"))) == ["changed a1"]
    assert book.records[0].state(START + 2 * WEEK) is AlertState.OPEN
    assert said(book.week(3, finding(subject="weight"))) == []
    assert said(book.week(4, finding(), finding(subject="weight"))) == []


def test_getting_louder_is_news() -> None:
    book = Book()
    as_of = START
    for step in plan([], [finding(state=State.WATCH)], LENIENT, as_of, dict):
        book.write(step, as_of)
    book.do("acknowledged", "a1", START + DAY)
    assert said(book.week(1, finding())) == ["changed a1"]
    assert book.records[0].severity is State.ALARM


def test_two_alerts_that_turn_out_to_be_one_are_joined() -> None:
    book = Book()
    north = {"cohort": "region", "cohort_value": "north"}
    old = {"window_start": START - 9 * WEEK, "window_end": START - 8 * WEEK}
    book.week(0, finding(), finding("performance.auc", "auc", **old))
    assert len(book.records) == 2
    assert said(book.week(1, finding(), finding("performance.auc", "auc"), finding(**north))) == [
        "resolved a2 silently",
        "changed a1",
    ]
    assert {member.code for member in book.records[0].members} == {"drift.feature", "performance.auc"}


def test_a_mute_outlives_a_quiet_week_and_covers_its_kind_of_finding() -> None:
    book = Book()
    book.week(0, finding())
    book.do("muted", "a1", START + DAY, until=(START + 5 * WEEK).isoformat())
    assert said(book.week(1, finding(), finding(subject="weight"))) == ["changed a1 silently"]
    assert said(book.week(2)) == ["resolved a1 silently"]
    assert said(book.week(3, finding())) == ["raised a2 silently"]
    muted = book.records[1]
    assert (muted.state(START + 3 * WEEK), muted.muted_by, muted.note) == (AlertState.MUTED, "ana", "because")
    assert said(book.week(4, finding(), finding("signals.volume", "predictions"))) == ["changed a2"]
    assert book.records[1].state(START + 4 * WEEK) is AlertState.OPEN


def test_owners_by_code_then_stage_then_loop() -> None:
    book = Book()
    book.week(0, finding("drift.score", "score"), finding("service.errors", "error_share"))
    assert [record.owner for record in book.records] == ["cleo", "ana"]
    other = Book()
    other.week(0, finding())
    assert other.records[0].owner == "bea"


def test_it_is_due_when_nobody_acknowledged_it_and_a_mute_stops_the_clock() -> None:
    book = Book()
    book.week(0, finding())
    three = timedelta(days=3)
    assert not book.records[0].due(START + three - timedelta(seconds=1), three)
    assert book.records[0].due(START + three, three)
    book.do("muted", "a1", START + DAY, until=(START + WEEK).isoformat())
    assert not book.records[0].due(START + WEEK, three)
    assert book.records[0].due(START + WEEK + three, three)
    book.do("acknowledged", "a1", START + WEEK)
    assert not book.records[0].due(START + 9 * WEEK, three)


SPANS = st.sampled_from([(START - WEEK, START), (START - 6 * WEEK, START - 5 * WEEK)])


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    """Any finding, of few kinds so that they meet."""
    code = draw(st.sampled_from(["drift.feature", "signals.volume", "performance.auc", "service.errors"]))
    value, (start, end) = draw(st.sampled_from([None, "north", "south"])), draw(SPANS)
    return finding(
        code, draw(st.sampled_from("ab")), draw(st.sampled_from(list(State))), window_start=start, window_end=end,
        cohort="region" if value else None, cohort_value=value, source=draw(st.sampled_from([None, None, "s1", "s2"])),
    )  # fmt: skip


FINDINGS = findings()
WEEKS = st.lists(st.lists(FINDINGS, max_size=6, unique_by=Member.of), min_size=1, max_size=5)
VERBS = st.lists(st.sampled_from(["acknowledged", "muted", "unmuted", "escalated", "resolved", "raised"]), max_size=3)


@settings(max_examples=60)
@given(WEEKS)
def test_every_loud_finding_has_exactly_one_alert_and_saying_it_twice_changes_nothing(
    weeks: list[list[Finding]],
) -> None:
    book = Book()
    for number, found in enumerate(weeks):
        book.week(number, *found)
        standing = [record for record in book.records if record.resolved_at is None]
        assert len({record.cause for record in standing}) == len(standing)
        for one in found:
            holders = [record.id for record in standing if Member.of(one) in record.members]
            assert len(holders) <= 1
            assert holders or not is_loud(one, CHARTER)
        assert book.week(number, *found) == []


@settings(max_examples=60)
@given(st.lists(st.tuples(VERBS, st.sampled_from(["a1", "a2", "a9"]), st.integers(0, 30)), max_size=10))
def test_any_entries_in_any_order_have_a_state(told: list[tuple[list[str], str, int]]) -> None:
    book = Book()
    book.week(0, finding(), finding("service.errors", "e"))
    as_of, ended = START, dict[str, datetime]()
    for verbs, subject, days in told:
        for verb in verbs:
            as_of += DAY
            payload = {"until": (as_of + timedelta(days=days)).isoformat(), "to": "dora"} | (
                dict(book.entries[0].payload) if verb == "raised" else {}
            )
            book.do(verb, subject, as_of, **payload)
        assert fold(book.entries) == fold(list(book.entries))
        for record in book.records:
            state = record.state(as_of)
            assert state in AlertState
            assert (state is AlertState.RESOLVED) == (record.resolved_at is not None)
            assert state is not AlertState.MUTED or (record.muted_until and record.muted_until > as_of)
            if record.resolved_at is not None:
                assert ended.setdefault(record.id, record.resolved_at) == record.resolved_at
