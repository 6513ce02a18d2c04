"""An examination of logs for the terminal: what was read, a row for every run, each finding, what was left out."""

import textwrap
from itertools import groupby

from rounds.examination.finding import Finding
from rounds.examination.log_rules.examination import LogExamination
from rounds.examination.log_rules.run_row import RunRow
from rounds.examination.rates import rates_in_words
from rounds.examination.text import WIDTH

MOST_RUNS = 40  # rows of the table
NAMED = 4  # runs that a finding names


def log_text(found: LogExamination) -> str:
    """Plain text, no wider than WIDTH."""
    blocks = [_wrapped(line) for line in _read(found)]
    blocks.append(_table(found.rows) if len(found.rows) > 1 else _one_line(found.rows[0]))
    blocks += [_wrapped(found.spread)] if found.spread else []
    by_code = groupby(found.findings, key=lambda f: (f.code, f.severity))
    blocks += [_findings(list(same), found) for _, same in by_code]
    if found.left_out:
        blocks.append("Left out:\n" + "\n".join(_wrapped(f"  {name}: {why}") for name, why in found.left_out))
    codes = tuple(dict.fromkeys(code for code, _ in found.not_applicable))
    blocks += [_wrapped(f"Could not be judged from these logs: {', '.join(codes)} (--json says why).")] if codes else []
    return "\n\n".join(blocks)


def _read(found: LogExamination) -> list[str]:
    """What was taken from the files, said once for all runs of which it is true."""
    said = []
    for (read, ignored), rows in groupby(found.rows, key=lambda r: (_without_counts(r.read), r.ignored)):
        names = [row.name for row in rows]
        shown = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
        left = f" Ignored: {'; '.join(ignored)}." if ignored else ""
        said.append(f"Read {shown}: {'; '.join(read)}.{left}")
    return said


def _without_counts(read: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(line.split(" (")[0] if line.endswith("points)") else line for line in read)


def _one_line(row: RunRow) -> str:
    if row.best is None or row.best_at is None or row.last is None:
        return _wrapped(f"{row.points} points.")
    best = f"{row.judged} at best {row.best:.4g} ({row.unit} {row.best_at:g}), at the end {row.last:.4g}"
    counted = "epochs" if row.unit == "epoch" else "points"
    return _wrapped(f"{row.points} {counted} logged; {best}.")


def _table(rows: tuple[RunRow, ...]) -> str:
    """One row a run, the best first."""
    cells = [("run", "name", "points", "best", "at", "last", "found")]
    cells += [
        (
            str(row.run),
            _short(row.name),
            str(row.points),
            _number(row.best),
            "-" if row.best_at is None else f"{row.unit} {row.best_at:g}",
            _number(row.last),
            ", ".join(row.found),
        )
        for row in rows[:MOST_RUNS]
    ]
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in cells]
    more = [f"... and {len(rows) - MOST_RUNS} more (--json has them all)"] if len(rows) > MOST_RUNS else []
    return "\n".join([*lines, *more])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _short(name: str) -> str:
    return name if len(name) <= 40 else "..." + name[-37:]


def _findings(same: list[Finding], found: LogExamination) -> str:
    """Findings of one code: the words of each run, then (where something is to be done) what."""
    first = same[0]
    lines = [f"{first.severity}: {first.code} ({first.name})"]
    for finding in same[:NAMED]:
        runs = ", ".join(found.names[m] for m in finding.members[:NAMED]) if len(found.names) > 1 else ""
        lines.append(_wrapped(f"  {runs + ': ' if runs else ''}{finding.explanation}"))
    lines += [f"  and in {len(same) - NAMED} more runs"] if len(same) > NAMED else []
    lines += [f"  follows from: {', '.join(first.follows_from)}"] if first.follows_from else []
    lines += [_wrapped(f"    {i}. {remedy}") for i, remedy in enumerate(first.remedies, 1) if first.alarms]
    lines += [_wrapped(f"  {said}")] if (said := rates_in_words(first.rates)) and first.alarms else []
    return "\n".join(lines)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=" " * (len(text) - len(text.lstrip()) + 2))
