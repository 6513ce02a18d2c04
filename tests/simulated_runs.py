"""Runs of simulated patients whose chances are known, made without training: a linear model in a run folder."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from rounds.baselines.fit import fit_baselines, judged_inputs, save_baselines
from rounds.data.choices import Choices
from rounds.data.dataset import Dataset, Inputs, Split
from rounds.data.loading import load
from rounds.data.preparation.array_scale import ArrayScale
from rounds.data.preparation.preparation import Preparation
from rounds.data.splitting import split_dataset
from rounds.ensemble.judge import NETWORK, SINGLE, JudgedRows, Judgement, judge_rows
from rounds.evaluation.seen_patients import seen_frame
from rounds.files import write_json
from rounds.job.run_folder import dataset_record
from rounds.metrics import main_metric
from rounds.networks.network import Network
from rounds.prediction.model_folder import save_predictor
from rounds.prediction.predictor import NetworkPart, Predictor
from rounds.run_folder.metrics import EarlierUseRecord, MetricsFile, Selection
from rounds.statistics.training_profile import make_training_profile
from rounds.target_scale import TargetScale

CHOICES = {
    "binary": Choices(targets=("died",), positive="yes", group="patient"),
    "regression": Choices(targets=("days",), group="patient"),
    "multiclass": Choices(targets=("stage",), kind="multiclass", group="patient"),
    "multilabel": Choices(targets=("sepsis", "stroke"), kind="multilabel", group="patient"),
}
OTHERS = {"died", "days", "stage", "sepsis", "stroke"}


def simulate(rows: int, seed: int = 0, first: int = 0, age: float = 60.0) -> pl.DataFrame:
    """Patients with one to three stays each, and outcomes of every kind; `chance` is the true one of dying."""
    draw = np.random.default_rng(seed)
    owner = np.sort(draw.integers(0, max(2, rows * 2 // 3), rows)) + first
    years = draw.normal(age, 15, rows)
    sex = draw.choice(["F", "M"], rows)
    creatinine = np.where(draw.random(rows) < 0.1, np.nan, draw.lognormal(0, 0.4, rows))
    log_odds = -1.0 + 0.06 * (years - 60) + 0.5 * (sex == "M") + 0.8 * np.log(np.nan_to_num(creatinine, nan=1.0))
    chance = 1 / (1 + np.exp(-log_odds))
    return pl.DataFrame(
        {
            "patient": [f"p{code:06d}" for code in owner],
            "age": years,
            "sex": sex,
            "creatinine": pl.Series(creatinine).fill_nan(None),
            "died": np.where(draw.random(rows) < chance, "yes", "no"),
            "days": 5 + 3 * log_odds + draw.normal(0, 2, rows),
            "stage": draw.choice(["I", "II", "III"], rows),
            "sepsis": (draw.random(rows) < chance).astype(int),
            "stroke": (draw.random(rows) < 0.3).astype(int),
        }
    )


@dataclass(frozen=True)
class SimulatedRun:
    folder: Path
    dataset: Dataset
    split: Split
    predictor: Predictor
    judged: JudgedRows
    validation: JudgedRows


def make_run(folder: Path, kind: str, rows: int = 1500) -> SimulatedRun:
    """A run folder as training leaves it, with a straight line for a network."""
    choices = CHOICES[kind]
    table = simulate(rows).drop(OTHERS - set(choices.targets))
    dataset = load(table, choices)
    split = split_dataset(dataset, split_seed=1, nested=False)
    predictor = fit_line(dataset, split.development)
    baselines = fit_baselines(dataset, split.development, predictor.target_scale, 0)
    frame = judged_inputs(dataset, split.test)
    values = predictor.predict(frame).values
    judged = JudgedRows(split.test, {NETWORK: values, SINGLE: values} | {b.name: b.predict(frame) for b in baselines})
    validation = JudgedRows(split.development, {NETWORK: out_of_fold(dataset, split)})
    save_predictor(folder / "model", predictor)
    save_baselines(folder / "baselines", baselines)
    dataset_record(dataset, split, 1).write(folder)
    metrics_of(dataset, judge_rows(dataset, judged)).write(folder)
    write_json(folder / "reference.json", make_training_profile(dataset, split.development))
    seen_frame(dataset, split).write_parquet(folder / "seen.parquet")
    return SimulatedRun(folder, dataset, split, predictor, judged, validation)


def metrics_of(dataset: Dataset, judgement: Judgement) -> MetricsFile:
    """metrics.json with what was judged, and nothing of a training."""
    return MetricsFile(
        task=dataset.task,
        test_kind="held-out",
        main_metric=main_metric(dataset.task),
        unit=dataset.task.unit,
        statistic="",
        validation={},
        test=judgement.test,
        single_network=judgement.single_network,
        baselines=judgement.baselines,
        difference=judgement.difference,
        members=1,
        ensemble=Selection(rule="", reason=""),
        configurations_tried=1,
        rows={},
        patients={},
        ledger=EarlierUseRecord(times_before=0, note=""),
        versions={},
    )


def fit_line(dataset: Dataset, rows: np.ndarray) -> Predictor:
    """scikit-learn's linear or logistic regression on prepared inputs, as a network of one layer."""
    task = dataset.task
    preparation = Preparation.fit(dataset.columns, dataset.inputs, rows)
    made = preparation.apply(dataset.inputs[rows])
    design = np.concatenate([made.numbers, made.flags], axis=1)
    scale = TargetScale.fit(task, dataset.targets[rows])
    fits = [_fit(task.kind, design, y) for y in scale.forward(dataset.targets[rows]).T]
    kernel = np.concatenate([np.atleast_2d(f.coef_) for f in fits]).T
    bias = np.concatenate([np.atleast_1d(f.intercept_) for f in fits])
    output = {"regression": "linear", "multiclass": "softmax"}.get(task.kind, "sigmoid")
    network = Network(
        kind="linear",
        numbers=made.numbers.shape[1],
        flags=made.flags.shape[1],
        outputs=task.outputs,
        output_activation=output,
    )
    weights = {"output/kernel": kernel[None].astype("f4"), "output/bias": bias[None].astype("f4")}
    return Predictor(task, preparation, scale, (NetworkPart(network, weights, np.ones(1)),), dataset.columns)


def _fit(kind: str, design: np.ndarray, y: np.ndarray):
    return (LinearRegression() if kind == "regression" else LogisticRegression(C=np.inf)).fit(design, y)


def out_of_fold(dataset: Dataset, split: Split) -> np.ndarray:
    made = np.empty((dataset.rows, dataset.task.outputs))
    for held in split.folds:
        learned = np.setdiff1d(split.development, held)
        made[held] = fit_line(dataset, learned).predict(dataset.inputs[held]).values
    return made[split.development]


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """make(kind) -> SimulatedRun, each made once; tests copy the folder before they change it."""
    made: dict[str, SimulatedRun] = {}

    def make(kind: str = "binary") -> SimulatedRun:
        if kind not in made:
            made[kind] = make_run(tmp_path_factory.mktemp("runs") / kind, kind)
        return made[kind]

    return make


@pytest.fixture(scope="session")
def new_patients():
    """make(rows, ...) -> a table of patients that training did not have."""

    def make(rows: int, seed: int = 99, age: float = 60.0) -> pl.DataFrame:
        return simulate(rows, seed, first=1_000_000, age=age)

    return make


MADE_UP_ROWS = 40


@pytest.fixture(scope="session")
def made_up():
    """make(shape) -> prepared inputs of that shape."""

    def make(shape, seed: int = 0) -> Inputs:
        draw = np.random.default_rng(seed)
        codes = (
            np.stack([draw.integers(0, n, MADE_UP_ROWS) for n in shape.levels], 1)
            if shape.levels
            else np.zeros((MADE_UP_ROWS, 0))
        )
        return Inputs(
            draw.normal(0, 1.5, (MADE_UP_ROWS, shape.numbers)).astype("f4"),
            draw.integers(0, 2, (MADE_UP_ROWS, shape.flags)).astype("f4"),
            codes.astype("i4"),
            draw.normal(100, 40, (MADE_UP_ROWS, *shape.array)).astype("f4") if shape.array else None,
        )

    return make


def random_part(network: Network, members: int, total: int, seed: int) -> NetworkPart:
    draw = np.random.default_rng(seed)
    shapes = weight_shapes(network)
    weights = {name: draw.normal(0, 0.4, (members, *shape)).astype("f4") for name, shape in shapes.items()}
    for name in weights:
        if name.endswith("moving_variance"):
            weights[name] = np.abs(weights[name]) + 0.5
        if name.startswith("grid/"):
            weights[name] = np.full_like(weights[name], 97.0 if name.endswith("mean") else 41.0)
        if name.endswith("edges"):
            weights[name] = np.sort(weights[name], axis=-1) + np.arange(shapes[name][1], dtype="f4")
    return NetworkPart(network, weights, np.full(members, 1 / total))


def weight_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    f, p, w = network.numbers, network.frequencies, network.embedding_width
    shapes: dict[str, tuple[int, ...]] = {}
    if network.number_embedding == "periodic":
        shapes |= {"numbers/frequencies": (f, p), "numbers/kernel": (f, 2 * p, w), "numbers/bias": (f, w)}
    if network.number_embedding == "piecewise":
        shapes |= {"numbers/edges": (f, p + 1), "numbers/kernel": (f, p, w), "numbers/bias": (f, w)}
    for i, (levels, width) in enumerate(zip(network.levels, network.code_widths, strict=True)):
        shapes[f"code_{i}/embeddings"] = (levels, width)
    shapes |= encoder_shapes(network) if network.array else {}
    before = network.features
    for i, width in enumerate(network.hidden):
        shapes[f"hidden_{i}/kernel"] = (before, width)
        if network.normalization != "batch":
            shapes[f"hidden_{i}/bias"] = (width,)
        if network.normalization != "none":
            shapes |= {f"norm_{i}/gamma": (width,), f"norm_{i}/beta": (width,)}
        if network.normalization == "batch":
            shapes |= {f"norm_{i}/moving_mean": (width,), f"norm_{i}/moving_variance": (width,)}
        before = width
    shapes |= {"output/kernel": (before, network.outputs), "output/bias": (network.outputs,)}
    if network.skip_to_output:
        shapes["skip/kernel"] = (network.features, network.outputs)
    return shapes


def encoder_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    parts = {"none": (), "layer": ("gamma", "beta"), "batch": ("gamma", "beta", "moving_mean", "moving_variance")}
    shapes: dict[str, tuple[int, ...]] = {f"grid/{part}": network.array[-1:] for part in ("mean", "spread")}
    entering, size = network.array[-1], [network.filter_size] * (len(network.array) - 1)
    for block, width in enumerate(network.filters):
        if network.block == "residual" and (entering != width or network.step(block, 0) > 1):
            shapes[f"shortcut_{block}/kernel"] = (*[1] * len(size), entering, width)
        for index in range(network.block_depth):
            if index:
                entering = width * (index if network.block == "dense" else 1)
            name = f"{block}_{index}"
            shapes[f"conv_{name}/kernel"] = (*size, entering, width)
            shapes |= {f"conv_norm_{name}/{part}": (width,) for part in parts[network.normalization]}
            shapes |= {f"conv_{name}/bias": (width,)} if network.normalization != "batch" else {}
        entering = width * (network.block_depth if network.block == "dense" else 1)
    return shapes


@pytest.fixture(scope="session")
def native():
    """predict(predictor, inputs) -> [N, T] in the user's unit, by NumPy."""

    def predict(predictor: Predictor, inputs: Inputs) -> np.ndarray:
        return predictor.target_scale.backward(predictor.average(predictor.outputs(inputs)))

    return predict


@pytest.fixture
def random_predictor(runs):
    """make(task, **fields of the network) -> five members in two parts with random weights."""

    def make(task: str = "binary", **options) -> Predictor:
        base = runs(task).predictor
        shape = base.preparation.shape
        fields = {
            "kind": "dense",
            "numbers": shape.numbers,
            "flags": shape.flags,
            "levels": shape.levels,
            "hidden": (8, 8),
            "outputs": base.task.outputs,
            "output_activation": base.parts[0].network.output_activation,
        }
        network = Network(**{**fields, **options})
        return replace(base, parts=(random_part(network, 3, 5, 0), random_part(network, 2, 5, 1)))

    return make


@pytest.fixture
def image_predictor(random_predictor):
    """make(grid, dtype, **fields of the network) -> members with random weights that read such a grid."""

    def make(array: tuple[int, ...], dtype: str = "uint8", **options) -> Predictor:
        fields = {"kind": "convolutional", "filters": (3, 4), "stride": 2, "hidden": (), "array": array}
        made = random_predictor(**{**fields, **options})
        scale = ArrayScale(shape=array, dtype=dtype, mean=(97.0,) * array[-1], spread=(41.0,) * array[-1])
        return replace(made, preparation=made.preparation.model_copy(update={"array": scale}))

    return make


# Shape of an image or signal, and the build of a network that reads it.
ARRAY_BUILDS = [
    ((7, 6, 1), {"normalization": "batch"}),
    ((8, 9, 3), {"normalization": "layer", "block": "residual", "block_depth": 2}),
    ((9, 8, 1), {"block": "dense", "block_depth": 3, "hidden": (5,), "filter_size": 4}),
    ((11, 2), {"block": "residual", "normalization": "batch", "activation": "silu"}),
    ((3, 4, 2), {"kind": "dense", "filters": ()}),
    ((5, 5, 1), {"numbers": 0, "flags": 0, "activation": "softmax"}),
]


@pytest.fixture(params=ARRAY_BUILDS)
def array_build(request):
    return request.param
