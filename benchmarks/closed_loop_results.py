"""The section of docs/results.md on the closed loop, from the records of `benchmarks.closed_loop`.

python -m benchmarks.closed_loop_results
"""

import platform
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from benchmarks.closed_loop import recorded
from benchmarks.ward.faults import FAULTS
from benchmarks.ward.tasks import TASKS
from rounds.metrics import METRICS

RESULTS = Path("docs/results.md")
TITLE = "## What the closed loop is worth"
REGAINED, MOST_EPOCHS, MARGIN, FEWEST_SPLITS = 0.95, 3.0, 0.01, 5

REMARKS = (
    "Remedies were changed while severe faults on cleveland were looked at (longer training and a wider network",
    "where nothing is learned, a scaled start together with an open activation, the best epoch where the last was",
    "kept, less noise): its rows say that the loop can mend these, not how often it mends others. Its rows from",
    "*learning rate too high* to *momentum too high* (but for input noise) were run before doses that come to the",
    "same were made one, which makes some trials cheaper.",
)

Record = dict[str, Any]


def regained(fault: Record, healthy: Record, when: str) -> float:
    """Share of the healthy plan's way from the constant."""
    gain = METRICS[fault["metric"]].gain
    way = float(gain(np.array(healthy["before"]), np.array(healthy["constant"])))
    return float(gain(np.array(fault[when]), np.array(healthy["constant"]))) / way


def main() -> None:
    """Writes the section of docs/results.md."""
    records = recorded()
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
    last = {(r["table"], r["severity"], r["fault"]): r for r in records if r["kind"] == "fault"}
    rows = [r for r in last.values() if r["table"] in healthy]
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
        f"90 %). {cheap} took at most {MOST_EPOCHS:.0f} times the epochs of one healthy training (asked: all). Time "
        f"outside of building and training networks (examination, choosing, files): median {np.median(own):.0%} of "
        f"stays whose six small networks train for a few seconds.",
        "",
    ]
    return lines


def tuner_told(records: list[Record]) -> list[str]:
    """A row a table and rival: means over splits, paired on the test patients of each."""
    rows = [r for r in records if r["kind"] == "tuner"]
    if not rows:
        return []
    lines = [
        "`python -m benchmarks.closed_loop tuner SHARED`: `rounds train` from the default plan beside one default",
        "network, and beside Optuna's TPE over the same plan space (width, depth, rate, dropout, decay, L2,",
        "activation, normalization, embedding; five folds a trial, the same training code, the first trial being",
        "Rounds's own plan) within the same member-epochs and within half of them. TPE answers with the networks of",
        "its best trial, and with those of all trials, chosen from and averaged as Rounds does with its own.",
        "Differences are paired on the test patients of a split; intervals are over splits (95 %, Nadeau and Bengio",
        f"2003: splits share patients). Margin, stated before any run: {MARGIN:.0%} of the way from the constant to",
        f"the better of the two, on the mean of at least {FEWEST_SPLITS} splits.",
        "",
        "| table | splits | metric | Rounds | beside | reached | Rounds better by | margin | said |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for table in dict.fromkeys(r["table"] for r in rows):
        lines += table_told([r for r in rows if r["table"] == table])
    return [*lines, "", *kept_told(rows), ""]


RIVALS = (
    ("one default network", None, None),
    ("TPE, half, all trials averaged", "0.5", "ensemble"),
    ("TPE, half, best trial", "0.5", "best"),
    ("TPE, all trials averaged", "1.0", "ensemble"),
    ("TPE, best trial", "1.0", "best"),
)


def table_told(runs: list[Record]) -> list[str]:
    mine = np.array([r["rounds"] for r in runs])
    lines = []
    for name, share, how in RIVALS:
        said = [{"value": r["one"], "rounds_better_by": r["better_than_one_by"]} if share is None
                else r["tuned"][share][how] for r in runs]  # fmt: skip
        theirs = np.array([one["value"] for one in said])
        gains = np.array([one["rounds_better_by"]["value"] for one in said])
        way = np.maximum(*(np.abs(v - [r["constant"] for r in runs]) for v in (mine, theirs)))
        margin = MARGIN * float(way.mean())
        better = over_splits(gains, runs)
        cells = (
            runs[0]["table"], len(runs), runs[0]["metric"], f"{mine.mean():.4f}", name, f"{theirs.mean():.4f}",
            shown(better), f"{margin:.4f}", verdict(better, len(runs), margin),
        )  # fmt: skip
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return lines


def over_splits(gains: np.ndarray, runs: list[Record]) -> tuple[float, float, float]:
    """Mean and interval: the variance of a mean of splits that share patients (Machine Learning 52:239)."""
    mean = float(gains.mean())
    if len(gains) < 3:
        return mean, -np.inf, np.inf
    learned, judged = np.mean([r["rows"] for r in runs], axis=0)
    error = float(np.sqrt(gains.var(ddof=1) * (1 / len(gains) + judged / learned)))
    reach = float(student.ppf(0.975, len(gains) - 1)) * error
    return mean, mean - reach, mean + reach


def shown(interval: tuple[float, float, float]) -> str:
    mean, low, high = interval
    return f"{mean:+.4f} ({low:+.4f} to {high:+.4f})" if np.isfinite(low) else f"{mean:+.4f}"


def verdict(interval: tuple[float, float, float], splits: int, margin: float) -> str:
    """By the mean; ahead only where the interval says so."""
    mean, low, _ = interval
    if splits < FEWEST_SPLITS:
        return "too few splits"
    return "behind" if mean < -margin else "ahead" if low > 0 else "not behind"


def kept_told(rows: list[Record]) -> list[str]:
    treated = [r for r in rows if r["kept"]]
    share = [(r["seconds"]["training"] + r["seconds"]["rounds"] - r["seconds_training"]) / sum(r["seconds"].values())
             for r in rows]  # fmt: skip
    trials = [r["trials"] for r in rows]
    return [
        f"In {len(treated)} of {len(rows)} runs a remedy was kept; elsewhere nothing alarmed, or nothing was "
        f"confirmed, and Rounds is its default population. TPE made {min(trials)} to {max(trials)} trials. "
        f"Examination, choosing and checkpoints took {np.median(share):.0%} of a run's time (median; asked: below "
        f"5 %), building and training networks and the final judging the rest."
    ]


def about_told(records: list[Record]) -> list[str]:
    about = records[-1]["about"]
    return [
        f"{about['cores']} cores shared with other work, {platform.machine()}, {platform.system()}; "
        f"{records[-1]['date']}; Rounds {about['rounds']}, JAX {about['jax']}, Keras {about['keras']}, scikit-learn "
        f"{about['scikit-learn']}, Python {about['python']}.",
        "",
        *REMARKS,
        "",
        not_run(records),
    ]


def not_run(records: list[Record]) -> str:
    """What the tables above leave out."""
    of_plans = [f.name for f in FAULTS if not f.of_table]
    done = {(r["fault"], r["severity"]) for r in records if r["kind"] == "fault"}
    parts = []
    for severity, name in ((1, "severe"), (0, "mild")):
        missing = [f for f in of_plans if (f, severity) not in done]
        if missing:
            parts.append(f"{len(missing)} of the {len(of_plans)} faults of plans in their {name} form")
    tables = {r["table"] for r in records if r["kind"] == "fault"}
    parts.append(f"the other {len(TASKS) - len(tables)} tables of the ward")
    beside = {r["table"] for r in records if r["kind"] == "tuner"}
    untried = [name for name in ("pima", "cleveland", "nhanes_bps", "flchain_death", "d130_los") if name not in beside]
    return f"Not run: {'; '.join(parts)}; {', '.join(untried)} beside the tuner."


if __name__ == "__main__":
    main()
