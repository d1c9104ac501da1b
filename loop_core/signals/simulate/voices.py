"""Which customers say something, when, how many stars they give and what it is about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loop_core.signals.simulate import world
from loop_core.signals.simulate.delivery import Deliveries
from loop_core.signals.simulate.orders import Orders
from loop_core.signals.simulate.phrases import THEMES, sentence
from loop_core.signals.simulate.scenario import Scenario

REVIEW_SHARE, REVIEW_SHARE_LATE = 0.32, 0.48
TICKET_SHARE_LATE = 0.10
_STARS_ON_TIME = np.array([0.035, 0.04, 0.105, 0.21, 0.61])
_STARS_LATE = np.array([0.38, 0.15, 0.15, 0.13, 0.19])
#: Theme by what happened: late and unhappy, on time and unhappy (1–2 stars), lukewarm (3), happy (4–5).
_ABOUT = {
    "late": np.array([0.74, 0.04, 0.04, 0.05, 0.11, 0.02, 0.0, 0.0]),
    "unhappy": np.array([0.0, 0.24, 0.17, 0.38, 0.17, 0.04, 0.0, 0.0]),
    "lukewarm": np.array([0.05, 0.08, 0.07, 0.38, 0.07, 0.3, 0.05, 0.0]),
    "happy": np.array([0.0, 0.0, 0.0, 0.01, 0.01, 0.04, 0.68, 0.26]),
}


@dataclass(frozen=True)
class Voices:
    """(m,) arrays: one entry for each feedback item of a week's orders."""

    order: np.ndarray
    """Index into the week's orders."""
    at: np.ndarray
    kind: np.ndarray
    """`review` (has a rating) or `ticket` (has none)."""
    rating: np.ndarray
    theme: np.ndarray
    comment: list[str | None]


def speak(scenario: Scenario, orders: Orders, deliveries: Deliveries, rng: np.random.Generator) -> Voices:
    """Reviews of what came (or did not), and tickets asking where it stays."""
    n = len(orders)
    unhappy_about = _bursts(scenario, orders, rng)
    chance = np.where(deliveries.late, REVIEW_SHARE_LATE, REVIEW_SHARE) * np.where(unhappy_about >= 0, 1.6, 1.0)
    reviews = np.flatnonzero((rng.random(n) < chance) & ~deliveries.cancelled)
    tickets = np.flatnonzero(deliveries.late & (rng.random(n) < TICKET_SHARE_LATE))
    order = np.concatenate([reviews, tickets])
    is_ticket = np.arange(len(order)) >= len(reviews)
    late, burst = deliveries.late[order], unhappy_about[order]
    rating = _ratings(late, burst >= 0, rng)
    theme = np.where(burst >= 0, burst, _themes(late, rating, rng))
    theme = np.where(is_ticket, THEMES.index("late"), theme)
    rating = np.where(is_ticket, np.nan, rating)
    writes = rng.random(len(order)) < np.where(is_ticket, 1.0, np.where(rating <= 2, 0.72, 0.38))
    return Voices(
        order=order,
        at=_times(deliveries, order, is_ticket, rng),
        kind=np.where(is_ticket, "ticket", "review"),
        rating=rating,
        theme=theme,
        comment=_comments(orders, order, theme, writes, rng),
    )


def _bursts(scenario: Scenario, orders: Orders, rng: np.random.Generator) -> np.ndarray:
    """(n,) index of the theme a burst makes this customer complain about; −1: none."""
    theme = np.full(len(orders), -1)
    for event in scenario.of("complaint_burst"):
        hit = event.active(orders.at) & (orders.category == world.CATEGORIES.index(event.where["category"]))
        hit &= rng.random(len(orders)) < event.size
        theme[hit] = THEMES.index(event.theme or "damaged")
    return theme


def _ratings(late: np.ndarray, burst: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    draw = rng.random(len(late))
    usual = np.where(late, _pick(_STARS_LATE, draw), _pick(_STARS_ON_TIME, draw))
    return np.asarray(np.where(burst, 1 + (draw > 0.75), usual + 1), dtype=float)


def _themes(late: np.ndarray, rating: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    draw = rng.random(len(rating))
    cases = [late & (rating <= 3), rating <= 2, rating == 3]
    return np.select(
        cases, [_pick(_ABOUT[name], draw) for name in ("late", "unhappy", "lukewarm")], _pick(_ABOUT["happy"], draw)
    )


def _pick(share: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Index by inverse cumulative share; the last edge is opened so that rounding cannot fall off the end."""
    return np.searchsorted(np.cumsum(share / share.sum())[:-1], draw, side="right")


def _times(deliveries: Deliveries, order: np.ndarray, is_ticket: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Customers review after the parcel came, or once the date has passed; tickets come right after the date."""
    hours = np.where(is_ticket, rng.exponential(30, len(order)), 6 + rng.exponential(48, len(order)))
    impatient = deliveries.late[order] & (is_ticket | (rng.random(len(order)) < 0.4))
    begin = np.where(impatient, deliveries.promised_at[order], deliveries.delivered_at[order])
    return np.asarray(begin + (hours * 3600e6).astype("timedelta64[us]"))


def _comments(
    orders: Orders, order: np.ndarray, theme: np.ndarray, writes: np.ndarray, rng: np.random.Generator
) -> list[str | None]:
    language = np.zeros(len(order), dtype=int)
    draw = rng.random(len(order))
    for region in range(len(world.REGIONS)):
        here = orders.customer_region[order] == region
        language[here] = _pick(world.LANGUAGE_SHARE[region], draw[here])
    uniform = rng.random((len(order), 6))
    return [
        sentence(world.LANGUAGES[language[i]], THEMES[theme[i]], int(orders.category[order[i]]), uniform[i])
        if writes[i]
        else None
        for i in range(len(order))
    ]
