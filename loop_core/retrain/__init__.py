"""Decision → pinned training set → Optuna × LightGBM search → registered model package.

Reading order: `training` (which rows), `folds` (how they are split in time), `space` and `objective` (what is tried and
what it is worth), `study` and `search` (the durable search), `calibrate` and `fit` (the package), `retrain` (the verb).
"""

from loop_core.retrain.bootstrap import bootstrap, bootstrap_external
from loop_core.retrain.retrain import RetrainResult, retrain
from loop_core.retrain.search import Budget
from loop_core.retrain.study import TrialView
from loop_core.retrain.training import TrainingSet, training_set

__all__ = [
    "Budget",
    "RetrainResult",
    "TrainingSet",
    "TrialView",
    "bootstrap",
    "bootstrap_external",
    "retrain",
    "training_set",
]
