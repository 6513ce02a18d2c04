"""The model card of a run: TRIPOD+AI as far as the run knows it, named gaps for its author, versions and hashes."""

from pathlib import Path
from typing import Any

from rounds.files import write_json, write_whole
from rounds.report.card.items import ITEMS, Item, Known, outcome_name
from rounds.run_folder.read import read_record, read_record_if_there, read_records_if_there

CARD_JSON, CARD_TEXT = "card.json", "card.md"
TO_AUTHOR = "To the author: "


def write_card(run: Path, licence: str | None = None) -> tuple[Path, Path]:
    """Writes card.json and card.md into a finished run folder; licence: of the data (None: as the card had it).

    Raises RunFolderError where the run is not finished or a record is damaged.
    """
    if licence is None:
        licence = str(read_record_if_there(run, CARD_JSON).get("data", {}).get("licence", ""))
    record = card_record(run, licence)
    write_json(run / CARD_JSON, record)
    write_whole(run / CARD_TEXT, card_text(record))
    return run / CARD_JSON, run / CARD_TEXT


def card_record(run: Path, licence: str = "") -> dict[str, Any]:
    """card.json: model, data, intended use (blank on purpose), items, versions, seeds, hashes."""
    known = read_known(run)
    items = [item_record(item, known) for item in ITEMS]
    counts = {status: sum(i["status"] == status for i in items) for status in ("filled", "partly", "gap")}
    return {
        "guideline": "TRIPOD+AI, Collins et al. 2024, BMJ 385:e078378",
        "model": {
            "run": run.resolve().name,
            "predicts": outcome_name(known),
            "kind": known.metrics["task"]["kind"],
            "members": known.metrics["members"],
        },
        "intended_use": "",
        "data": {
            "name": known.dataset["name"],
            "content_hash": known.dataset["content_hash"],
            "simulated": bool(known.dataset.get("simulated")),
            "licence": licence,
        },
        "counts": counts,
        "items": items,
        "versions": known.metrics["versions"],
        "seeds": {"networks": known.plan["seed"], "split": known.dataset["split"]["seed"]},
        "model_hashes": read_record_if_there(run / "model", "checksums.json") if (run / "model").is_dir() else {},
    }


def read_known(run: Path) -> Known:
    """The run's records; evidence.json and prescriptions.json may be absent."""
    dataset, plan, metrics, findings = (
        read_record(run, f"{name}.json") for name in ("dataset", "plan", "metrics", "findings")
    )
    prescriptions = read_records_if_there(run, "prescriptions.json")
    return Known(dataset, plan, metrics, findings, prescriptions, read_record_if_there(run, "evidence.json"))


def item_record(item: Item, known: Known) -> dict[str, str]:
    """One item with what the run says and what it asks of the author.

    status: "filled", "partly" (more is asked of the author), or "gap" (the run knows nothing of it).
    """
    text = item.fill(known)
    status = "gap" if not text else ("partly" if item.ask else "filled")
    ask = item.ask or ("" if text else "The run keeps no record of it: describe it.")
    return {
        "number": item.number,
        "section": item.section,
        "topic": item.topic,
        "status": status,
        "text": text,
        "ask": ask,
    }


def card_text(record: dict[str, Any]) -> str:
    """card.md: the same as Markdown, with the gaps to fill in."""
    model, data, counts = record["model"], record["data"], record["counts"]
    lines = [
        f"# Model card: {_plain(model['predicts'])}",
        "",
        f"Run {_plain(model['run'])}: {model['members']} networks, {model['kind']}. Items of {record['guideline']}:",
        f"{counts['filled']} filled, {counts['partly']} partly, {counts['gap']} left to the author.",
        "",
        "## Intended use",
        "",
        f"{TO_AUTHOR}left blank on purpose. Say who may use this model, for whom, for which decision, and who may not.",
        "",
        "## Data",
        "",
        f"- Name: {_plain(data['name'])}{' (simulated patients)' if data['simulated'] else ''}",
        f"- SHA-256 of its cells: {data['content_hash']}",
        f"- Licence: {_plain(data['licence']) or TO_AUTHOR + 'name it.'}",
    ]
    for section in dict.fromkeys(item["section"] for item in record["items"]):
        lines += ["", f"## {section}"]
        for item in record["items"]:
            lines += _item_lines(item) if item["section"] == section else []
    return "\n".join([*lines, *_tail_lines(record)]) + "\n"


def _item_lines(item: dict[str, str]) -> list[str]:
    text = [_plain(item["text"])] if item["text"] else []
    ask = [f"{TO_AUTHOR}{item['ask']}"] if item["ask"] else []
    body = [line for paragraph in (*text, *ask) for line in (paragraph, "")]
    return ["", f"### {item['number']} {item['topic']}", "", *body[:-1]]


def _tail_lines(record: dict[str, Any]) -> list[str]:
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    seeds = ", ".join(f"{name} {seed}" for name, seed in record["seeds"].items())
    hashes = [f"- {_plain(name)}: {digest}" for name, digest in record["model_hashes"].items()]
    return ["", "## Versions, seeds, hashes", "", f"- Versions: {versions}", f"- Seeds: {seeds}", *hashes]


def _plain(text: str) -> str:
    """Names from a file as text that is no markup: no HTML, no links, one line.

    >>> _plain("<b>x</b> [a](b)")
    '&lt;b>x&lt;/b> \\\\[a](b)'
    """
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace("[", "\\[")
