"""The command that shows the computational graph: values forward, gradients back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rounds.cli.app import app
from rounds.cli.options import AllowCode, AsJson
from rounds.cli.readable import print_json, say
from rounds.user_code import code_allowed

if TYPE_CHECKING:
    from rounds.graph.subjects.network_loss import LossBatch
    from rounds.graph.tape.backward import Graph

Source = Annotated[
    str, typer.Argument(metavar="RUN|FILE.py:FUNCTION", help="run folder, or a loss or Keras model in a Python file")
]
Data = Annotated[str | None, typer.Option("--data", help="table with outcomes whose first rows are the batch of a run")]
Rows = Annotated[int, typer.Option("--rows", help="rows of the batch of a run", min=10)]
Granularity = Annotated[str, typer.Option("--granularity", help="operations, layers, steps or auto")]


@app.command()
def graph(
    source: Source,
    data: Data = None,
    rows: Rows = 32,
    member: Annotated[int, typer.Option("--member", help="which network of a run", min=0)] = 0,
    granularity: Granularity = "auto",
    open_scans: Annotated[bool, typer.Option("--open-scans", help="every turn of a scan by itself")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="write an HTML page with the graph drawn")] = None,
    allow_code: AllowCode = False,
    as_json: AsJson = False,
) -> None:
    """Show the forward pass with every value, and the backward pass: incoming x local = gradient, down to each weight.

    A run folder is looked at on a synthetic batch, or with --data on the first rows of a table (of which no single
    value is shown). FILE.py is run: it defines FUNCTION(inputs), one number from a dictionary of arrays, and
    FUNCTION_inputs (or inputs), that dictionary. For a Keras model it defines MODEL_batch (or batch), a pair of inputs
    and targets, and perhaps MODEL_loss (or loss), a function of targets and outputs.
    """
    from rounds.errors import RoundsError
    from rounds.graph.view.summary import record_of, view_of
    from rounds.graph.view.text import text_of

    if out is not None and out.suffix != ".html":
        raise RoundsError("out", "a file that ends in .html", got=str(out), advice="Choose another name")
    with code_allowed(allow_code):
        made = _of_function(source, open_scans) if ".py:" in source else _of_run(source, data, rows, member)
    view = view_of(made, granularity, numbers=data is None)
    if out is not None:
        from rounds.files import write_whole
        from rounds.graph.view.page import page_of

        write_whole(out, page_of(view, source.rpartition("/")[2]))
    if as_json:
        print_json(record_of(view))
    else:
        say(text_of(view) if out is None else f"Graph written to {out}.")


def _of_function(source: str, open_scans: bool) -> "Graph":
    from rounds.graph.subjects.keras_model import UserModel, graph_of_model
    from rounds.graph.subjects.python_file import read_model_function
    from rounds.graph.subjects.user_graph import graph_of_user

    read = read_model_function(source)
    return graph_of_model(read, open_scans) if isinstance(read, UserModel) else graph_of_user(read, open_scans)


def _of_run(source: str, data: str | None, rows: int, member: int) -> "Graph":
    from rounds.graph.subjects.network_loss import network_loss, synthetic_batch
    from rounds.graph.tape.backward import graph_of
    from rounds.prediction.model_folder import load_predictor
    from rounds.prediction.table import model_folder
    from rounds.run_folder.plan import PlanFile

    run = Path(source)
    predictor = load_predictor(model_folder(run), member)
    part = predictor.parts[0]
    plan = PlanFile.read(run).main
    task = predictor.task
    batch = synthetic_batch(part.network, task, rows) if data is None else _batch(run, predictor, data, rows)
    weights = {name: array[0] for name, array in part.weights.items()}
    own = None if part.runner is None else part.runner.functional
    loss = network_loss(plan, task, part.network, weights, batch, own)
    return graph_of(loss.function, loss.weights, names=loss.names)


def _batch(run: Path, predictor: Any, data: str, rows: int) -> "LossBatch":
    """The first rows of a table with a known outcome, prepared as in training."""
    from rounds.evaluation.new_patients import read_patients
    from rounds.graph.subjects.network_loss import LossBatch
    from rounds.prediction.table import read_source
    from rounds.run_folder.dataset import DatasetFile
    from rounds.training.population.fold_data import network_targets

    new = read_patients(read_source(data, predictor), predictor, DatasetFile.read(run))
    targets = network_targets(predictor.task, predictor.target_scale, new.targets[:rows])
    return LossBatch(predictor.preparation.apply(new.inputs.head(rows), new.array), targets)
