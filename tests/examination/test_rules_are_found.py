"""No rule and no remedy can stand where nobody looks: each is a name of a file in the folders that are searched."""

import ast
from pathlib import Path

import rounds
from rounds.examination import data_rules, log_rules, training_rules
from rounds.examination.rules import records_in, rules_of_data, rules_of_logs, rules_of_training
from rounds.prescription import remedies
from rounds.prescription.remedies.remedy import Remedy

SOURCE = Path(rounds.__file__).parent
MAKERS = {"Rule", "Remedy", "setting"}
SEARCHED = {Path(package.__path__[0]) for package in (data_rules, log_rules, training_rules, remedies)}


def made(tree: ast.AST) -> list[ast.Call]:
    """Calls that make a rule or a remedy, `Rule[LoggedRun](...)` too."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [(call, call.func.value if isinstance(call.func, ast.Subscript) else call.func) for call in calls]
    return [call for call, name in names if isinstance(name, ast.Name) and name.id in MAKERS]


def test_each_is_a_name_of_a_file_that_is_searched() -> None:
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = [node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
        elsewhere = [call for call in made(tree) if call not in named or path.parent not in SEARCHED]
        assert not elsewhere or path.name == "remedy.py", f"{path}:{elsewhere[0].lineno}"


def test_what_is_searched_is_found_once() -> None:
    lists = (rules_of_data(), rules_of_training(), rules_of_logs())
    counts = [len({rule.code for rule in rules}) for rules in lists]
    assert counts == [len(rules) for rules in lists]
    files = [ast.parse(p.read_text(encoding="utf-8")) for folder in SEARCHED for p in folder.glob("*.py")]
    written = sum(len(made(tree)) for tree in files)
    assert sum(counts) + len(records_in(remedies, Remedy)) == written - 1, "one call is in `setting` itself"
