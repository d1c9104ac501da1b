"""Decision → pinned training set → Optuna × LightGBM search → registered model package.

Reading order: `training` and `weighting` (which rows, and how much each counts), `folds` (how they are split in time),
`learning`, `space` and `objective` (what is tried and what it is worth), `study`, `search`, `apart` and `clock` (the durable
search, its process and its time), `executors` (where trials run: here, or on a Dask cluster), `inspection` and `suspects` (what is odd about the rows), `calibrate` and `fit` (the package), `retrain` (the verb), `reproduce` (the verb again).
"""

from loop_core.retrain.bootstrap import bootstrap, bootstrap_external
from loop_core.retrain.inspection import Check
from loop_core.retrain.live import LiveSearch, LiveTrial, live_search
from loop_core.retrain.reproduce import Reproduction, reproduce
from loop_core.retrain.result import RetrainResult
from loop_core.retrain.retrain import retrain
from loop_core.retrain.search import Budget
from loop_core.retrain.spending import Spent, spending
from loop_core.retrain.study import TrialView
from loop_core.retrain.training import TrainingSet, training_set

__all__ = [
    "Budget",
    "Check",
    "LiveSearch",
    "LiveTrial",
    "Reproduction",
    "RetrainResult",
    "Spent",
    "TrainingSet",
    "TrialView",
    "bootstrap",
    "bootstrap_external",
    "live_search",
    "reproduce",
    "retrain",
    "spending",
    "training_set",
]
