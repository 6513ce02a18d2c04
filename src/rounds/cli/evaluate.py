"""The command that scores a run on new patients."""

import json

from rounds.cli.app import app
from rounds.cli.options import AllowCode, AsJson, Data, Run, Sequences, Subgroup, Where
from rounds.user_code import code_allowed


@app.command()
def evaluate(
    run: Run,
    data: Data,
    where: Where = None,
    subgroup: Subgroup = None,
    sequences: Sequences = None,
    allow_code: AllowCode = False,
    as_json: AsJson = False,
) -> None:
    """Score, calibration and drift on new patients of DATA whose outcomes are known."""
    from rounds.evaluation.evaluate import evaluate as evaluated

    with code_allowed(allow_code):
        record = evaluated(run, data, where, subgroup, sequences)
    if as_json:
        print(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False))
        return
    from rounds.cli.evidence_text import show_evaluation

    show_evaluation(record)
