"""What a look at a model's contract found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: `watch`: it works, and somebody should know. `unknown`: it cannot be found out here. `broken` blocks a release.
ContractState = Literal["ok", "watch", "broken", "unknown"]


@dataclass(frozen=True)
class ContractResult:
    """One thing that callers rely on."""

    check: str
    """`inputs`, `units`, `categories`, `nulls`, `outputs` or `task`."""
    state: ContractState
    sentence: str
    """What was found."""
    next_step: str = ""
    """What to do; empty where nothing is wrong."""
