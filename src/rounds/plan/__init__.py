"""Every choice of one training: the record, what text and files make of it, and which choices would change nothing.

A plan comes from the proposal, a file, the command line or a remedy, and goes to `training`.

Read first: plan.py.
"""

from rounds.plan.no_effect import PlanContext, PlanNote, plan_notes
from rounds.plan.plan import (
    REFERENCE_BATCH,
    Bounds,
    Plan,
    describe_range,
    setting_names,
    structure_names,
    usual_patience,
)
from rounds.plan.text import Changes, make_plan, parse_value, plan_table, read_plan_file

__all__ = [
    "REFERENCE_BATCH",
    "Bounds",
    "Changes",
    "Plan",
    "PlanContext",
    "PlanNote",
    "describe_range",
    "make_plan",
    "parse_value",
    "plan_notes",
    "plan_table",
    "read_plan_file",
    "setting_names",
    "structure_names",
    "usual_patience",
]
