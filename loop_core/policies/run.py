"""One policy, step by step through the past: it sees, decides, retrains, and its model answers what comes next."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from loop_core.charter import TriggerPlan
from loop_core.errors import NotReadyError
from loop_core.monitor import Finding
from loop_core.policies.learner import Fitted, Learner
from loop_core.policies.past import Floats, Known, Past
from loop_core.policies.performed import performance_findings
from loop_core.policies.policy import Policy
from loop_core.policies.result import ReplayedRetrain
from loop_core.policies.seen import Seen
from loop_core.triggers import Decision, Situation, Spend, judge
from loop_core.triggers.situation import counts_labels, guardrails, new_labels, with_parts


class Run:
    """A policy at work. `serve` and `decide` are called in turn, from the oldest step on."""

    def __init__(self, policy: Policy, past: Past, learner: Learner, seen: Seen) -> None:
        self.policy, self._past, self._learner, self._seen = policy, past, learner, seen
        self._plans: tuple[TriggerPlan, ...] = tuple(with_parts(policy.triggers))
        self._model = learner.at(past.start)
        self.retrains: list[ReplayedRetrain] = []
        self.notes: list[str] = []
        self._answers: list[Floats] = []

    @property
    def scores(self) -> Floats:
        """(n,) or (n, n_classes) answers so far, oldest row first."""
        return np.concatenate(self._answers)

    @property
    def watches_performance(self) -> bool:
        """Whether it looks at how its own models do."""
        return any(plan.kind in ("performance", "urgent") for plan in self._plans)

    def serve(self, until: datetime) -> None:
        """Answer what was predicted since the last call."""
        since, last = sum(map(len, self._answers)), self._past.place(until)
        self._answers.append(self._learner.answers(self._model, self._past.frame, since, last))

    def decide(self, as_of: datetime, known: Known | None) -> None:
        """Retrain if the policy says so; the new model answers from then on.

        Args:
            as_of: UTC instant of the evaluation.
            known: labels as known then; needed by a policy that watches performance.
        """
        decision = judge(self._past.loop.charter, self.policy.triggers, self._situation(as_of, known))
        if not decision.retrain:
            return
        try:
            self._model = self._learner.at(as_of)
        except NotReadyError as error:
            self.notes.append(f"{as_of:%Y-%m-%d}: {error.given}")
        else:
            self.retrains.append(_retrain(decision, self._model))

    def _situation(self, as_of: datetime, known: Known | None) -> Situation:
        loop, last = self._past.loop, self._model.as_of
        return Situation(
            as_of=as_of,
            findings=self._findings(as_of, known),
            last_retrain=last,
            new_labels=new_labels(loop, as_of, last) if counts_labels(self._plans) else None,
            spend=self._spend(as_of),
            guardrails=guardrails(loop.charter),
        )

    def _findings(self, as_of: datetime, known: Known | None) -> list[Finding]:
        reference = (self._model.train_start, self._model.train_end)
        found = self._seen.findings(self.policy.triggers, as_of, reference)
        if known is not None and self.watches_performance:
            found += performance_findings(self._past, self.scores, known, as_of)
        return found

    def _spend(self, as_of: datetime) -> Spend:
        seconds = self._past.loop.charter.retrain.seconds
        done = [one for one in self.retrains if (one.as_of.year, one.as_of.month) == (as_of.year, as_of.month)]
        return Spend(len(done), len(done) * seconds, seconds)


def _retrain(decision: Decision, made: Fitted) -> ReplayedRetrain:
    return ReplayedRetrain(
        as_of=decision.as_of,
        fired=decision.fired,
        sentence=decision.sentence,
        n_rows=made.n_rows,
        train_start=made.train_start,
        train_end=made.train_end,
        seconds=made.seconds,
    )
