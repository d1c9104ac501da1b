"""Findings and schedule → decisions to retrain, every one of them on record."""

from loop_core.triggers.base import Situation, Trigger, TriggerReading
from loop_core.triggers.decision import Decision, decide, last_retrain, record_decision
from loop_core.triggers.registry import TRIGGERS, make

__all__ = [
    "TRIGGERS",
    "Decision",
    "Situation",
    "Trigger",
    "TriggerReading",
    "decide",
    "last_retrain",
    "make",
    "record_decision",
]
