"""The model card of a run: TRIPOD+AI as far as the run knows it, named gaps for its author, versions and hashes."""

from pathlib import Path
from typing import ClassVar

from rounds.files import write_json, write_whole
from rounds.report.card.items import ITEMS, Item, Known, outcome_name
from rounds.run_folder.dataset import DatasetFile
from rounds.run_folder.evidence import EvidenceFile
from rounds.run_folder.findings import FindingsFile
from rounds.run_folder.metrics import MetricsFile
from rounds.run_folder.plan import PlanFile
from rounds.run_folder.read import read_record_if_there
from rounds.run_folder.stored import Part, Stored

CARD_JSON, CARD_TEXT = "card.json", "card.md"
TO_AUTHOR = "To the author: "


class CardModel(Part):
    """What the networks predict."""

    run: str
    predicts: str
    kind: str
    members: int


class CardData(Part):
    """What they learned from."""

    name: str
    content_hash: str
    simulated: bool
    licence: str


class CardItem(Part):
    """An item of TRIPOD+AI. status: "filled", "partly" (more is asked of the author), or "gap"."""

    number: str
    section: str
    topic: str
    status: str
    text: str
    ask: str


class Card(Stored):
    """card.json; intended_use: blank on purpose."""

    FILE: ClassVar[str] = CARD_JSON

    guideline: str
    model: CardModel
    intended_use: str = ""
    data: CardData
    counts: dict[str, int]
    items: tuple[CardItem, ...]
    versions: dict[str, str]
    seeds: dict[str, int]
    model_hashes: dict[str, str]


def write_card(run: Path, licence: str | None = None) -> tuple[Path, Path]:
    """Writes card.json and card.md into a finished run folder; licence: of the data (None: as the card had it).

    Raises RunFolderError where the run is not finished or a record is damaged.
    """
    if licence is None:
        before = Card.read_if_there(run)
        licence = before.data.licence if before else ""
    record = card_record(run, licence)
    write_json(run / CARD_JSON, record.model_dump(exclude={"schema_version"}))
    write_whole(run / CARD_TEXT, card_text(record))
    return run / CARD_JSON, run / CARD_TEXT


def card_record(run: Path, licence: str = "") -> Card:
    """card.json: model, data, intended use (blank on purpose), items, versions, seeds, hashes."""
    known = read_known(run)
    items = [item_record(item, known) for item in ITEMS]
    counts = {status: sum(i.status == status for i in items) for status in ("filled", "partly", "gap")}
    dataset, metrics = known.dataset, known.metrics
    return Card(
        guideline="TRIPOD+AI, Collins et al. 2024, BMJ 385:e078378",
        model=CardModel(
            run=run.resolve().name, predicts=outcome_name(known), kind=metrics.task.kind, members=metrics.members
        ),
        data=CardData(
            name=dataset.name, content_hash=dataset.content_hash, simulated=dataset.simulated, licence=licence
        ),
        counts=counts,
        items=tuple(items),
        versions=metrics.versions,
        seeds={"networks": known.plan.main.seed, "split": dataset.split.seed},
        model_hashes=read_record_if_there(run / "model", "checksums.json") if (run / "model").is_dir() else {},
    )


def read_known(run: Path) -> Known:
    """The run's records; evidence.json may be absent."""
    files = DatasetFile.read(run), PlanFile.read(run), MetricsFile.read(run), FindingsFile.read(run)
    return Known(*files, EvidenceFile.read_if_there(run))


def item_record(item: Item, known: Known) -> CardItem:
    """One item with what the run says and what it asks of the author.

    status: "filled", "partly" (more is asked of the author), or "gap" (the run knows nothing of it).
    """
    text = item.fill(known)
    status = "gap" if not text else ("partly" if item.ask else "filled")
    ask = item.ask or ("" if text else "The run keeps no record of it: describe it.")
    return CardItem(number=item.number, section=item.section, topic=item.topic, status=status, text=text, ask=ask)


def card_text(record: Card) -> str:
    """card.md: the same as Markdown, with the gaps to fill in."""
    model, data, counts = record.model, record.data, record.counts
    lines = [
        f"# Model card: {_plain(model.predicts)}",
        "",
        f"Run {_plain(model.run)}: {model.members} networks, {model.kind}. Items of {record.guideline}:",
        f"{counts['filled']} filled, {counts['partly']} partly, {counts['gap']} left to the author.",
        "",
        "## Intended use",
        "",
        f"{TO_AUTHOR}left blank on purpose. Say who may use this model, for whom, for which decision, and who may not.",
        "",
        "## Data",
        "",
        f"- Name: {_plain(data.name)}{' (simulated patients)' if data.simulated else ''}",
        f"- SHA-256 of its cells: {data.content_hash}",
        f"- Licence: {_plain(data.licence) or TO_AUTHOR + 'name it.'}",
    ]
    for section in dict.fromkeys(item.section for item in record.items):
        lines += ["", f"## {section}"]
        for item in record.items:
            lines += _item_lines(item) if item.section == section else []
    return "\n".join([*lines, *_tail_lines(record)]) + "\n"


def _item_lines(item: CardItem) -> list[str]:
    text = [_plain(item.text)] if item.text else []
    ask = [f"{TO_AUTHOR}{item.ask}"] if item.ask else []
    body = [line for paragraph in (*text, *ask) for line in (paragraph, "")]
    return ["", f"### {item.number} {item.topic}", "", *body[:-1]]


def _tail_lines(record: Card) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    seeds = ", ".join(f"{name} {seed}" for name, seed in record.seeds.items())
    hashes = [f"- {_plain(name)}: {digest}" for name, digest in record.model_hashes.items()]
    return ["", "## Versions, seeds, hashes", "", f"- Versions: {versions}", f"- Seeds: {seeds}", *hashes]


def _plain(text: str) -> str:
    """Names from a file as text that is no markup: no HTML, no links, one line.

    >>> _plain("<b>x</b> [a](b)")
    '&lt;b>x&lt;/b> \\\\[a](b)'
    """
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace("[", "\\[")
