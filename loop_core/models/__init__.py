"""Models as text and JSON: content-addressed packages, verified on load, and the register of who trained what."""

from loop_core.models.calibration import Calibration
from loop_core.models.differing import Difference, what_differs
from loop_core.models.encoding import Encoding
from loop_core.models.manifest import Manifest
from loop_core.models.package import Model
from loop_core.models.registry import (
    ModelView,
    manifest_of,
    register,
    register_external,
    register_logged,
    registered,
    train_end,
)
from loop_core.models.store import ModelStore

__all__ = [
    "Calibration",
    "Difference",
    "Encoding",
    "Manifest",
    "Model",
    "ModelStore",
    "ModelView",
    "manifest_of",
    "register",
    "register_external",
    "register_logged",
    "registered",
    "train_end",
    "what_differs",
]
