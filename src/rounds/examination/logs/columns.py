"""What a column, tag or key of a log means, by its name: a split and a metric."""

import re
from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "validation", "test"]
Kind = Literal["loss", "error", "score", "rate", "position", "other"]
LOSS = ""  # the metric of the loss that was minimised, whatever it was called

SPLIT_WORDS: dict[str, Split] = {
    **dict.fromkeys(("train", "training", "trn", "tr", "learn", "fit"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "eval", "evaluation", "dev", "vl", "vld", "holdout"), "validation"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
}
GENERATORS, DISCRIMINATORS = {"generator", "gen", "g"}, {"discriminator", "critic", "disc", "d"}
ADVERSARIES = GENERATORS | DISCRIMINATORS  # two networks that play against each other
_POSITIONS = {"epoch", "step", "iteration", "iter", "batch", "global_step", "round", "trained_iterations", "task_id"}
_LOSSES = {
    "loss",
    "objective",
    "cost",
    "nll",
    "crossentropy",
    "ce",
    "bce",
    "logloss",
    "multi_logloss",
    "binary_logloss",
    "mlogloss",
    "criterion",
    "deviance",
    "elbo",
}
_ERRORS = {
    "mse",
    "rmse",
    "mae",
    "mape",
    "msle",
    "l1",
    "l2",
    "error",
    "err",
    "wer",
    "cer",
    "perplexity",
    "ppl",
    "fid",
    "hd95",
    "hausdorff",
    "merror",
    "quantile",
    "huber",
    "brier",
    "distance",
}
_SCORES = {
    "acc",
    "accuracy",
    "auc",
    "auroc",
    "rocauc",
    "auprc",
    "prauc",
    "ap",
    "map",
    "map50",
    "map75",
    "f1",
    "fscore",
    "f2",
    "dice",
    "dsc",
    "iou",
    "miou",
    "jaccard",
    "precision",
    "recall",
    "sensitivity",
    "specificity",
    "sens",
    "spec",
    "r2",
    "kappa",
    "mcc",
    "bleu",
    "rouge",
    "psnr",
    "ssim",
    "score",
    "top1",
    "top5",
    "correlation",
    "pearson",
    "spearman",
    "ndcg",
    "cindex",
    "correct",
    "aucs",
    "prec",
    "rec",
    "aurocs",
    "aps",
}
BOUNDED = _SCORES - {"bleu", "rouge", "psnr", "score", "r2", "kappa", "mcc", "correlation", "pearson", "spearman"}
_FILLERS = {
    "history",
    "hist",
    "log",
    "logs",
    "epoch",
    "step",
    "avg",
    "average",
    "mean",
    "running",
    "curve",
    "values",
    "list",
    "per",
    "current",
    "metrics",
    "metric",
    "scores",
    "s",
    "weighted",
    "macro",
    "micro",
    "global",
    "foreground",
    "categorical",
    "binary",
    "sparse",
    "final",
    "total",
    "overall",
    "all",
    "sum",
    "output",
}
_TIMES = {"time", "runtime", "seconds", "duration", "elapsed", "eta", "timestamp", "date", "second", "took", "hours"}
_NO_COURSE = {"norm", "grad", "best", "min", "max", "lowest", "highest", "counter", "patience", "std"}
_PHRASES = (
    ("root_mean_squared_error", "rmse"),
    ("mean_squared_error", "mse"),
    ("mean_absolute_error", "mae"),
    ("mean_absolute_percentage_error", "mape"),
    ("cross_entropy", "crossentropy"),
    ("learning_rate", "lr"),
    ("log_loss", "logloss"),
    ("roc_auc", "rocauc"),
    ("pr_auc", "prauc"),
    ("c_index", "cindex"),
    ("average_precision", "ap"),
    ("hold_out", "holdout"),
    ("f_score", "fscore"),
    ("f1_score", "f1"),
    ("dice_score", "dice"),
    ("dice_coefficient", "dice"),
    ("dice_coef", "dice"),
    ("iou_score", "iou"),
    ("mean_io_u", "miou"),
    ("mean_iou", "miou"),
    ("accuracy_score", "accuracy"),
    ("m_ap", "map"),
)
_SINGULAR = {
    "losses": "loss",
    "accs": "acc",
    "accuracies": "accuracy",
    "epochs": "epoch",
    "steps": "step",
    "errors": "error",
    "iterations": "iteration",
    "it": "iteration",
    "iters": "iteration",
    "f1s": "f1",
    "lrs": "lr",
    "dices": "dice",
}
_SHORT = {"tloss": "trainloss", "vloss": "valloss", "tacc": "trainacc", "vacc": "valacc"}
_GLUED = re.compile(r"^(train|training|validation|valid|val|test|eval)(loss|acc|accuracy|auc|f1|dice|iou|mse|mae)s?$")


@dataclass(frozen=True)
class Meaning:
    """split: train where none is named; metric: words without the split (LOSS where it is simply the loss); kind:
    lower is better for losses and errors, higher for scores; named: whether the split was named."""

    split: Split
    metric: str
    kind: Kind
    named: bool = True

    @property
    def bounded(self) -> bool:
        """Whether it lies between 0 and 1 (or 0 and 100)."""
        return self.kind == "score" and bool(set(self.metric.split("_")) & BOUNDED)

    @property
    def negated(self) -> bool:
        """Whether scikit-learn's sign is on it: neg_log_loss, higher is better."""
        return self.metric.startswith("neg_")


def meaning(name: str) -> Meaning:
    """What a name says.

    >>> meaning("val_loss")
    Meaning(split='validation', metric='', kind='loss', named=True)
    >>> meaning("TrainAcc").metric, meaning("metrics/mAP50-95(B)").kind, meaning("lr/pg0").kind, meaning("epoch").kind
    ('acc', 'score', 'rate', 'position')
    """
    words = column_words(name)
    plain = "_".join(words)
    if "lr" in words and not set(words) & _LOSSES:
        return Meaning("train", "learning_rate", "rate")
    if plain in _POSITIONS or not words:
        return Meaning("train", plain, "position")
    splits = [SPLIT_WORDS[w] for w in words if w in SPLIT_WORDS]
    split: Split = next((s for s in ("validation", "test", "train") if s in splits), "train")
    rest = [w for w in words if w not in SPLIT_WORDS and w not in _FILLERS]
    return Meaning(split, _metric(rest), _kind(rest, words), bool(splits))


def column_words(name: str) -> list[str]:
    """Words of a name in lower case, common phrases as one.

    >>> column_words("Validation Mean Squared Error"), column_words("trainLoss"), column_words("valid_0's l2")
    (['validation', 'mse'], ['train', 'loss'], ['valid', '0', 's', 'l2'])
    """
    apart = re.sub(r"([a-z])([A-Z])", r"\1_\2", name.replace("mAP", "map").replace("IoU", "iou"))
    plain = re.sub(r"[^a-z0-9]+", "_", apart.lower()).strip("_")
    for phrase, word in _PHRASES:
        plain = re.sub(rf"(^|_){phrase}(?=_|$)", rf"\g<1>{word}", plain)
    words: list[str] = []
    for word in plain.split("_"):
        glued = _GLUED.match(_SHORT.get(word, word))
        words += list(glued.groups()) if glued else [_SINGULAR.get(word, word)] if word else []
    return words


def _metric(rest: list[str]) -> str:
    kept = [w for w in rest if w != "loss"]
    return "_".join(kept)


def _kind(rest: list[str], words: list[str]) -> Kind:
    if set(words) & _TIMES or "per" in words:
        return "other"
    if set(words) & _NO_COURSE:
        return "other"
    known = set(rest)
    if known & _LOSSES:
        return "loss"
    if known & _SCORES:
        return "score"
    if known & _ERRORS:
        return "error"
    averaged = not set(words) & {"epoch", "step"} or set(words) & {"average", "avg", "mean", "running"}
    return "loss" if not rest and averaged and set(words) & SPLIT_WORDS.keys() else "other"
