"""The table of rules for logs, in the order in which what they find is acted on."""

from rounds.examination.log_rules.ending import ENDING_RULES
from rounds.examination.log_rules.fitting import FITTING_RULES
from rounds.examination.log_rules.losing import LOSING_RULES
from rounds.examination.logs.logged_run import LoggedRun
from rounds.examination.rule import Rule

_EVERY = {rule.code: rule for rule in (*LOSING_RULES, *FITTING_RULES, *ENDING_RULES)}
ORDER = (
    "diverged",
    "unstable",
    "not-learning",
    "overfitting",
    "still-improving",
    "learning-rate-too-low",
    "implausible-score",
    "shifted-validation",
    "misleading-metric",
    "validation-too-small",
    "plateau",
    "cannot-be-told",
)
LOG_RULES: tuple[Rule[LoggedRun], ...] = tuple(_EVERY[code] for code in ORDER)
