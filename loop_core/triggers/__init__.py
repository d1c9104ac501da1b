"""Findings and schedule → decisions to retrain, every one of them on record.

`base` is the protocol; one file holds one trigger, or one wrapper (`cooldown`, `min_new_labels`, `budget`, `combine`);
`registry` makes them from the charter; `situation` reads what they look at; `decision` asks them; `remedy` says what not
to wait for.
"""

from loop_core.triggers.base import Evidence, Situation, Spend, Trigger, TriggerReading
from loop_core.triggers.broken import broken_features
from loop_core.triggers.decision import Decision, asked, decide, decide_now, judge, record_decision
from loop_core.triggers.registry import TRIGGERS, make
from loop_core.triggers.remedy import Remedy
from loop_core.triggers.situation import last_retrain, situation
from loop_core.triggers.spend import month_spend

__all__ = [
    "TRIGGERS",
    "Decision",
    "Evidence",
    "Remedy",
    "Situation",
    "Spend",
    "Trigger",
    "TriggerReading",
    "asked",
    "broken_features",
    "decide",
    "decide_now",
    "judge",
    "last_retrain",
    "make",
    "month_spend",
    "record_decision",
    "situation",
]
