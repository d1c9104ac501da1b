"""`[[mutations]]`: small changes of one input, and how far they may move what a model says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from loop_core.charter.part import AMOUNT, Name, Part, Share
from loop_core.vocabulary import Task

if TYPE_CHECKING:
    from loop_core.charter.contract import Column

#: noise within the measurement step · a value in another unit · the value missing · a category never seen before
Change = Literal["noise", "unit", "null", "unseen"]
#: Change → the types of feature that it can happen to; text is no model input.
FITTING: dict[Change, tuple[str, ...]] = {
    "noise": ("number",),
    "unit": ("number",),
    "null": ("number", "category", "flag", "timestamp"),
    "unseen": ("category",),
}
#: Key that says how large a change is → the change that needs it, and what it is. Other changes take none.
_SIZES: dict[str, tuple[Change, str]] = {
    "step": ("noise", "the measurement step in the feature's unit"),
    "factor": ("unit", "what the value is multiplied by, e.g. 1000 for grams where kilograms are meant"),
}


class Mutation(Part):
    """One change of one feature. It holds where at most `max_share` of the rows move further than `bound`."""

    feature: Name
    """The feature that is changed."""
    change: Change
    """Noise within the measurement step, a value in another unit, a missing value, or a category never seen."""
    bound: Annotated[float, AMOUNT] = Field(gt=0)
    """So far may the change move a score: in probability (0..1), or in the label's unit."""
    max_share: Share = 0.05
    """This share of the rows may move further; 0: none."""
    step: Annotated[float, AMOUNT] | None = Field(default=None, gt=0)
    """noise: the measurement step in the feature's unit; a value moves by at most half of it, either way, within the
    feature's `min` and `max`."""
    factor: Annotated[float, AMOUNT] | None = Field(default=None, gt=0)
    """unit: what the value is multiplied by, e.g. 1000 for grams where kilograms are meant."""

    @model_validator(mode="after")
    def _sized(self) -> Mutation:
        for key, (change, what) in _SIZES.items():
            given = getattr(self, key) is not None
            if given != (self.change == change):
                raise ValueError(f"change = {self.change!r} {'takes no' if given else 'needs'} `{key}`, {what}")
        if self.factor == 1:
            raise ValueError("factor = 1 changes nothing")
        return self


def misfit(mutations: Sequence[Mutation], features: Sequence[Column], context: Sequence[Column], task: Task) -> str:
    """Why a declared mutation could never be tested, in one sentence; empty: all can."""
    types = {column.name: column.type for column in features}
    seen = set()
    for one in mutations:
        if one.feature not in types:
            aside = "is context, which no model sees" if one.feature in {c.name for c in context} else "is no feature"
            return f"[[mutations]] names {one.feature!r}, which {aside}; features: {', '.join(types)}"
        if types[one.feature] not in FITTING[one.change]:
            fitting = [change for change, kinds in FITTING.items() if types[one.feature] in kinds]
            return (
                f"mutation {one.change!r} of {one.feature!r}, which is a {types[one.feature]}; "
                f"that can have: {', '.join(fitting) or 'none'}"
            )
        if task is not Task.REGRESSION and one.bound > 1:
            return (
                f"mutation {one.change!r} of {one.feature!r} has bound = {one.bound:g}; probabilities move by at most 1"
            )
        size = (one.feature, one.change, one.step, one.factor)
        if size in seen:
            return f"mutation {one.change!r} of {one.feature!r} is declared twice"
        seen.add(size)
    return ""
