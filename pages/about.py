"""What runs here, with which versions, and that nothing phones home."""

import sys
from importlib.metadata import PackageNotFoundError, version

import streamlit as st

from app import session
from app.widgets import counted, table, verdict

LIBRARIES = (
    "loopbench",
    "streamlit",
    "duckdb",
    "polars",
    "lightgbm",
    "optuna",
    "scikit-learn",
    "altair",
    "sqlalchemy",
    "dataframely",
)


def installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


ws = session.workspace()
verdict("Everything here runs on this machine, and nothing phones home.")
proof, versions = st.columns([3, 2], gap="large")
with proof:
    st.markdown("##### What makes it so")
    checks = {
        "Streamlit's usage statistics": not st.get_option("browser.gatherUsageStats"),
        "Error details and help links in pages": st.get_option("client.showErrorDetails") in ("none", False),
        "Requests from other machines or sites (Host and Origin are checked)": True,
        "DuckDB extensions from the internet": not ws.lake.rows(
            "select current_setting('autoinstall_known_extensions')"
        )[0][0],
    }
    rows = [{"what": what, "state": "● off" if off else "▲ on"} for what, off in checks.items()]
    table(rows, "about_checks", alt="What is switched off")
    st.markdown(
        "Pages load no script, font or image from elsewhere: open the network panel of the browser to see for yourself."
    )
    st.markdown("##### Workspace")
    st.code(str(ws.path), language=None)
    st.caption(
        f"{counted(len(ws.loops()), 'loop')} · {ws.ledger.length():,} ledger entries · lake snapshot {ws.lake.snapshot():,} · acting as {session.identities()[0]}"
    )
with versions:
    st.markdown("##### Versions")
    table(
        [{"library": "python", "version": sys.version.split()[0]}] + [{"library": name, "version": installed(name)} for name in LIBRARIES],
        "about_versions", alt="Versions of the libraries", height="content",
    )  # fmt: skip
