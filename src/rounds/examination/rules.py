"""The table of rules that read curves and measures, causes before symptoms."""

from rounds.examination.rule import Rule
from rounds.examination.run import Run
from rounds.examination.training_rules.convergence import COURSE_RULES
from rounds.examination.training_rules.fit import FIT_RULES
from rounds.examination.training_rules.images_and_recordings import ARRAY_RULES
from rounds.examination.training_rules.inside import INSIDE_RULES
from rounds.examination.training_rules.start import START_RULES
from rounds.examination.training_rules.step_size import RATE_RULES
from rounds.examination.training_rules.worth import WORTH_RULES

_FAMILIES = (WORTH_RULES, START_RULES, RATE_RULES, FIT_RULES, INSIDE_RULES, ARRAY_RULES, COURSE_RULES)
_EVERY = {rule.code: rule for family in _FAMILIES for rule in family}
# Where two causes are seen, the one that acts first comes first; symptoms come after all of them.
ORDER = (
    "implausible-score",
    "loss-output-mismatch",
    "frozen-layer",
    "unscaled-inputs",
    "tiny-batch-statistics",
    "poor-initialization",
    "learning-rate-too-high",
    "not-shuffled",
    "misleading-metric",
    "augmentation-too-strong",
    "over-regularized",
    "vanishing-gradients",
    "decayed-too-early",
    "learning-rate-too-low",
    "validation-too-small",
    "dead-units",
    "saturated-units",
    "exploding-gradients",
    "diverged",
    "still-improving",
    "overfitting",
    "plateau",
    "unstable",
    "validation-better",
    "underfitting",
    "not-learning",
    "gaps-unread",
    "no-better-than-baseline",
)
RULES: tuple[Rule[Run], ...] = tuple(_EVERY[code] for code in ORDER)
