"""What is known of each seller when a week begins: its orders, and the lateness that had become a fact by then."""

from __future__ import annotations

from datetime import date

import numpy as np

from loop_core.signals.simulate.delivery import Deliveries
from loop_core.signals.simulate.orders import Orders


class SellerRecord:
    """Running counts for each seller. Memory does not grow with the number of orders."""

    def __init__(self, weeks: tuple[date, ...], n_sellers: int) -> None:
        self._starts = np.array(weeks, dtype="datetime64[us]")
        self._orders = np.zeros(n_sellers, dtype=int)
        #: [week in which it became known, seller]; what becomes known after the last week is never looked at.
        self._known = np.zeros((len(weeks) + 1, n_sellers), dtype=int)
        self._late = np.zeros_like(self._known)

    def at_start_of(self, week: int) -> tuple[np.ndarray, np.ndarray]:
        """(n_sellers,) orders so far, and (n_sellers,) late share among those known; NaN where none is."""
        known, late = self._known[:week].sum(axis=0), self._late[:week].sum(axis=0)
        share = np.full(len(known), np.nan)
        np.divide(late, known, out=share, where=known > 0)
        return self._orders.copy(), share.round(4)

    def add(self, orders: Orders, deliveries: Deliveries) -> None:
        """Take a week's orders into account; each counts for lateness from the week after it became known."""
        n_sellers = len(self._orders)
        self._orders += np.bincount(orders.seller, minlength=n_sellers)
        known_in = np.searchsorted(self._starts, deliveries.known_at, side="right") - 1
        known_in = np.where(deliveries.known_at >= self._starts[-1], len(self._starts) - 1, known_in)
        seen = ~deliveries.cancelled
        np.add.at(self._known, (known_in[seen], orders.seller[seen]), 1)
        late = seen & deliveries.late
        np.add.at(self._late, (known_in[late], orders.seller[late]), 1)
