"""Logs that are lines of text: "epoch 3 loss 0.2 val_loss 0.3", Keras's progress, nnU-Net, boosting libraries."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rounds.examination.logs.columns import SPLIT_WORDS, meaning, words_of
from rounds.examination.logs.table import LogTable, Row

KNOWN = ("loss", "score", "error", "rate")
LINE = "step"
FEW_ROWS = 5  # epochs, with fewer of which single lines say more
MANY_LINES = 8  # with the same loss, from which they are its course
FEWEST_VALUES = 2  # of losses or scores by epoch, below which a text is no log of a training
_STAMP = re.compile(
    r"^[\[(]?\d{4}[-/]\d\d[-/]\d\d[ T]\d\d:\d\d(:\d\d)?([.,]\d+)?(Z|[+-]\d\d:?\d\d)?[\])]?[\s:,|-]*"
    r"|^[\[(]?\d\d:\d\d:\d\d([.,]\d+)?[\])]?[\s:,|-]*"
)
_LEVEL = re.compile(r"^\W*(?:[\w.]+[\s\]\[|:-]+)?(?:INFO|DEBUG|WARNING)\b[\s:|\])-]*(?:root:|__main__:)?")
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
_STEP = re.compile(r"\b(step|iter|iteration|round)\b\W{0,4}(\d+)", re.IGNORECASE)
_BOOSTING = re.compile(r"^\[\s*(\d+)\]\s*[a-z_]|^(\d+):\s+learn:", re.IGNORECASE)
_PAIR = re.compile(
    rf"([A-Za-z][A-Za-z0-9_@/.'-]*(?: [A-Za-z][A-Za-z0-9_@/.'-]*){{0,4}})\s*([:=]+|\s)\s*(?:tensor\()?"
    rf"(\[[^\]\[]*\]|{_NUMBER})(?![\w/])\s*(%?)",
    re.IGNORECASE,
)
_DERIVED = {"smoothed", "smooth", "ema", "best", "moving"}  # of a loss or score that stands beside it
_ASIDE = re.compile(
    r"\b(best|saved?|saving|checkpoint\w*|restor\w+|load\w+|early|patience|improve\w*)\b", re.IGNORECASE
)


def is_text_log(text: str) -> bool:
    """Whether losses or scores stand in it by epoch, or a loss in line after line."""
    rows = _rows(text)
    return sum(len(row) - 1 for row in rows) >= FEWEST_VALUES


def read_text(path: Path, text: str) -> list[LogTable]:
    """A row an epoch (or step), of whatever stood after its number before the next one; of few epochs with many lines,
    a row a line."""
    rows = _rows(text)
    counted = ("lines are counted as steps: there are few epochs, or none",) if rows and LINE in rows[0] else ()
    return [LogTable(path.name, rows, ignored=("lines without an epoch, a loss or a score", *counted))]


def _rows(text: str) -> list[Row]:
    messages = [_message(line) for line in _shown(text)]
    by_epoch = _by_epoch(messages)
    if len(by_epoch) >= FEW_ROWS:
        return by_epoch
    by_line = _by_line(messages)
    counts = Counter(name for row in by_line for name in row if meaning(name).kind == "loss")
    return by_line if max(counts.values(), default=0) >= max(MANY_LINES, 3 * len(by_epoch)) else by_epoch


def _shown(text: str) -> list[str]:
    """Lines as a terminal shows them: of a progress bar that was drawn over itself, the last state."""
    if "\n" not in text:
        return text.split("\r")
    return [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]


def _message(line: str) -> str:
    return _QUOTES.sub("", _LEVEL.sub("", _STAMP.sub("", _translated(line).strip())).strip())


def _by_epoch(messages: list[str]) -> list[Row]:
    """What stands in several lines of an epoch is averaged: the loss of single minibatches."""
    rows: list[Row] = []
    row: Row = {}
    times: Counter[str] = Counter()
    for message in messages:
        mark = _mark(message)
        if mark is not None and row.get(mark[0]) != mark[1]:
            rows.append(row)
            row, times = dict([mark]), Counter()
        if not row or (_ASIDE.search(message) and mark is None):
            continue
        for name, value in dict(_values(message)).items():
            before = row.get(name, 0.0)
            assert isinstance(before, int | float)
            times[name] += 1
            row[name] = before + (value - before) / times[name]
    return [r for r in [*rows, row] if len(r) > 1]


def _by_line(messages: list[str]) -> list[Row]:
    """A row for each line with a loss or score, counted anew where epochs or steps fall back: training began again."""
    rows: list[Row] = []
    line, last = 0, -1.0
    for message in messages:
        mark = _mark(message)
        if mark is not None:
            line, last = (0, mark[1]) if mark[1] < last else (line, mark[1])
        values = {} if _ASIDE.search(message) and mark is None else dict(_values(message))
        if values:
            line += 1
            rows.append({LINE: line, **values})
    return rows


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
    aside = _ASIDE.search(message)
    if (found := _EPOCH.search(message)) and not (aside and found.start() > aside.start()):
        return "epoch", float(found.group(1))
    if (found := _STEP.search(message)) and not aside and (found.start() < 12 or any(_values(message[found.end() :]))):
        return "step", float(found.group(2))
    return None


def _values(message: str) -> Iterator[tuple[str, float]]:
    """Losses, scores and rates of a line by name; a split that has a word of its own holds for what follows."""
    inherited = ""
    for name, between, value, percent in _PAIR.findall(message.replace("np.float32(", "").replace("np.float64(", "")):
        words = _named(name)
        said = meaning(words)
        bare = said.kind == "loss" and not said.metric and "loss" not in words.lower()
        if not words or (bare and between.isspace()):  # "Train 100: ..." counts steps
            continue
        own = [w for w in words.split() if w.lower() in SPLIT_WORDS]
        inherited = own[0] if own and " " in words else inherited if not said.named else ""
        label = f"{inherited} {words}" if inherited and not said.named else words
        if said.kind in KNOWN and (number := _number(value)) is not None:
            yield label.lower(), number / 100 if percent and said.bounded else number


def _named(name: str) -> str:
    """The last words of a phrase that together name a metric: "Epoch 3 Train Loss" -> "Train Loss"."""
    words = name.split()
    if {w.lower() for w in words} & _DERIVED:
        return ""
    for first in range(len(words)):
        tail = " ".join(words[first:])
        known = meaning(tail).kind in KNOWN and words_of(words[first])
        if known and (known[0] in SPLIT_WORDS or meaning(" ".join(words[first + 1 :]) or "x").kind == "other"):
            return tail
    return ""


def _number(value: str) -> float | None:
    """A number, or the mean of a list of them (one a class)."""
    parts = re.findall(_NUMBER, value, re.IGNORECASE)
    return sum(map(float, parts)) / len(parts) if parts else None
