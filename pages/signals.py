"""What came in, how fresh and how complete it is, and what waits in the quarantine."""

import shlex

import streamlit as st

from app import session
from app.arriving import arrivals, freshness
from app.completeness import completeness_panel
from app.faults import boundary, code
from app.intake import bring_in
from app.quarantine import quarantine, stopped_rows
from app.retraction import retraction
from app.widgets import bounded, empty, moment, table, verdict, worst
from loop_core.gates.quarantine import rule_counts
from loop_core.monitor.intake import batches, intake
from loop_core.vocabulary import State

view = session.current()
signals = session.compute(view, intake)
arrived = session.compute(view, batches)
if not arrived and not any(signal.rows for signal in signals):
    verdict("Nothing came in yet.", State.PENDING)
    where = shlex.quote(str(view.loop.workspace.path))
    command = f"loop ingest {view.loop.name} predictions FILE --workspace {where}"
    empty(
        "No signal yet",
        f"Bring in predictions first. From the shell: {code(command)}",
    )
    bring_in(view)
    st.stop()
waiting = sum(count.rows for count in rule_counts(view.loop, view.as_of))
predictions = signals[0]
verdict(
    f"{predictions.rows:,} predictions, the newest of {moment(predictions.newest)}; " + (f"{waiting:,} breaches of a rule wait in the quarantine." if waiting else "nothing waits in the quarantine."),
    worst([signal.state for signal in signals] + ([State.WATCH] if waiting else [])), f"As known on {moment(view.as_of, clock=True)} · {len(arrived):,} batches",
)  # fmt: skip
freshness(signals)
arrivals(view, arrived)

st.markdown("##### Labels known, by age of the prediction")
with boundary():
    completeness_panel(view)

st.markdown("##### Quarantine")
quarantine(view)

st.markdown("##### Batches")
stopped_rows(view, arrived)
if view.is_present and not view.presenting:
    with st.expander("Bring in a file", icon=":material/input:"):
        bring_in(view)
    with st.expander("Take a batch out", icon=":material/undo:"):
        retraction(view)
rows = [
    {
        "arrived": b.arrived_at, "signal": b.signal.value, "source": b.source, "state": "▲ stopped" if b.state == "stopped" else f"● {b.state}", "received": b.received,
        "accepted": b.accepted, "quarantined": b.quarantined, "unchanged": b.unchanged, "conflicting": b.conflicting, "notes": b.notes,
    }
    for b in bounded(arrived, "batches", "batches")
]  # fmt: skip
if rows:
    table(
        rows,
        "batches",
        {"arrived": st.column_config.DatetimeColumn(format="D MMM YYYY HH:mm", timezone="UTC", width=140)}
        | {
            name: st.column_config.NumberColumn(format="localized")
            for name in ("received", "accepted", "quarantined", "unchanged", "conflicting")
        },
        alt="Batches, newest first",
    )
