"""What people call the measures of drift."""

from __future__ import annotations

#: Name of a measure in `METHODS` → its name on charts and in sentences.
TITLES = {
    "psi": "PSI",
    "jensen_shannon": "Jensen–Shannon distance",
    "wasserstein": "Wasserstein distance",
    "kolmogorov_smirnov": "Kolmogorov–Smirnov distance",
    "chi_squared": "chi-squared",
    "missing": "change of the missing share",
    "unseen": "share of unseen categories",
}
