"""Findings → alerts: grouped by probable cause, owned, acknowledged or muted, escalated, and told to people once."""

from loop_core.alerts.alert import ALERT_MARKS, Alert, AlertState, Member
from loop_core.alerts.channels import Channel, channel_named, load_channels
from loop_core.alerts.delivery import DeliveryReport, deliver
from loop_core.alerts.examined import OutboxState, outbox_state
from loop_core.alerts.grouping import Group, group
from loop_core.alerts.outbox import Message, MessageStatus, messages, resend
from loop_core.alerts.playbooks import playbook, playbooks
from loop_core.alerts.raising import escalate, raise_alerts
from loop_core.alerts.reading import alert, alerts
from loop_core.alerts.round import tend
from loop_core.alerts.verbs import acknowledge, mute, unmute

__all__ = [
    "ALERT_MARKS",
    "Alert",
    "AlertState",
    "Channel",
    "DeliveryReport",
    "Group",
    "Member",
    "Message",
    "MessageStatus",
    "OutboxState",
    "acknowledge",
    "alert",
    "alerts",
    "channel_named",
    "deliver",
    "escalate",
    "group",
    "load_channels",
    "messages",
    "mute",
    "outbox_state",
    "playbook",
    "playbooks",
    "raise_alerts",
    "resend",
    "tend",
    "unmute",
]
