"""The command that scores a run on new patients."""

import json

from rounds.cli.app import app
from rounds.cli.options import AsJson, Data, Run, Sequences, Subgroup, Where


@app.command()
def evaluate(
    run: Run,
    data: Data,
    where: Where = None,
    subgroup: Subgroup = None,
    sequences: Sequences = None,
    as_json: AsJson = False,
) -> None:
    """Score, calibration and drift on new patients of DATA whose outcomes are known."""
    from rounds.inference.evaluation import evaluate as evaluated

    record = evaluated(run, data, where, subgroup, sequences)
    if as_json:
        print(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False))
        return
    from rounds.cli.evidence_text import show_evaluation

    show_evaluation(record)
