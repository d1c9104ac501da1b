"""How well the model did on windows whose labels are complete, with drift beneath on the same axis."""

import streamlit as st

from app import session
from app.widgets import bounded, cohort_picker, empty, mark_of, moment, short, table, verdict, why
from loop_core import charts
from loop_core.monitor import drift_scores, performance, service_health
from loop_core.vocabulary import State

view = session.current()
charter = view.loop.charter
metrics = [m.name for m in charter.metrics]
opening = st.container()
with st.container(horizontal=True, key="side_choices"):
    metric = st.selectbox(
        "Metric",
        metrics,
        key="metric",
        bind="query-params",
        width=180,
        label_visibility="collapsed",
        format_func=lambda m: m.replace("_", " "),
    )
    cohort = cohort_picker(view)
points = [p for p in session.compute(view, performance) if p.metric == metric]
if not points:
    empty(
        "Nothing scored yet",
        "Performance needs predictions that a model scored, and their outcomes.",
        "To the signals",
        "signals",
    )
    st.stop()

known = [p for p in points if p.value is not None]
pending = len(points) - len(known)
waits = f"; {pending} newer windows still wait for labels" if pending else ""
with opening:
    if known:
        last = known[-1]
        verdict(
            f"{metric.replace('_', ' ')} was {last.value:.3f} ({last.ci_low:.3f} – {last.ci_high:.3f}) in the newest complete window{waits}.", last.state,
            f"{moment(last.window_start)} – {moment(last.window_end)} · n = {last.n:,} · model {short(last.model_version)} · labels {last.mature_share:.0%} complete",
        )  # fmt: skip
    else:
        verdict(
            f"No window has enough labels yet: {pending} wait.",
            State.PENDING,
            f"A label is known at the latest {charter.labels.horizon_days:.0f} days after its prediction.",
        )
span = charts.span_of(points)
st.altair_chart(charts.performance_chart(points, span), key="performance")
weeks = max(1, round((span[1] - span[0]).days / charter.monitor.window_days))
drift = session.compute(view, drift_scores, weeks=weeks)
if drift:
    st.altair_chart(charts.drift_strip(drift, span), key="drift_strip")
why(
    view, f"A window counts predictions by prediction time and is reported once {charter.labels.min_mature_share:.0%} of them are mature; before that it is pending, "
    "because the labels that arrive first are not a fair sample.",
    f"loop_core.monitor:performance(loop, as_of, metrics=({metric!r},))",
)  # fmt: skip

if cohort:
    st.markdown(f"##### By {cohort}, newest complete window")
    by = [p for p in session.compute(view, performance, cohort=cohort) if p.metric == metric]
    newest: dict[str, object] = {}
    for point in by:
        if point.value is not None:
            newest[str(point.cohort_value)] = point
    rows = [
        {
            cohort: name,
            "state": mark_of(p.state),
            metric: p.value,
            "95 % from": p.ci_low,
            "to": p.ci_high,
            "n": p.n,
            "window": moment(p.window_start),
            "model": short(p.model_version),
        }
        for name, p in sorted(newest.items(), key=lambda item: -item[1].n)
    ]
    if rows:
        number = st.column_config.NumberColumn(format="%.3f")
        table(
            bounded(rows, "cohorts", "cohort values"),
            "by_cohort",
            {metric: number, "95 % from": number, "to": number},
            alt=f"{metric} by {cohort}",
        )
    else:
        empty(
            "No cohort has enough labels yet", "Choose a cohort with larger groups, or wait for labels.", key="nocohort"
        )

health = session.compute(view, service_health)
if health:
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("##### Volume")
        st.altair_chart(charts.volume(health), key="volume")
    with right:
        st.markdown("##### Latency")
        if any(p.latency_p95_ms is not None for p in health):
            st.altair_chart(charts.latency(health, charter.monitor.latency_p95_ms), key="latency")
        else:
            st.caption("The predictions carry no latency.")
