"""The command that scores a run on new patients."""

from rounds.cli.app import app
from rounds.cli.options import AllowCode, AsJson, Data, Run, ScoresPage, Sequences, Subgroup, Where
from rounds.cli.readable import print_json
from rounds.user_code import code_allowed


@app.command("evaluate")
def evaluate_command(
    run: Run,
    data: Data,
    where: Where = None,
    subgroup: Subgroup = None,
    sequences: Sequences = None,
    allow_code: AllowCode = False,
    out: ScoresPage = None,
    as_json: AsJson = False,
) -> None:
    """Score, calibration and drift on new patients of DATA whose outcomes are known."""
    from rounds.evaluation.evaluate import evaluate as evaluated

    with code_allowed(allow_code):
        record = evaluated(run, data, where, subgroup, sequences)
    if out is not None:
        from rounds.report.scores_page import evaluation_page, write_scores_page

        write_scores_page(evaluation_page(record), out)
    if as_json:
        print_json(record.content())
        return
    from rounds.cli.evidence_text import show_evaluation

    show_evaluation(record)
