"""How much each feature decides: the champion's mean |SHAP| shares, so that drift can be weighed by what it moves."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from threading import Lock

import numpy as np

from loop_core.errors import LoopbenchError
from loop_core.labels import read_at
from loop_core.lake import quoted
from loop_core.models import Manifest, Model, ModelStore, manifest_of
from loop_core.monitor.profiles import reference_span
from loop_core.workspace import Loop

#: Rows of the reference that are explained; more would not change a share by a percent.
ROWS = 5_000
#: Champions whose shares stay in memory.
KEPT = 64
Shares = Mapping[str, float]


def importance(loop: Loop, as_of: datetime) -> Shares | None:
    """The champion's features and their shares of its mean absolute SHAP values, largest first; they add up to 1.

    Args:
        loop: the loop.
        as_of: UTC instant: whose champion.

    Returns:
        None where they cannot be told: no champion, one that is external (known by its scores only) or damaged (see
        `check_model`), or no reference.

    Source: Lundberg & Lee 2017; exact for trees by Lundberg et al. 2020, computed by LightGBM (`pred_contrib`).
    """
    champion = loop.champion(as_of)
    if champion is None or not _readable(loop, champion):
        return None
    key = (*loop.identity, champion)
    with _LOCK:
        if key in _KEPT:
            return _KEPT[key]
    shares = _shares(loop, as_of, ModelStore(loop.workspace).load(champion))
    if shares is not None:
        with _LOCK:
            _KEPT[key] = shares
            while len(_KEPT) > KEPT:
                _KEPT.popitem(last=False)
    return shares


def _readable(loop: Loop, champion: str) -> bool:
    try:
        return manifest_of(loop, champion).kind != "external"
    except LoopbenchError:
        return False


def _shares(loop: Loop, as_of: datetime, model: Model) -> Shares | None:
    span = reference_span(loop, as_of)
    if span is None:
        return None
    columns = ", ".join(quoted(name) for name in model.encoding.names)
    # The smallest hashes are an even sample, and the same one on every machine.
    rows = read_at(loop, as_of).frame(
        f"select {columns} from predictions where predicted_at >= $first and predicted_at < $last"
        f" order by md5(prediction_id) limit {ROWS}",
        first=span[0],
        last=span[1],
    )
    if not rows.height:
        return None
    parts = model.booster.predict(model.encoding.transform(rows), pred_contrib=True, num_threads=1)
    return mean_shares(np.asarray(parts, dtype=np.float64), model.manifest)


def mean_shares(parts: np.ndarray, manifest: Manifest) -> Shares:
    """(n, classes · (features + 1)) contributions, the last of each class its constant → shares by feature."""
    width = len(manifest.features) + 1
    size = np.abs(parts.reshape(len(parts), -1, width)[..., :-1]).mean(axis=(0, 1))
    shares = size / size.sum() if size.sum() > 0 else np.full(len(size), 1 / len(size))
    ordered = sorted(zip(manifest.features, shares, strict=True), key=lambda pair: (-pair[1], pair[0]))
    return {name: float(share) for name, share in ordered}


_KEPT: OrderedDict[tuple[str, str, str], Shares] = OrderedDict()
_LOCK = Lock()
