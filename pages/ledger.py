"""Every decision on record: search it, verify its chain."""

import json

import streamlit as st

from app import session
from app.widgets import bounded, empty, table, verdict, why
from loop_core.ledger import Entry

view = session.current()
ledger, name = view.loop.ledger, view.loop.name


def row(entry: Entry) -> dict[str, object]:
    return {
        "#": entry.seq,
        "as of": entry.as_of,
        "what": entry.kind,
        "about": entry.subject,
        "who": entry.actor,
        "reason": entry.reason,
        "recorded": entry.at,
        "hash": entry.hash[:10],
    }


def matches(entry: Entry, text: str) -> bool:
    return (
        text.lower() in f"{entry.kind} {entry.subject} {entry.actor} {entry.reason} {json.dumps(entry.payload)}".lower()
    )


entries = list(reversed(ledger.entries(loop=name, until=view.as_of)))
if not entries:
    empty("Nothing on record yet", "The first entry is made when this loop's charter is put in force.")
    st.stop()
people = sorted({entry.actor for entry in entries})
verdict(
    f"{len(entries):,} decisions by {len(people)} identities are on record for {view.loop.charter.loop.title}.",
    note="Append-only; every entry carries the hash of the one before.",
)

with st.container(horizontal=True, vertical_alignment="bottom", key="side_search"):
    text = st.text_input("Search", key="q", bind="query-params", placeholder="version, batch, reason …", width=280)
    kinds = sorted({entry.kind.split(".")[0] for entry in entries})
    kind = st.selectbox("What", ["everything", *kinds], key="kind", bind="query-params", width=170)
    who = st.selectbox("Who", ["everybody", *people], key="who", bind="query-params", width=190)
    if st.button("Verify chain", key="verify", icon=":material/link:"):
        report = ledger.verify()
        message = f"{report.sentence} Head {report.head[:16]}…"
        (st.success if report.broken_at is None else st.error)(message)
    why(
        view,
        "Filtered from the ledger; the hash is sha256 over the entry and the hash before it.",
        "loop.ledger.entries(loop=loop.name, until=as_of)",
    )

found = [
    entry
    for entry in entries
    if (kind == "everything" or entry.kind.startswith(f"{kind}."))
    and (who == "everybody" or entry.actor == who)
    and matches(entry, text)
]
if not found:
    empty("No entry matches", "Shorten the search text, or choose everything and everybody.", key="nomatch")
    st.stop()
shown = bounded(found, "entries", "entries")
picked = table(
    [row(entry) for entry in shown], "ledger_table", alt="Ledger entries, newest first", on_select="rerun", selection_mode="single-row",
    columns={
        "#": st.column_config.NumberColumn(width=50),
        "as of": st.column_config.DatetimeColumn(format="D MMM YYYY HH:mm", timezone="UTC", width=140),
        "recorded": st.column_config.DatetimeColumn(format="D MMM YYYY HH:mm", timezone="UTC", width=140),
        "reason": st.column_config.TextColumn(width="large"),
    },
)  # fmt: skip
for index in picked.selection.rows:
    st.markdown(f"**Entry {shown[index].seq}** in full")
    st.json(
        {
            **row(shown[index]),
            "as of": shown[index].as_of.isoformat(),
            "recorded": shown[index].at.isoformat(),
            "payload": shown[index].payload,
        }
    )
