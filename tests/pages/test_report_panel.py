"""Evidently's report on the page: offered, made by a job, then shown with what was sampled, and downloadable."""

from __future__ import annotations

from types import SimpleNamespace

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from loop_core.clock import now
from loop_core.jobs import list_jobs
from loop_core.monitor.report.report import _request
from loop_core.monitor.report.sample import Sample
from loop_core.monitor.report.stored import store
from loop_core.workspace import Loop
from tests.conftest import START
from tests.monitor import world
from tests.pages.conftest import keyed, said


def _page() -> None:
    from datetime import timedelta

    from app import session
    from app.report import evidently_panel
    from tests.conftest import START

    view = session.choose(session.workspace().loop("orders"), None, "ana", False)
    evidently_panel(view, START, START + timedelta(days=7))


def test_the_report_is_asked_for_once_and_then_shown(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    world.fill(loop, world.predictions().head(200))
    monkeypatch.setenv("LOOPBENCH_WORKSPACE", str(loop.workspace.path))
    page = AppTest.from_function(_page, default_timeout=60).run()
    assert "Data drift, data summary and quality" in said(page)
    keyed(page.button, "evidently_start").click().run()
    keyed(page.button, "evidently_start").click().run()
    (job,) = list_jobs(loop.workspace, loop="orders")
    assert (job.kind, job.params["window_start"]) == ("evidently", START.isoformat())
    as_of = loop.present(now())
    request = _request(loop, as_of, (START, START + timedelta(days=7)), (None, None), 0)
    made = SimpleNamespace(html="<body>report</body>", json={}, notes=("price is left out: no value on one side",))
    sample = Sample(pl.DataFrame({"price": [1.0]}), 2)
    store(loop, request, sample, sample, made)
    page.run()
    assert not page.exception
    assert "1 of 2 rows of the window" in said(page)
    assert "price is left out" in said(page)
    page.toggle("evidently_shown").set_value(True).run()
    assert not page.exception
