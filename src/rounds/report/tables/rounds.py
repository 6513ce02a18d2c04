"""The rounds, one by one: what was found, what was prescribed, what it did."""

import polars as pl

from rounds.report.run_files import RunFiles
from rounds.report.tables.scores import finding_names, value_text
from rounds.report.wording import estimate_cells, label
from rounds.run_folder.prescriptions import PrescriptionRecord
from rounds.run_folder.stored import Content

ADVICE = "advice"  # verdict of an entry that changes no plan: whether more patients would help


def rounds_table(run: RunFiles) -> Content | None:
    """A row for each look at the networks, and why the rounds ended; None for a run without rounds."""
    rounds = run.metrics.rounds
    if not rounds or not rounds.found:
        return None
    names = finding_names(run.findings)
    rows = [
        _round(run, number, [names.get(code, code) for code in codes])
        for number, codes in enumerate(rounds.found, start=1)
    ]
    opposed = [f"round {c.round}: {c.reason}" for c in rounds.contradictions]
    return {
        "rows": rows,
        "contradictions": opposed,
        "ended": rounds.ended,
        "spent": [
            ("populations", rounds.member_epochs_in_populations),
            ("trials", rounds.member_epochs_in_trials),
        ],
    }


def _round(run: RunFiles, number: int, found: list[str]) -> Content:
    entries = [p for p in run.prescriptions if p.round == number]
    return {
        "round": number,
        "found": found or ["nothing to treat"],
        "networks": _networks(run, number),
        "treatments": [_treatment(p) for p in entries] or [("nothing", "", "")],
    }


def _treatment(entry: PrescriptionRecord) -> tuple[str, str, str]:
    """(given, verdict, what it did)."""
    if entry.verdict == ADVICE:
        return "fewer patients, to see whether more would help", "", f"{entry.reason} ({gain_text(entry)})"
    return given_text(entry), entry.verdict, gain_text(entry)


def given_text(entry: PrescriptionRecord) -> str:
    """The change that was tried: `dropout 0.1 → 0.3`."""
    changes = (f"{name} {value_text(old)} → {value_text(new)}" for name, (old, new) in entry.change.items())
    return ", ".join(changes) or entry.remedy


def gain_text(entry: PrescriptionRecord) -> str:
    """What it was worth: `RMSE better by 2.0 (1.5 to 10.2)`."""
    if entry.effect is None:
        return "not tried to the end"
    return "{} better by {} ({})".format(label(entry.metric), *estimate_cells(entry.effect))


def _networks(run: RunFiles, number: int) -> str:
    """How the networks stood that were looked at: those of the last population before."""
    kept = sum(p.round < number and p.verdict == "kept" for p in run.prescriptions)
    members = run.examined_members.filter((pl.col("round") == kept) & pl.col("best_value").is_not_null())
    if not members.height:
        return "none of them is finite"
    return f"{label(run.kept_metric)} on validation {value_text(members['best_value'].median())} (median)"
