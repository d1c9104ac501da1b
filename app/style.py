"""The little CSS that the theme cannot say."""

from __future__ import annotations

import streamlit as st

_ALWAYS = """
.block-container { max-width: 1360px; padding-left: 2rem; padding-right: 2rem; }
.st-key-pickers { border-bottom: 1px solid rgba(128, 140, 150, .25); padding-bottom: .45rem; margin-bottom: .1rem; }
[class*="st-key-verdict"] p { font-size: 1.22rem; line-height: 1.42; font-weight: 560; margin-bottom: .1rem; max-width: 62rem; }
.st-key-reading p { max-width: 62rem; }
[class*="st-key-footnote"] p { font-size: .86rem; opacity: .72; }
[class*="st-key-emptystate"] { border: 1px dashed rgba(128, 140, 150, .55); border-radius: 8px; padding: 1.6rem 1.8rem; max-width: 46rem; }
[data-testid="stLayoutWrapper"]:has(> .st-key-waiting) { order: 1; }
h2 { padding-top: .4rem !important; }
@media print { header, .st-key-pickers, .st-key-steps { display: none !important; } }
"""
_PRESENTING = """
html { font-size: 19px; }
header[data-testid="stHeader"], [data-testid="stSidebar"], .st-key-pickers { display: none !important; }
.block-container { padding-top: .8rem !important; max-width: 1900px; }
[class*="st-key-verdict"] p { font-size: 1.5rem; }
[class*="st-key-side"], [data-testid="stElementToolbar"] { display: none !important; }
"""


def apply(presenting: bool) -> None:
    """Put the style into the page."""
    st.html(f"<style>{_ALWAYS}{_PRESENTING if presenting else ''}</style>")
