"""The shared words, spelled once. Meanings are in the architecture table of README."""

from enum import StrEnum


class Task(StrEnum):
    """What the model predicts: the probability of a yes/no label, of each of several classes, or a number."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class Signal(StrEnum):
    """What enters a loop from outside. Telemetry (latency, error) rides on the prediction it is about."""

    PREDICTIONS = "predictions"
    OUTCOMES = "outcomes"
    FEEDBACK = "feedback"


class Delivery(StrEnum):
    """What a batch holds: a signal, or what another model said of the same predictions."""

    PREDICTIONS = Signal.PREDICTIONS.value
    OUTCOMES = Signal.OUTCOMES.value
    FEEDBACK = Signal.FEEDBACK.value
    SCORES = "scores"


class Route(StrEnum):
    """How a request was served. `HISTORY`: recorded before any model of this workspace served it."""

    HISTORY = "history"
    CHAMPION = "champion"
    SHADOW = "shadow"
    CANARY = "canary"


class Verdict(StrEnum):
    """What a comparison says of one metric in one cohort, with the margin of the charter."""

    BETTER = "better"
    NOT_WORSE = "not_worse"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"


class State(StrEnum):
    """How a finding reads. `PENDING`: labels or windows are still to come; `TOO_FEW`: complete, and too small to judge.
    Neither is the same as healthy."""

    OK = "ok"
    WATCH = "watch"
    ALARM = "alarm"
    PENDING = "pending"
    TOO_FEW = "too_few"
    NOT_APPLICABLE = "not_applicable"


class Tier(StrEnum):
    """How urgent a decision to retrain is."""

    ROUTINE = "routine"
    EVENT = "event"
    URGENT = "urgent"


#: Shape and word for each verdict and state, so that colour is never alone.
MARKS: dict[str, str] = {
    Verdict.BETTER: "● better",
    Verdict.NOT_WORSE: "● not worse",
    Verdict.WORSE: "▲ worse",
    Verdict.INCONCLUSIVE: "○ undecided",
    Verdict.NOT_APPLICABLE: "– not applicable",
    State.OK: "● ok",
    State.WATCH: "◆ watch",
    State.ALARM: "▲ alarm",
    State.PENDING: "○ not enough data yet",
    State.TOO_FEW: "○ too few rows",
}
