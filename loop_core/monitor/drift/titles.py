"""What people call the measures of drift."""

from __future__ import annotations

#: Name of a measure in `METHODS` → its name on charts and in sentences.
TITLES = {
    "psi": "PSI",
    "jensen_shannon": "Jensen–Shannon distance",
    "binned_wasserstein": "binned Wasserstein distance",
    "kolmogorov_smirnov": "Kolmogorov–Smirnov distance",
    "chi_squared": "chi-squared",
    "missing": "change of the missing share",
    "unseen": "share of unseen categories",
}

#: The same of values that were computed on rows. Between the middles of bins the distance is another number.
ROW_TITLES = {**TITLES, "wasserstein": "Wasserstein distance"}
