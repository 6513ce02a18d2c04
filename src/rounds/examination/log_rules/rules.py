"""The table of rules for logs, in the order in which what they find is acted on."""

from rounds.examination.log_rules import ending, fitting, losing
from rounds.examination.logs.logged_run import LoggedRun
from rounds.examination.rule import Rule

_EVERY = [rule for file in (losing, fitting, ending) for rule in vars(file).values() if isinstance(rule, Rule)]
LOG_RULES: tuple[Rule[LoggedRun], ...] = tuple(sorted(_EVERY, key=lambda rule: rule.place))
