"""Logs that are lines of text: "epoch 3 loss 0.2 val_loss 0.3", Keras's progress, nnU-Net, boosting libraries."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from rounds.examination.logs.columns import ADVERSARIES, SPLIT_WORDS, column_words, meaning
from rounds.examination.logs.table import LogTable, Row

KNOWN = ("loss", "score", "error", "rate")
FEWEST_VALUES = 2  # of losses or scores by epoch, below which a text is no log of a training
_STAMP = re.compile(
    r"^[\[(]?\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d(:\d\d)?([.,]\d+)?(Z|[+-]\d\d:?\d\d)?[\])]?[\s:,|-]*"
    r"|^[\[(]?\d\d:\d\d:\d\d([.,]\d+)?[\])]?[\s:,|-]*"
    r"|^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w.]+:\d+\]\s*"
)
_LEVEL = re.compile(r"^\W*(INFO|DEBUG|WARNING|root|__main__|train(er)?)\b[\s:|\])-]*(?=\S)", re.IGNORECASE)
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|-?inf(?:inity)?"
_EPOCH = re.compile(r"\b(?:ep|epoch|epoche|[eé]poca|[eé]poque)\b\W{0,8}(\d+(?:\.\d+)?)", re.IGNORECASE)
_TRANSLATED = (  # what Chinese logs call things
    (re.compile(r"第\s*(\d+)\s*[轮个]?"), r"epoch \1 "),
    (re.compile("训练集?"), " train "),
    (re.compile("(验证|测试)集?"), " val "),
    (re.compile("损失"), " loss "),
    (re.compile("(准确率|精度|正确率)"), " acc "),
    (re.compile("[：，]"), ": "),
)
_QUOTES = re.compile(r"\"|'(?=\s*:)|(?<=[{,\s])'")
_STEP = re.compile(r"\b(step|iter|iteration|round)\b\W{0,8}(\d+)", re.IGNORECASE)
_DARKNET = re.compile(rf"^(\d+): ?({_NUMBER}), ({_NUMBER}) avg(?: loss)?, ({_NUMBER}) rate\b.*")
_IN_BRACKETS = re.compile(r"^\[(\d+),\s*\d+\]\s")  # "[3,  2000] loss: 1.7", epoch and minibatch
_BARE = re.compile(r"^(\d+)[:,;|]?\s+(?=[A-Za-z])")  # "3 train_loss=0.2"
_PLACED = re.compile(  # a split that stands by itself: "Test set: average loss 0.1", "| valid | loss 0.1"
    rf"(?:^|[|\[(])\s*({'|'.join(SPLIT_WORDS)})(?:\s+[^:|\])=]{{0,24}})?\s*[:|\])](?!\s*[-+.\d])", re.IGNORECASE
)
_COUNTED = re.compile(r"\b(\d+)/(\d+)\s*\(\d+(?:\.\d+)?%\)")  # "Accuracy: 9000/10000 (90%)"
_BOOSTING = re.compile(r"^\[\s*(\d+)\]\s*[a-z_]|^(\d+):\s+learn:", re.IGNORECASE)
_PAIR = re.compile(
    rf"([A-Za-z][A-Za-z0-9_@/.'-]*(?: [A-Za-z][A-Za-z0-9_@/.'-]*){{0,4}})\s*(?:[:=]+|\s)\s*(?:tensor\()?"
    rf"(\[[^\]\[]*\]|{_NUMBER})(?![\w/])\s*(%?)",
    re.IGNORECASE,
)
_DERIVED = {"smoothed", "smooth", "ema", "best", "moving"}  # of a loss or score that stands beside it
_ASIDE = re.compile(
    r"\b(best|saved?|saving|checkpoint\w*|restor\w+|load\w+|early|patience|improve\w*)\b", re.IGNORECASE
)


def is_text_log(text: str) -> bool:
    """Whether losses or scores stand in it by epoch."""
    rows = _rows(text)
    return sum(len(row) - 1 for row in rows) >= FEWEST_VALUES


def read_text(path: Path, text: str) -> list[LogTable]:
    """A row an epoch (or step), of whatever stood after its number before the next one."""
    return [LogTable(path.name, _rows(text), ignored=("lines without an epoch, a loss or a score",))]


def _rows(text: str) -> list[Row]:
    """Of lines that name their epoch or step; where none does, of those that begin with a number."""
    found = _marked(text, _mark)
    if len(found) >= FEWEST_VALUES:
        return found
    numbered = _marked(text, _bare_mark)
    epochs = [row["epoch"] for row in numbered]
    return numbered if epochs == sorted(set(epochs)) and len(numbered) > len(found) else found  # type: ignore[type-var]


def _marked(text: str, mark_of: Callable[[str], tuple[str, float] | None]) -> list[Row]:
    rows: list[Row] = []
    row: Row = {}
    for line in re.split(r"[\r\n]+", text):
        message = _QUOTES.sub("", _LEVEL.sub("", _STAMP.sub("", _translated(line).strip())).strip())
        message = _DARKNET.sub(r"iteration \1 loss \3 lr \4", message)
        mark = mark_of(message)
        if mark is not None and row.get(mark[0]) != mark[1]:
            rows.append(row)
            row = dict([mark])
        if row and not (_ASIDE.search(message) and mark is None):
            row |= dict(_values(message))
    return [r for r in [*rows, row] if len(r) > 1]


def _translated(line: str) -> str:
    """A line with the Chinese words for splits, losses and scores in English."""
    if line.isascii():
        return line
    for pattern, word in _TRANSLATED:
        line = pattern.sub(word, line)
    return re.sub(" +", " ", line)


def _mark(message: str) -> tuple[str, float] | None:
    """("epoch" or "step", number) where a line says so, and is not about an epoch in passing."""
    if found := _BOOSTING.search(message):
        return "iteration", float(found.group(1) or found.group(2))
    if found := _IN_BRACKETS.match(message):
        return "epoch", float(found.group(1))
    aside = _ASIDE.search(message)
    if (found := _EPOCH.search(message)) and not (aside and found.start() > aside.start()):
        return "epoch", float(found.group(1))
    if (found := _STEP.search(message)) and not aside and (found.start() < 12 or any(_values(message))):
        return "step", float(found.group(2))
    return None


def _bare_mark(message: str) -> tuple[str, float] | None:
    """("epoch", number) of a line that begins with a number and goes on with losses or scores."""
    found = _BARE.match(message)
    return ("epoch", float(found.group(1))) if found and any(_values(message[found.end() :])) else None


def _values(message: str) -> Iterator[tuple[str, float]]:
    """Losses, scores and rates of a line by name; a split that has a word of its own holds for what follows."""
    placed = _PLACED.search(message)
    inherited = placed.group(1) if placed else ""
    plain = _COUNTED.sub(_share, message.replace("np.float32(", "").replace("np.float64(", ""))
    for name, value, percent in _PAIR.findall(plain):
        words = _named(name)
        if not words:
            continue
        said = meaning(words)
        own = [w for w in words.split() if w.lower() in SPLIT_WORDS]
        inherited = own[0] if own and " " in words else inherited if not said.named else ""
        label = f"{inherited} {words}" if inherited and not said.named else words
        if said.kind in KNOWN and (number := _number(value)) is not None:
            yield label.lower(), number / 100 if percent and said.bounded else number


def _share(counted: re.Match[str]) -> str:
    some, every = int(counted.group(1)), int(counted.group(2))
    return f"{some / every:g}" if every else "nan"


def _named(name: str) -> str:
    """The last words of a phrase that together name a metric: "Epoch 3 Train Loss" -> "Train Loss"."""
    words = name.split()
    if {w.lower() for w in words} & _DERIVED:
        return ""
    for first in range(len(words)):
        tail = " ".join(words[first:])
        known = meaning(tail).kind in KNOWN and column_words(words[first])
        if known and (
            {known[0]} & {*SPLIT_WORDS, *ADVERSARIES} or meaning(" ".join(words[first + 1 :]) or "x").kind == "other"
        ):
            return tail
    return ""


def _number(value: str) -> float | None:
    """A number, or the mean of a list of them (one a class)."""
    parts = re.findall(_NUMBER, value, re.IGNORECASE)
    return sum(map(float, parts)) / len(parts) if parts else None
