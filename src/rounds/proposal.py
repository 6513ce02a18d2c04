"""A plan by amount of data, with the reason for every choice, for the user who says nothing."""

from dataclasses import dataclass
from math import log2
from typing import Any

from rounds.plan import Changes, Plan, make_plan, usual_patience
from rounds.task import Task

# Rows seen by one member: about where the best snapshot no longer moves on tables of 200 to 80,000 patients
# (benchmarks/shared_tables.py). Bounded by passes: small tables would train for ever.
ROWS_SEEN = 400_000
FEWEST_PASSES, MOST_PASSES = 12, 120
RECURRENT_ROWS_SEEN = 30_000  # on 4,000 stays of physionet2012 validation was best after 20,000
# Sixteen units each way beside 32 one way, at the same cost, out of fold on the development stays of one division of
# physionet2012 (no test stay was looked at): mean absolute error 6.702 and 6.776 days alone, 6.571 and 6.600 averaged
# with the networks of engineered features; AUROC of death 0.8247 and 0.8208, averaged 0.8428 and 0.8419.
RECURRENT_STEPS = 128  # longer recordings are left to filters: a recurrent network takes its steps one by one
ARRAY_ROWS_SEEN = 60_000  # a row costs a thousand times as much as one of a table
# A row of images costs ten times as much again. On pneumoniamnist the validation AUC of single networks was 0.982 and
# 0.994 after 8 passes, and 0.996 after 10 where two were averaged.
IMAGE_ROWS_SEEN, FEWEST_IMAGE_PASSES = 60_000, 8
IMAGE_SEEDS = 2  # where one validation part leaves only seeds to average over
STEPS_PER_PASS = 30
SMALLEST_BATCH, LARGEST_BATCH = 32, 256
# Networks of two sizes are averaged: chosen on validation folds of pima, cleveland, flchain and nhanes (never on their
# test rows), where the pair was ahead of either alone, as were the other numbers here.
FEW_ROWS, SEEDS_OF_FEW = 1_000, 3  # the luck of the draw weighs most where rows are few (cleveland), and time least
MANY_ROWS = 10_000  # from here on less dropout had the better validation (nhanes)
# From here on hidden units are normalized and weights penalised: ahead out of fold on the development rows of one
# division of diabetes130, on 65,000 and on 30,000 training rows, and behind on nhanes (14,000), which stays as it was
# (benchmarks/design_choices.py --proposed; test rows were not looked at). Neither alone is as good.
STEADIED_ROWS, STEADY_L2 = 30_000, 1e-4
MEASURES = 10  # of what happens inside a model of the user's own
EMBEDDED_NUMBERS = 60  # beyond, spreading out every number makes the first layer wider than it helps


Decided = dict[str, tuple[Any, str]]  # plan fields, and why each is so


@dataclass(frozen=True)
class Amount:
    """How much a member learns from: rows, patients, events (0: not a classification), and how many inputs; array: the
    (*space, channels) of images or recordings; hand: how many of the numbers are features engineered from it."""

    rows: int
    patients: int
    events: int
    numbers: int
    flags: int
    array: tuple[int, ...] = ()
    hand: int = 0


@dataclass(frozen=True)
class Proposal:
    """Plans of the population (the first is the main one), why each field is what it is, and how many seeds of each
    network are averaged where no judging folds share the time."""

    plans: tuple[Plan, ...]
    reasons: dict[str, str]
    seeds: int = 1


def propose(task: Task, amount: Amount, given: Changes, decided: Decided | None = None) -> Proposal:
    """Plans for this amount of data; what is `given` are the user's own choices and always win, then what is `decided`
    by what was given.

    >>> task = Task(kind="regression", targets=("y",))
    >>> propose(task, Amount(350, 350, 0, 10, 0), {}).plans[0].batch_size
    32
    """
    decided = decided or {}
    changes = {**{name: value for name, (value, _) in decided.items()}, **given}
    chosen: Decided = {
        **_schedule(amount),
        **_width(amount),
        **_embedding(amount),
        **_steadied(amount, changes),
        **_array(amount),
    }
    if changes.get("network") == "keras":  # the user's model has its widths, and spreads numbers out or not
        kept = ("learning_rate", *_AUGMENTED, *_AUGMENTED_SIGNAL, *(("epochs", "batch_size") if amount.array else ()))
        chosen = {**_schedule(amount), **{name: chosen[name] for name in kept if name in chosen}}
        epochs: Any = changes.get("epochs") or chosen["epochs"][0]
        chosen["measure_every"] = (max(1, epochs // MEASURES), f"about {MEASURES} looks into a model of your own")
    if changes.get("schedule") == "cyclic":
        chosen["patience"] = (0, "each restart of a cyclic schedule is worse at first, and must not stop a member")
    if changes.get("keep_best") == "none":
        chosen["patience"] = (0, "the last epoch is kept, so that training goes on to its end")
    values = {name: value for name, (value, _) in chosen.items()}
    reasons = {name: why for name, (_, why) in chosen.items()}
    reasons |= {name: why for name, (_, why) in decided.items()} | dict.fromkeys(given, "chosen by the user")
    reasons |= {} if given.get("seed") else {"seed": "as it comes"}
    main = make_plan(Plan(), {**values, **changes})
    if amount.hand and len(amount.array) == 2 and not (_OPEN - {"loss"}) & set(changes):
        return _recording_plans(main, amount, reasons, changes)
    if amount.array or _OPEN & set(changes):
        seeds = IMAGE_SEEDS if len(amount.array) == 3 and main.folds == 1 else 1
        return Proposal((main,), reasons, seeds)
    partner = main.change(hidden=(64, 64), dropout=round(main.dropout + 0.1, 2))  # type: ignore[operator]
    why = "two sizes of network are averaged: wide with less dropout, narrow with more"
    reasons |= {"hidden": why, "dropout": why, "learning_rate": _RATES_REASON}
    return Proposal((main, partner), reasons, SEEDS_OF_FEW if amount.rows < FEW_ROWS else 1)


# Fields with which a user says what the networks are: then all of them are so.
_OPEN = {
    "network",
    "hidden",
    "activation",
    "normalization",
    "residual",
    "skip_to_output",
    "dropout",
    "use_dropout",
    "number_embedding",
    "initializer",
    "bias_initializer",
    "output_activation",
    "loss",
    "optimizer",
    "learning_rate",
}
_RATES_REASON = "several rates train side by side and are averaged: no single one was best everywhere"


def _schedule(amount: Amount) -> dict[str, tuple[Any, str]]:
    passes = int(min(max(ROWS_SEEN / amount.rows, FEWEST_PASSES), MOST_PASSES))
    batch = 2 ** round(log2(max(amount.rows / STEPS_PER_PASS, 1)))
    batch = min(max(batch, SMALLEST_BATCH), LARGEST_BATCH)
    warmup = round(0.03 * passes, 2)
    return {
        "epochs": (passes, f"about {ROWS_SEEN:,} rows seen, at least {FEWEST_PASSES} and at most {MOST_PASSES} passes"),
        "batch_size": (
            batch,
            f"about {STEPS_PER_PASS} steps a pass over {amount.rows:,} rows, from {SMALLEST_BATCH} to {LARGEST_BATCH}",
        ),
        "warmup_epochs": (warmup, "3 % of the epochs: Adam's first steps rest on few gradients"),
        "patience": (usual_patience(passes), "an eighth of the epochs without a better validation"),
    }


def _width(amount: Amount) -> dict[str, tuple[Any, str]]:
    why = f"two layers for {amount.rows:,} training rows: deeper tables' networks seldom pay"
    rates = ((1e-3, 1e-2), _RATES_REASON)
    return {
        "hidden": ((128, 128), why),
        "dropout": _dropout(amount),
        "learning_rate": rates,
    }


def _dropout(amount: Amount) -> tuple[float, str]:
    if amount.rows < MANY_ROWS:
        return 0.3, f"{amount.rows:,} rows are few beside the weights"
    return 0.1, f"{amount.rows:,} rows hold the weights in check themselves"


# Fields with which a user takes normalization over, or its minibatches: the penalty goes with it, since alone it was
# worse than none on diabetes130 at admission.
_STEADYING = {"network", "normalization", "batch_size"}


def _steadied(amount: Amount, changes: Changes) -> dict[str, tuple[Any, str]]:
    """What tables of many rows want otherwise than small ones."""
    if amount.rows < STEADIED_ROWS or amount.array or _STEADYING & set(changes):
        return {}
    return {
        "normalization": ("batch", f"{amount.rows:,} rows give many steps, over which hidden units keep their size"),
        "l2": (STEADY_L2, "members at the higher rate learn rows by heart later, when their rate has fallen"),
    }


# Of images, when the user says nothing: as much as two pictures of one patient differ. Never mirrored.
_AUGMENTED = {
    "shift": (0.06, "patients do not stand on the same spot"),
    "zoom": (0.1, "patients and distances differ in size"),
    "rotate": (7.0, "patients do not stand quite upright"),
    "brightness": (0.3, "exposure differs"),
    "contrast": (0.3, "so do detectors"),
}

# Of recordings that filters read. On the 500 training beats of ecg5000, out of fold: log loss 0.0123 with, 0.0135
# without (of the filters alone 0.0727 and 0.0783); test beats were not looked at for it.
_AUGMENTED_SIGNAL = {
    "shift": (0.02, "beats are not cut at the very same moment"),
    "scaling": (0.1, "leads and gains differ"),
    "input_noise": (0.1, "so do electrodes"),
}


def _array(amount: Amount) -> dict[str, tuple[Any, str]]:
    """What images and recordings want otherwise than tables."""
    if not amount.array:
        return {}
    an_image = len(amount.array) == 3
    if amount.hand and not an_image and amount.array[0] <= RECURRENT_STEPS:
        return _recurrent(amount)
    seen, fewest = (IMAGE_ROWS_SEEN, FEWEST_IMAGE_PASSES) if an_image else (ARRAY_ROWS_SEEN, FEWEST_PASSES)
    passes = int(min(max(seen / amount.rows, fewest), MOST_PASSES))
    return {
        "network": ("convolutional", "filters find the same pattern wherever it lies"),
        "hidden": ((), "the mean over places goes straight to the output"),
        "normalization": ("batch", "keeps deep stacks of convolutions trainable at high rates"),
        "activation": ("relu", "cheap, and what convolutions are usually trained with"),
        "epochs": (passes, f"about {seen:,} rows seen, at least {fewest} and at most {MOST_PASSES} passes"),
        "batch_size": (64, "rows enough for steady batch statistics"),
        "learning_rate": (3e-3, "one rate, so that the time goes into several folds and seeds"),
        "dropout": (0.1, "of the units that enter the output"),
        **(_AUGMENTED if an_image else _AUGMENTED_SIGNAL),
    }


def _recurrent(amount: Amount) -> dict[str, tuple[Any, str]]:
    """What short recordings want otherwise than tables."""
    passes = int(min(max(RECURRENT_ROWS_SEEN / amount.rows, FEWEST_PASSES), MOST_PASSES))
    return {
        "network": ("recurrent", f"{amount.array[0]} steps, few enough to be taken one after another"),
        "recurrent": ((16,) if amount.rows < MANY_ROWS else (32,), f"units each way for {amount.rows:,} rows"),
        "bidirectional": (True, "what came first is not forgotten on the way to the end"),
        "hidden": ((), "the last state goes straight to the output"),
        "initializer": ("glorot_uniform", "of gates that saturate"),
        "epochs": (passes, f"about {RECURRENT_ROWS_SEEN:,} rows seen"),
        "batch_size": (64, "rows enough for a steady gradient"),
        "learning_rate": ((1e-3, 3e-3), _RATES_REASON),
        "dropout": (0.3, "of the states that enter the output"),
        "patience": (max(passes // 3, 4), "a third of the epochs without a better validation"),
    }


def _recording_plans(main: Plan, amount: Amount, reasons: dict[str, str], changes: Changes) -> Proposal:
    """The network of the recordings, and beside it those of a table of engineered features."""
    noise = {"input_noise": main.input_noise} if main.network == "convolutional" else {}
    schedule = {name: value for name, (value, _) in _schedule(amount).items()}
    fields, narrower = _engineered(amount)
    dense = make_plan(Plan(), {**schedule, **fields, **noise, **changes, "network": "dense", "hand_features": True})
    why = "networks of the recordings and of features engineered from them are averaged: they err on other patients"
    return Proposal((main, dense, dense.change(**narrower)), reasons | {"hand_features": why})


def _engineered(amount: Amount) -> tuple[Changes, Changes]:
    """Fields of the wider network of engineered features, and what the narrower has otherwise.

    Hundreds of features of few patients want narrow networks that are held back. Out of fold on the 2,560 development
    stays of physionet2012_a's first division, death, averaged with the recurrent networks: AUROC 0.847 and log loss
    0.298, where the networks of tables had 0.843 and 0.301.
    """
    dropout = _dropout(amount)[0]
    if amount.numbers > EMBEDDED_NUMBERS:
        wide = {"number_embedding": "piecewise", "hidden": (64, 64), "learning_rate": (1e-3, 3e-3)}
        return {**wide, "dropout": round(dropout + 0.2, 2)}, {"hidden": (32,)}
    wide = {name: value for name, (value, _) in {**_width(amount), **_embedding(amount)}.items()}
    return wide, {"hidden": (64, 64), "dropout": round(dropout + 0.1, 2)}


def _embedding(amount: Amount) -> dict[str, tuple[Any, str]]:
    if amount.numbers > EMBEDDED_NUMBERS:
        return {
            "number_embedding": ("none", f"{amount.numbers} numbers: spreading each out would drown the first layer")
        }
    return {"number_embedding": ("periodic", "bends and thresholds in single numbers are learned sooner")}
