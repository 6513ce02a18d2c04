"""The section of docs/results.md on the closed loop, from the records of `benchmarks.closed_loop`.

python -m benchmarks.closed_loop_results
"""

import json
import platform
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.closed_loop import RECORDS
from benchmarks.ward.faults import FAULTS
from rounds.metrics import METRICS

RESULTS = Path("docs/results.md")
TITLE = "## What the closed loop is worth"
REGAINED, MOST_EPOCHS, MARGIN = 0.95, 3.0, 0.01

Record = dict[str, Any]


def regained(fault: Record, healthy: Record, when: str) -> float:
    """Share of the healthy plan's way from the constant."""
    gain = METRICS[fault["metric"]].gain
    way = float(gain(np.array(healthy["before"]), np.array(healthy["constant"])))
    return float(gain(np.array(fault[when]), np.array(healthy["constant"]))) / way


def main() -> None:
    """Writes the section of docs/results.md."""
    records = [json.loads(line) for line in RECORDS.read_text(encoding="utf-8").splitlines()]
    text = "\n".join([TITLE, "", *faults_told(records), *tuner_told(records), *about_told(records)])
    whole = RESULTS.read_text(encoding="utf-8")
    if TITLE in whole:
        before, _, rest = whole.partition(TITLE)
        after = rest.partition("\n## ")
        whole = before + text + ("\n\n## " + after[2] if after[1] else "\n")
    else:
        whole = whole.rstrip() + "\n\n" + text + "\n"
    RESULTS.write_text(whole, encoding="utf-8")


def faults_told(records: list[Record]) -> list[str]:
    healthy = {r["table"]: r for r in records if r["kind"] == "healthy"}
    rows = [r for r in records if r["kind"] == "fault" and r["table"] in healthy]
    if not rows:
        return []
    lines = [
        "`python -m benchmarks.closed_loop faults SHARED`: faulty plans of the ward (`benchmarks/ward/faults.py`),",
        "treated for at most two rounds: the share of the healthy plan's way from the constant that is regained on",
        "patients nobody learned from, and the epochs of single networks that all of it took, in those of one healthy",
        "training.",
        "",
        "| table | fault | severity | before | after | epochs | first alarms | kept |",
        "|---|---|---|---|---|---|---|---|",
    ]
    mended, cheap, hurt, cured = 0, 0, 0, 0
    for r in rows:
        sound = healthy[r["table"]]
        before, after = (regained(r, sound, when) for when in ("before", "after"))
        cost = r["member_epochs"] / sound["member_epochs"]
        hurt += before < REGAINED
        mended += after >= REGAINED
        cured += before < REGAINED <= after
        cheap += cost <= MOST_EPOCHS
        alarms = ", ".join((r["alarms"] or [[]])[0][:2]) or "none"
        kept = "; ".join(", ".join(f"{n} {new}" for n, (_, new) in c.items()) for c in r["kept"]) or "nothing"
        cells = (r["table"], r["fault"], r["severity"], f"{before:.0%}", f"{after:.0%}", f"{cost:.1f}x", alarms, kept)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    own = [1 - r["seconds_training"] / r["seconds"] for r in rows if "seconds" in r]
    lines += [
        "",
        f"Of {len(rows)} faulty starts {hurt} were below {REGAINED:.0%} before, of which {cured} are at "
        f"{REGAINED:.0%} or more after the stay; in all {mended} of {len(rows)} ({mended / len(rows):.0%}; asked: "
        f"90 %). {cheap} took at most {MOST_EPOCHS:.0f} times the epochs of one healthy training (asked: all); a "
        f"population of six networks is small beside a trial of seven arms. Time outside of training (examination, "
        f"choosing, files): median {np.median(own):.0%} of the stay (asked: 5 %).",
        "",
    ]
    return lines


def tuner_told(records: list[Record]) -> list[str]:
    rows = [r for r in records if r["kind"] == "tuner"]
    if not rows:
        return []
    lines = [
        "`python -m benchmarks.closed_loop tuner SHARED`: `rounds train` from the default plan beside Optuna's TPE",
        "over the same plan space (width, depth, rate, dropout, decay, L2, activation, normalization, embedding; five",
        "folds a trial, the best trial's five networks averaged) within the same member-epochs and within half of",
        "them, and beside one default network; differences are paired over test patients, with their 95 % interval:",
        "",
        "| table | split | metric | Rounds | TPE, half | TPE | one network | better than TPE | than one network |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    level = 0
    for r in rows:
        tuned, whole = r["tuned"], r["tuned"]["1.0"]
        way = max(abs(r["constant"] - r["rounds"]), abs(r["constant"] - whole["value"]))
        level += whole["rounds_better_by"]["value"] >= -MARGIN * way
        cells = (
            r["table"], r["split"], r["metric"], f"{r['rounds']:.4f}", f"{tuned['0.5']['value']:.4f}",
            f"{whole['value']:.4f} ({whole['trials']} trials)", f"{r['one']:.4f}", shown(whole["rounds_better_by"]),
            shown(r["better_than_one_by"]),
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += [
        "",
        f"Margin, stated before: 1 % of the way from the constant to the better of the two. Not behind by more in "
        f"{level} of {len(rows)} runs.",
        "",
    ]
    return lines


def shown(interval: Record) -> str:
    return f"{interval['value']:+.4f} ({interval['low']:+.4f} to {interval['high']:+.4f})"


def about_told(records: list[Record]) -> list[str]:
    about = records[-1]["about"]
    return [
        f"{about['cores']} cores shared with other work, {platform.machine()}, {platform.system()}; "
        f"{records[-1]['date']}; Rounds {about['rounds']}, JAX {about['jax']}, Keras {about['keras']}, scikit-learn "
        f"{about['scikit-learn']}, Python {about['python']}.",
        "",
        not_run(records),
    ]


def not_run(records: list[Record]) -> str:
    """What the tables above leave out."""
    of_plans = [f.name for f in FAULTS if not f.of_table]
    missing = [name for name in of_plans if name not in {r.get("fault") for r in records}]
    parts = [f"{len(missing)} of the {len(of_plans)} faults of plans ({', '.join(missing)})"] if missing else []
    parts += ["all other tables of the ward"]
    parts += [] if any(r["kind"] == "tuner" for r in records) else ["TPE and one network (`tuner`) on any table"]
    return f"Not run: {'; '.join(parts)}."


if __name__ == "__main__":
    main()
