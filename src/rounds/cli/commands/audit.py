"""The command that looks at what was trained elsewhere: a table of predictions, or a Keras model with data."""

from pathlib import Path
from typing import Annotated

import typer

from rounds.cli.app import app
from rounds.cli.options import AsJson, Positive, ScoresPage, Subgroup
from rounds.cli.readable import print_json
from rounds.errors import RoundsError
from rounds.foreign_files import shown


@app.command()
def audit(
    source: Annotated[str, typer.Argument(metavar="PREDICTIONS|MODEL", help="table of predictions, or a .keras file")],
    data: Annotated[str | None, typer.Argument(help="with a .keras file: table or NPZ it reads")] = None,
    label: Annotated[str | None, typer.Option("--label", help="column with the outcome (else: label)")] = None,
    score: Annotated[str | None, typer.Option("--score", help="column with the prediction (else: score)")] = None,
    patient: Annotated[str | None, typer.Option("--patient", help="column with the patient (else: patient)")] = None,
    split: Annotated[str | None, typer.Option("--split", help="column with train, test, ... (else: split)")] = None,
    subgroup: Subgroup = None,
    positive: Positive = None,
    out: ScoresPage = None,
    as_json: AsJson = False,
) -> None:
    """Say what can be said of a model trained elsewhere, without training it again."""
    from rounds.cli import evidence_text

    if source.lower().endswith(".keras"):
        from rounds.evaluation.audit.keras_model import audit_keras

        if out is not None:
            advice = "Leave it out: what stands out in a Keras model is printed"
            raise RoundsError("--out", "given with a table of predictions", name="out", got=str(out), advice=advice)
        model = audit_keras(source, data, label)
        print_json(model.content()) if as_json else evidence_text.show_keras_audit(model)
    else:
        from rounds.data.tables.reading import read_table
        from rounds.evaluation.audit.prediction_file import named_predictions
        from rounds.evaluation.audit.predictions import audit_predictions

        named = {"label": label, "score": score, "patient": patient, "split": split}
        table = read_table(source)
        record = audit_predictions(named_predictions(table.frame, named, positive, table.how), subgroup)
        if out is not None:
            from rounds.report.scores_page import audit_page, write_scores_page

            write_scores_page(audit_page(record, shown(Path(source).name)), out)
        print_json(record.content()) if as_json else evidence_text.show_audit(record)
