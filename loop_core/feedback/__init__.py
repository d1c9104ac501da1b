"""What users say: trend by cohort and model version, and the items themselves beside the prediction they are about."""

from loop_core.feedback.intervals import mean_interval, wilson
from loop_core.feedback.items import FeedbackItem, FeedbackPage, feedback_items
from loop_core.feedback.mask import masked
from loop_core.feedback.trend import FeedbackPoint, feedback_trend

__all__ = [
    "FeedbackItem",
    "FeedbackPage",
    "FeedbackPoint",
    "feedback_items",
    "feedback_trend",
    "masked",
    "mean_interval",
    "wilson",
]
