"""What is live, what waits for whom, and the way back."""

import streamlit as st

from app import session
from app.actions import act
from app.faults import plain
from app.widgets import acting, empty, moment, short, table, verdict, why
from loop_core.release import Proposal, ProposalState, approve, promote, reject, rollback, state
from loop_core.vocabulary import State

view = session.current()
releases = state(view.loop, view.as_of)
if releases.champion is None:
    verdict("No model serves yet.", State.PENDING)
    empty(
        "Nothing is released",
        "Train a first champion; every later release goes through a proposal.",
        "Train a champion",
        "retrain",
    )
    st.stop()
open_ones = [p for p in releases.proposals if p.state in (ProposalState.OPEN, ProposalState.APPROVED)]
verdict(
    f"{short(releases.champion)} serves everybody since {moment(releases.since)}. "
    + (f"{len(open_ones)} proposal waits." if open_ones else "No proposal waits."),
    State.WATCH if open_ones else State.OK,
    f"{len(releases.tenures)} releases on record · you act as {view.actor}",
)
why(
    view,
    "The champion is a fold over the ledger: the last entry that promoted or rolled back.",
    "loop_core.release:state(loop, as_of)",
    key="why_release",
)
may_act = acting(view)


def show(proposal: Proposal) -> None:
    """One proposal, with the verbs that this identity may use."""
    with st.container(border=True, key=f"proposal_{proposal.id}"):
        st.markdown(
            f"**{proposal.id}** · {short(proposal.challenger)} to replace {short(proposal.against)} · *{proposal.state}*"
        )
        st.markdown(
            f"{plain(proposal.reason)}  \nProposed by **{plain(proposal.proposed_by)}** on {moment(proposal.proposed_at)} · {len(proposal.approvals)} of {proposal.needed} approvals {', '.join(proposal.approvals)}"
        )
        if not may_act:
            return
        own = view.actor == proposal.proposed_by
        with st.container(horizontal=True, vertical_alignment="bottom"):
            reason = st.text_input("Reason", key=f"reason_{proposal.id}", width=340, placeholder="for the record")
            if proposal.state is ProposalState.OPEN:
                act(
                    "Approve",
                    f"approve_{proposal.id}",
                    approve,
                    view,
                    proposal.id,
                    reason=reason,
                    disabled=own,
                    help="Somebody else approves: switch the identity above." if own else None,
                )
            else:
                act("Promote", f"promote_{proposal.id}", promote, view, proposal.id, reason=reason)
            act("Reject", f"reject_{proposal.id}", reject, view, proposal.id, reason=reason, kind="secondary")
        if own and proposal.state is ProposalState.OPEN:
            st.caption("You proposed this; another identity approves it.")


if open_ones:
    st.markdown("##### Proposals")
    for waiting in open_ones:
        show(waiting)
elif not view.presenting:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("A proposal starts from a comparison.")
        if st.button("Compare a challenger", key="to_compare", icon=":material/compare_arrows:"):
            st.switch_page("../pages/compare.py")

st.markdown("##### Who served when")
table(
    [{"model": short(t.version), "since": t.since, "until": t.until, "how": t.how, "by": t.actor, "reason": t.reason} for t in releases.tenures],
    "tenures", alt="Champions, newest first",
    columns={name: st.column_config.DatetimeColumn(format="D MMM YYYY HH:mm", timezone="UTC") for name in ("since", "until")},
)  # fmt: skip
earlier = list(dict.fromkeys(t.version for t in releases.tenures if t.version != releases.champion))
if earlier and may_act:
    with st.container(horizontal=True, vertical_alignment="bottom", key="rollback_row"):
        target = st.selectbox("Roll back to", earlier, key="rollback_to", format_func=short, width=200)
        reason = st.text_input("Why", key="rollback_reason", width=340, placeholder="what went wrong, in a sentence")
        act(
            "Roll back",
            "rollback",
            rollback,
            view,
            target,
            reason=reason,
            disabled=not reason.strip(),
            help="At once and without approval: going back is never held up.",
        )
