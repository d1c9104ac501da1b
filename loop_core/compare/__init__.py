"""Champion against challenger on rows neither has seen → scorecard, gates, badge and one sentence."""

from loop_core.compare.card import ModelCard, model_card
from loop_core.compare.cells import all_cells
from loop_core.compare.comparison import compare
from loop_core.compare.contract_check import contract_check
from loop_core.compare.contract_result import ContractResult
from loop_core.compare.declare import declare_slice, declared_as
from loop_core.compare.estimate import Estimate, NotEstimable
from loop_core.compare.export import scorecard_html
from loop_core.compare.fairness import fairness
from loop_core.compare.fairness_result import FairnessResult, GroupRate
from loop_core.compare.flip_counts import FlipCount
from loop_core.compare.flips import Flip, Flips, flips
from loop_core.compare.forecasts import Forecast, Outcome, forecast_outcomes
from loop_core.compare.groups import Grouping, everybody, groupings
from loop_core.compare.metrics import METRICS, Pairs, Terms, estimate, estimates
from loop_core.compare.mutation_result import MutationResult
from loop_core.compare.mutations import mutation_tests
from loop_core.compare.overlay import calibration_overlay
from loop_core.compare.overrides import Override, overriders, overrides_of, standing
from loop_core.compare.rival_result import Comparisons, Rival, Standing
from loop_core.compare.rivals import compare_many, latest_comparisons
from loop_core.compare.scorecard import Cell, GateResult, Scorecard
from loop_core.compare.selftest import HarmRate, SelfTest, latest_selftest, selftest
from loop_core.compare.since import Since, since_then
from loop_core.compare.slice_result import Slice, SliceSearch
from loop_core.compare.slices import find_slices
from loop_core.compare.store import latest_scorecard, load_scorecard
from loop_core.compare.tradeoff import Candidate, Tradeoff, tradeoff
from loop_core.compare.tradeoffs import latest_tradeoff, save_tradeoff
from loop_core.compare.verdict import rows_needed, verdict
from loop_core.compare.worth import forecast, usual_seconds
from loop_core.monitor.units import Units

__all__ = [
    "METRICS",
    "Candidate",
    "Cell",
    "Comparisons",
    "ContractResult",
    "Estimate",
    "FairnessResult",
    "Flip",
    "FlipCount",
    "Flips",
    "Forecast",
    "GateResult",
    "GroupRate",
    "Grouping",
    "HarmRate",
    "ModelCard",
    "MutationResult",
    "NotEstimable",
    "Outcome",
    "Override",
    "Pairs",
    "Rival",
    "Scorecard",
    "SelfTest",
    "Since",
    "Slice",
    "SliceSearch",
    "Standing",
    "Terms",
    "Tradeoff",
    "Units",
    "all_cells",
    "calibration_overlay",
    "compare",
    "compare_many",
    "contract_check",
    "declare_slice",
    "declared_as",
    "estimate",
    "estimates",
    "everybody",
    "fairness",
    "find_slices",
    "flips",
    "forecast",
    "forecast_outcomes",
    "groupings",
    "latest_comparisons",
    "latest_scorecard",
    "latest_selftest",
    "latest_tradeoff",
    "load_scorecard",
    "model_card",
    "mutation_tests",
    "overriders",
    "overrides_of",
    "rows_needed",
    "save_tradeoff",
    "scorecard_html",
    "selftest",
    "since_then",
    "standing",
    "tradeoff",
    "usual_seconds",
    "verdict",
]
