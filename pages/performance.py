"""How well the model did on windows whose labels are complete, with drift beneath on the same axis."""

import streamlit as st

from app import evidence, session
from app.cohorts import cohort_table
from app.widgets import cohort_picker, empty, labelled, moment, short, spaced, verdict, why
from loop_core import charts
from loop_core.monitor import drift_scores, performance, service_health
from loop_core.vocabulary import State

#: A year: what a reader compares with, and what can be drawn in a second at a million predictions.
WEEKS = 52

view = session.current()
charter = view.loop.charter
opening = st.container()
with st.container(horizontal=True, key="side_choices", vertical_alignment="center"):
    names = [declared.name for declared in charter.metrics]
    metric = labelled("metric", "Metric", names, key="metric", width=130, format_func=spaced)
    cohort = cohort_picker(view)
    points = [point for point in session.compute(view, performance, weeks=WEEKS) if point.metric == metric]
    known = [point for point in points if point.value is not None]
    why(
        view,
        f"A window counts predictions by prediction time and is reported once {charter.labels.min_mature_share:.0%} of "
        "them are mature; before that it is pending, because the labels that arrive first are no fair sample.",
        f"loop_core.monitor:performance(loop, as_of, metrics=({metric!r},), weeks={WEEKS})",
        evidence.metric_sql(view, known[-1]) if known else None,
    )
if not points:
    with opening:
        verdict("Nothing was scored yet.", State.PENDING)
    empty("No scored prediction", "Performance needs scores and their outcomes.", "To the signals", "signals")
    st.stop()

pending = len(points) - len(known)
waits = f"; {pending} windows still wait for labels" if pending else ""
with opening:
    if known:
        last = known[-1]
        when = f"{moment(last.window_start)} – {moment(last.window_end)} · n = {last.n:,}"
        verdict(
            f"{spaced(metric)} was {last.value:.3f} ({last.ci_low:.3f} – {last.ci_high:.3f}) in the newest complete window{waits}.",
            last.state,
            f"{when} · model {short(last.model_version)} · labels {last.mature_share:.0%} complete",
        )
    else:
        horizon = f"A label is known at the latest {charter.labels.horizon_days:.0f} days after its prediction."
        verdict(f"No window has enough labels yet: {pending} wait.", State.PENDING, horizon)
span = charts.span_of(points)
st.altair_chart(charts.performance_chart(points, span), key="performance")
weeks = max(1, round((span[1] - span[0]).days / charter.monitor.window_days))
drift = session.compute(view, drift_scores, weeks=weeks)
if drift:
    st.altair_chart(charts.drift_strip(drift, span), key="drift_strip")
if pending:
    st.caption(f"○ Grey: labels still arriving ({pending} windows). Bars: features that drifted, ▲ alarm and ◆ watch.")
if cohort:
    st.markdown(f"##### By {spaced(cohort)}, newest complete window")
    cohort_table(
        [p for p in session.compute(view, performance, cohort=cohort, weeks=WEEKS) if p.metric == metric],
        cohort,
        metric,
    )

health = session.compute(view, service_health, weeks=WEEKS)
left, right = st.columns(2, gap="large")
if health and not view.presenting:
    with left:
        st.markdown("##### Volume")
        st.altair_chart(charts.volume(health), key="volume")
    with right:
        st.markdown("##### Latency")
        if any(point.latency_p95_ms is not None for point in health):
            st.altair_chart(charts.latency(health, charter.monitor.latency_p95_ms), key="latency")
        else:
            st.caption("The predictions carry no latency.")
