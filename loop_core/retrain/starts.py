"""Where a search starts from: the champion's parameters, and the defaults."""

from __future__ import annotations

from loop_core.errors import IntegrityError
from loop_core.models import manifest_of
from loop_core.retrain.search import Params
from loop_core.retrain.space import DEFAULTS, inside, ranges_of, searched
from loop_core.workspace import Loop


def champion_params(loop: Loop, parent: str | None) -> Params | None:
    """The champion's parameters inside the charter's ranges; None: there is no champion, or none that tells them."""
    if parent is None:
        return None
    try:
        params = searched(manifest_of(loop, parent).params)
    except IntegrityError:
        # Its files were changed: a retrain is one of the ways out, so it must not need them.
        return None
    # An external one has none.
    return inside(params, ranges_of(loop.charter)) if params else None


def first_params(loop: Loop, champion: Params | None) -> list[Params]:
    """The champion's parameters, where they are known, then the defaults; each once."""
    defaults = inside(DEFAULTS, ranges_of(loop.charter))
    return [defaults] if champion in (None, defaults) else [champion, defaults]
