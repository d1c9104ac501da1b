"""`loop alerts …`: who is asked for what; acknowledge, mute; what was sent and what could not be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from loop_core.cli.console import complain, say, say_document, show
from loop_core.cli.here import ACTOR, AS_OF, Here, on_loop
from loop_core.cli.options import JsonOption, WorkspaceOption, opened
from loop_core.clock import instant, now
from loop_core.errors import LoopbenchError, SourceError

if TYPE_CHECKING:
    from loop_core.alerts import Alert

alerts_app = typer.Typer(help="What asks a named person for something.", no_args_is_help=True)
channels_app = typer.Typer(help="Where messages go: alerts.toml of the workspace.", no_args_is_help=True)

AlertArgument = Annotated[str, typer.Argument(help="An alert's id, e.g. a1.")]
WhyOption = Annotated[str, typer.Option(help="For the record.")]


def add_to(app: typer.Typer) -> None:
    alerts_app.add_typer(channels_app, name="channels")
    app.add_typer(alerts_app, name="alerts")


@alerts_app.command("list")
@on_loop(AS_OF)
def list_(
    here: Here,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are resolved.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Alerts of a loop, those that cost most first."""
    from loop_core.alerts import alerts

    found = alerts(here.loop, here.as_of, resolved=everything)
    columns = {
        "id": "id", "state": "state", "severity": "severity", "title": "what", "owner": "owner", "impact": "impact",
        "first_seen": "first seen", "since": "since", "muted_until": "muted until",
    }  # fmt: skip
    show(found, as_json, columns, empty="Nobody is asked for anything.")


@alerts_app.command("show")
@on_loop(AS_OF)
def show_(here: Here, alert: AlertArgument, as_json: JsonOption = False) -> None:
    """One alert: its findings, what lies upstream first, and how to reproduce them."""
    from loop_core.alerts import alert as one

    found = one(here.loop, alert, here.as_of)
    if as_json:
        show(found, True)
    else:
        _say_alert(found)


def _say_alert(one: Alert) -> None:
    from loop_core.alerts import ALERT_MARKS
    from loop_core.vocabulary import MARKS

    say(f"{one.id} {ALERT_MARKS[one.state]} · {MARKS[one.severity]} · {one.title}")
    say(f"  asks {one.owner} · first seen {one.first_seen:%Y-%m-%d} · raised {one.since:%Y-%m-%d}")
    if one.acknowledged_by:
        say(f"  acknowledged by {one.acknowledged_by}{f': {one.note}' if one.note else ''}")
    if one.muted_until:
        say(f"  muted until {one.muted_until:%Y-%m-%d} by {one.muted_by}: {one.note}")
    for finding in one.findings:
        say(f"  {MARKS[finding.state]:<12} {finding.sentence}")
        if finding.evidence:
            say(f"               to see it: {' '.join(finding.evidence.split())}")
    for code in one.codes:
        say(f"  → loop alerts playbook {code}")


@alerts_app.command("ack")
@on_loop(AS_OF, ACTOR)
def ack(here: Here, alert: AlertArgument, reason: WhyOption = "") -> None:
    """Say that you look at it; it is not escalated any more."""
    from loop_core.alerts import acknowledge

    acknowledge(here.loop, alert, actor=here.actor, as_of=here.as_of, reason=reason)
    say(f"{alert} is acknowledged by {here.actor}. New findings of the same cause open it again.")


@alerts_app.command("mute")
@on_loop(AS_OF, ACTOR)
def mute(
    here: Here,
    alert: AlertArgument,
    until: Annotated[str, typer.Option(help="A day to come, e.g. 2025-07-01.")],
    reason: Annotated[str, typer.Option(help="Why it may be silent.")],
) -> None:
    """Silence an alert until a date."""
    from loop_core.alerts import mute as silence

    end = instant(until)
    silence(here.loop, alert, end, actor=here.actor, as_of=here.as_of, reason=reason)
    say(f"{alert} is silent until {end:%Y-%m-%d}, also when it goes and comes back before.")


@alerts_app.command("unmute")
@on_loop(AS_OF, ACTOR)
def unmute(here: Here, alert: AlertArgument, reason: WhyOption = "") -> None:
    """Let a muted alert speak again."""
    from loop_core.alerts import unmute as speak

    speak(here.loop, alert, actor=here.actor, as_of=here.as_of, reason=reason)
    say(f"{alert} speaks again.")


@alerts_app.command("playbook")
def playbook(code: Annotated[str, typer.Argument(help="A finding's code, e.g. drift.feature.")]) -> None:
    """What a finding means, how to check it, and what to do."""
    from loop_core.alerts import playbook as page

    say_document(page(code))


@alerts_app.command("deliver")
def deliver(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Escalate what is due and send what waits, now. The worker beside `loop ui` does so by itself."""
    from loop_core.alerts import tend

    with opened(workspace) as ws:
        report = tend(ws, now=now())
    show(report if as_json else [report], as_json)


@alerts_app.command("outbox")
def outbox(
    loop: Annotated[str | None, typer.Option(help="Only this loop.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Messages, newest first. `unknown`: nobody can tell whether it arrived, so it is not sent again by itself."""
    from loop_core.alerts import messages

    with opened(workspace) as ws:
        found = messages(ws, loop=loop)
    columns = {
        "id": "id", "status": "status", "loop": "loop", "alert": "alert", "event": "event", "channel": "channel",
        "attempts": "tries", "next_try_at": "next try", "last_error": "last error", "sent_at": "sent",
    }  # fmt: skip
    show(found, as_json, columns, empty="No messages. Channels are named in alerts.toml of the workspace.")


@alerts_app.command("resend")
@on_loop(AS_OF, ACTOR)
def resend(
    here: Here, message: Annotated[int, typer.Argument(help="A message's id in the outbox.")], reason: WhyOption = ""
) -> None:
    """Send a failed or unknown message again; if it did arrive, it arrives twice."""
    from loop_core.alerts import resend as again

    again(here.loop, message, actor=here.actor, as_of=here.as_of, reason=reason)
    say(f"Message {message} waits for its next try: loop alerts deliver")


@channels_app.command("check")
def check(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Whether every channel of alerts.toml can be used. Sends nothing, and shows no address."""
    from loop_core.alerts import load_channels

    with opened(workspace) as ws:
        found = [{"channel": one.name, **_checked(one)} for one in load_channels(ws)]
    show(found, as_json, empty=f'No channels. Write {ws.path / "alerts.toml"}, e.g. [chat] and url = "slack://…"')
    if any(row["state"] == "broken" for row in found):
        raise typer.Exit(1)


def _checked(channel: object) -> dict[str, str]:
    from loop_core.alerts.send import described

    try:
        return {"state": "whole", "goes to": described(channel)}  # type: ignore[arg-type]
    except SourceError as error:
        return {"state": "broken", "goes to": str(error)}


@alerts_app.command("test")
def try_channel(
    channel: Annotated[str, typer.Argument(help="Name of a channel in alerts.toml.")], workspace: WorkspaceOption = None
) -> None:
    """Send one test message to a channel, now and once."""
    from loop_core.alerts import channel_named
    from loop_core.alerts.send import described, post

    with opened(workspace) as ws:
        to = channel_named(ws, channel)
    outcome = post(to, "Loopbench: a test", "Alerts will arrive here like this message.", f"test.{now():%Y%m%d%H%M%S}")
    if outcome.status == "sent":
        say(f"{channel} took it ({described(to)}).")
        return
    _explain(channel, described(to), outcome.status, outcome.error)


def _explain(channel: str, where: str, status: str, error: str) -> None:
    given = (
        f"{channel} did not take the message" if status == "refused" else f"Nobody can tell whether {channel} took it"
    )
    todo = "check that it runs and that its url in alerts.toml is right" if status == "refused" else "look there"
    complain(str(LoopbenchError(f"{given} ({where}: {error})", "an answer that it was taken", todo)))
    raise typer.Exit(1)
