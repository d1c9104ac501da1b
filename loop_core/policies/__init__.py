"""What would a trigger policy have done? History asked again: when it would have retrained, at what cost, for what loss.

Nothing here writes to lake or ledger. Reading order: `policy` (what is asked), `past` (the rows and what was known of
them), `learner` (the models that would have been trained), `seen` and `performed` (the findings there would have been),
`run` (one policy), `replay` (several, side by side), `result` and `store`.
"""

from loop_core.policies.policy import Policy, baselines, check_policy, fixed, parse_policy, policy_in_force, policy_text
from loop_core.policies.replay import ReplayRequest, replay_policies
from loop_core.policies.result import PolicyReplay, PolicyRun, ReplayedRetrain, WindowValue
from loop_core.policies.store import list_replays, load_replay, save_replay

__all__ = [
    "Policy",
    "PolicyReplay",
    "PolicyRun",
    "ReplayRequest",
    "ReplayedRetrain",
    "WindowValue",
    "baselines",
    "check_policy",
    "fixed",
    "list_replays",
    "load_replay",
    "parse_policy",
    "policy_in_force",
    "policy_text",
    "replay_policies",
    "save_replay",
]
