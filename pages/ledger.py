"""Every decision on record: search it, verify its chain."""

import streamlit as st

from app import session
from app.record import chain_report, entries_table, matching
from app.widgets import bounded, counted, empty, verdict, why
from loop_core.people import distinct_people

EVERYTHING, EVERYBODY = "everything", "everybody"

view = session.current()
ledger = view.loop.ledger
# What concerns the ledger itself belongs to no loop, and to each.
own, of_all = ledger.entries(loop=view.loop.name, until=view.as_of), ledger.entries(kind="ledger.", until=view.as_of)
entries = sorted(own + of_all * bool(own), key=lambda entry: entry.seq, reverse=True)
if not entries:
    verdict("Nothing is on record up to this day.")
    empty(
        "An empty ledger", "Its first entry is made when the loop's charter is put in force. Choose a later day above."
    )
    st.stop()
people = sorted(distinct_people(entry.actor for entry in entries))
kinds = sorted({entry.kind.split(".")[0] for entry in entries})
verdict(
    f"On record for {view.loop.charter.loop.title}: {counted(len(entries), 'entry', 'entries')} by {counted(len(people), 'identity', 'identities')}.",
    note="Append-only; every entry carries the hash of the one before it, and the end is anchored outside the database.",
)
with st.container(horizontal=True, vertical_alignment="bottom", key="side_search"):
    text = st.text_input("Search", key="q", bind="query-params", placeholder="version, batch, reason …", width=280)
    kind = st.selectbox("What", [EVERYTHING, *kinds], key="kind", bind="query-params", width=170)
    who = st.selectbox("Who", [EVERYBODY, *people], key="who", bind="query-params", width=190)
    verify = st.button("Verify chain", key="verify", icon=":material/link:")
    why(
        view,
        "Each hash is made with the workspace's key over the entry and the hash before it, so an altered entry breaks the chain."
        " Anchors outside the database say how long the ledger was, so a cut-off end is missed.",
        "loop.ledger.verify()",
    )
if verify:
    chain_report(ledger.verify())

found = matching(entries, text, None if kind == EVERYTHING else kind, None if who == EVERYBODY else who)
if found:
    entries_table(bounded(found, "entries", "entries"))
else:
    empty("No entry matches", "Shorten the text, or choose everything and everybody.", key="nomatch")
