"""Proposals, tenures and the way back, as the release page shows them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.actions import Form
from app.faults import plain
from app.overrides import override_form, override_lines, set_aside
from app.session import View
from app.widgets import moment, short, table
from loop_core.compare import load_scorecard
from loop_core.people import same_person
from loop_core.release import Proposal, ProposalState, Tenure, approve, promote, reject, rollback


def proposal_card(view: View, proposal: Proposal, may_act: bool) -> None:
    """One proposal, with the verbs that this identity may use."""
    with st.container(border=True, key=f"proposal_{proposal.id}"):
        replacing = f"to replace {plain(short(proposal.against))}" if proposal.against else "as the first to serve"
        who = f"{plain(short(proposal.challenger))} {replacing}"
        st.markdown(f"**{proposal.id}** · {who} · *{proposal.state}*")
        approvals = f"{len(proposal.approvals)} of {proposal.needed} approvals"
        by = f": {', '.join(map(plain, proposal.approvals))}" if proposal.approvals else ""
        proposed = f"Proposed by **{plain(proposal.proposed_by)}** on {moment(proposal.proposed_at)}"
        st.markdown(f"{plain(proposal.reason)}  \n{proposed} · {approvals}{by}")
        _gates(view, proposal)
        if may_act:
            _verbs(view, proposal)


def _gates(view: View, proposal: Proposal) -> None:
    """What was set aside for it, what was never decided, and the way to set that aside."""
    card = load_scorecard(view.loop, proposal.scorecard_id)
    aside = set_aside(view, card)
    override_lines(aside.values())
    for gate in card.gates:
        if gate.state == "held" and gate.name not in aside:
            st.markdown(f":gray[**○ held**] {plain(gate.name)}: {plain(gate.sentence)}")
    override_form(view, card, key=f"override_{proposal.id}")


def _verbs(view: View, proposal: Proposal) -> None:
    name, own = proposal.id, same_person(view.actor, proposal.proposed_by)
    form = Form(view, proposal)
    typed = {"reason": f"reason_{name}"}
    turn = f"{short(proposal.against)} to {short(proposal.challenger)}"
    change = f"from {turn}" if proposal.against else f"{short(proposal.challenger)} as the first"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        reason = st.text_input("Reason", key=form.key(f"reason_{name}"), width=340, placeholder="for the record")
        if proposal.state is ProposalState.OPEN:
            form.act(f"Approve {change}", f"approve_{name}", approve, name, fields=typed, disabled=own)
        else:
            form.act(f"Promote {change}", f"promote_{name}", promote, name, fields=typed)
        unreasoned = not reason.strip()
        form.act("Reject", f"reject_{name}", reject, name, fields=typed, type="secondary", disabled=unreasoned)
    if own and proposal.state is ProposalState.OPEN:
        st.caption("You proposed this, so somebody else approves it: switch the identity at the top right.")


def tenures_table(tenures: Sequence[Tenure]) -> None:
    """Who served when, newest first."""
    rows = [
        {"model": short(t.version), "since": t.since, "until": t.until, "how": t.how, "by": t.actor, "reason": t.reason}
        for t in tenures
    ]
    instant = st.column_config.DatetimeColumn(format="D MMM YYYY HH:mm", timezone="UTC", width=150)
    long = st.column_config.TextColumn(width="large")
    table(rows, "tenures", {"since": instant, "until": instant, "reason": long}, alt="Champions, newest first")


def way_back(view: View, tenures: Sequence[Tenure], champion: str) -> None:
    """Roll back to any earlier champion, at once: those that were rolled back from come last."""
    served = [tenure.version for tenure in tenures if tenure.version != champion]
    earlier = list(dict.fromkeys((*view.loop.predecessors(view.as_of), *served)))
    if not earlier:
        return
    choice = Form(view, champion, tenures[0].since)
    with st.container(horizontal=True, vertical_alignment="bottom", key="rollback_row"):
        target = st.selectbox("Roll back to", earlier, key=choice.key("rollback_to"), format_func=short, width=200)
        form = Form(view, champion, tenures[0].since, target)
        reason = st.text_input(
            "Why", key=form.key("rollback_reason"), width=340, placeholder="what went wrong, in a sentence"
        )
        form.act(
            f"Roll back from {short(champion)} to {short(target)}", "rollback", rollback, target,
            fields={"reason": "rollback_reason"}, disabled=not reason.strip(),
            help="At once and without approval: going back is never held up.",
        )  # fmt: skip
