"""The table of rules that read curves and measures, causes before symptoms."""

from rounds.examination.course_rules import COURSE_RULES
from rounds.examination.evidence import Run
from rounds.examination.rule import Rule

RULES: tuple[Rule[Run], ...] = (*COURSE_RULES,)
