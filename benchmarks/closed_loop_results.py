"""The section of docs/results.md on the closed loop, from the records of `benchmarks.closed_loop`.

python -m benchmarks.closed_loop_results [--ward .cache/ward]

The ward's own runs (`benchmarks.ward`) say which faults hurt on which table.
"""

import argparse
import platform
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from benchmarks.closed_loop import recorded
from benchmarks.ward.__main__ import CACHE
from benchmarks.ward.faults import FAULTS
from benchmarks.ward.make_runs import read_lines
from benchmarks.ward.outcome import harms, hurts
from benchmarks.ward.tasks import TASKS
from rounds.metrics import METRICS
from rounds.metrics.worth import smallest_worthwhile

RESULTS = Path("docs/results.md")
TITLE = "## What the closed loop is worth"
SEVERE, MILD = 1, 0
# Of the ward's tables, those whose outcomes were looked at while remedies and trials were changed.
LOOKED_AT = ("cleveland", "nhanes", "breast_cancer", "pima", "flchain", "diabetes130")
REGAINED, MOST_EPOCHS, MARGIN, FEWEST_SPLITS = 0.95, 3.0, 0.01, 5

REMARKS = (
    "Faults of diabetes, digits and ecg5000 were never looked at while remedies and trials were changed; on admissions",
    "and diabetes130 the healthy plan is no better than a constant. A fault counts as one where the ward has found, on",
    "other seeds, that it costs at least 5 % of a constant's error (`benchmarks/ward/outcome.py`); the others are",
    "shown and counted apart.",
)

Record = dict[str, Any]


def regained(fault: Record, healthy: Record, when: str) -> float:
    """Share of the healthy plan's way from the constant."""
    gain = METRICS[fault["metric"]].gain
    way = float(gain(np.array(healthy["before"]), np.array(healthy["constant"])))
    return float(gain(np.array(fault[when]), np.array(healthy["constant"]))) / way


def main() -> None:
    """Writes the section of docs/results.md."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ward", type=Path, default=CACHE)
    harm = harm_of_tables(parser.parse_args().ward)
    records = [{**r, "hurts": harm.get((r["table"], r.get("fault", ""), r.get("severity", 0)))} for r in recorded()]
    text = "\n".join([TITLE, "", *faults_told(records), *tuner_told(records), *about_told(records)])
    whole = RESULTS.read_text(encoding="utf-8")
    if TITLE in whole:
        before, _, rest = whole.partition(TITLE)
        after = rest.partition("\n## ")
        whole = before + text + ("\n\n## " + after[2] if after[1] else "\n")
    else:
        whole = whole.rstrip() + "\n\n" + text + "\n"
    RESULTS.write_text(whole, encoding="utf-8")


def harm_of_tables(ward: Path) -> dict[tuple[str, str, int], bool]:
    """Whether the ward has found that a fault hurts, by table, fault and severity."""
    found = {task.name: ward / f"{task.name}.jsonl" for task in TASKS}
    runs = {name: [about for about, _ in read_lines(path)] for name, path in found.items() if path.exists()}
    return {(name, *key): hurts(lost) for name, some in runs.items() for key, lost in harms(some).items()}


def faults_told(records: list[Record]) -> list[str]:
    healthy = {r["table"]: r for r in records if r["kind"] == "healthy"}
    last = {(r["table"], r["severity"], r["fault"]): r for r in records if r["kind"] == "fault"}
    known = [r for r in last.values() if r["table"] in healthy]
    rows = [r for r in known if way_of(healthy[r["table"]]) > 0]
    if not rows:
        return []
    lines = [
        "`python -m benchmarks.closed_loop faults SHARED`: faulty plans of the ward (`benchmarks/ward/faults.py`),",
        "treated for at most two rounds: the share of the healthy plan's way from the constant that is regained on",
        "patients nobody learned from, and the epochs of single networks that all of it took, in those of one healthy",
        "training. Hurts: whether the ward has found that this fault hurts on this table.",
        "",
        "| table | fault | severity | hurts | before | after | epochs | first alarms | kept |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        sound = healthy[r["table"]]
        before, after = (f"{regained(r, sound, when):.0%}" for when in ("before", "after"))
        alarms = ", ".join((r["alarms"] or [[]])[0][:2]) or "none"
        kept = "; ".join(", ".join(f"{n} {new}" for n, (_, new) in c.items()) for c in r["kept"]) or "nothing"
        hurt = {True: "yes", False: "no", None: "-"}[r["hurts"]]
        epochs = f"{epochs_of(r, sound):.1f}x"
        cells = (r["table"], r["fault"], r["severity"], hurt, before, after, epochs, alarms, kept)
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    kinds = ((SEVERE, "severely faulty"), (MILD, "mildly faulty"))
    told = [
        mended_told(some, healthy[table], name)
        for severity, name in kinds
        for table, some in by_table([r for r in rows if r["severity"] == severity]).items()
    ]
    lost = by_table([r for r in known if r not in rows])
    told += [nothing_to_regain(some, healthy[table]) for table, some in lost.items()]
    again = by_table([r for r in records if r["kind"] == "healthy again" and way_of(healthy[r["table"]]) > 0])
    told += luck_told(again, healthy) if again else []
    seen = [r for r in rows if r["table"] in LOOKED_AT]
    told += [
        together_told(some, healthy, name)
        for some, name in (([r for r in rows if r not in seen], "nobody looked at"), (seen, "were looked at"))
        if some
    ]
    return [*lines, *(line for text in (*told, *own_time_told(rows)) for line in ("", text)), ""]


def way_of(healthy: Record) -> float:
    """From the constant to the healthy plan, in the main metric; 0 where that is less than the smallest worthwhile."""
    metric, constant = healthy["metric"], healthy["constant"]
    way = float(METRICS[metric].gain(np.array(healthy["before"]), np.array(constant)))
    return way if way >= smallest_worthwhile(metric, constant) else 0.0


def nothing_to_regain(rows: list[Record], healthy: Record) -> str:
    """A table on which the healthy plan is no better than a constant: shares of that way mean nothing."""
    metric, table, sound = healthy["metric"], rows[0]["table"], healthy["before"]
    least = smallest_worthwhile(metric, healthy["constant"])
    level = {
        when: sum(float(METRICS[metric].gain(np.array(sound), np.array(r[when]))) < least for r in rows)
        for when in ("before", "after")
    }
    dear = sum(epochs_of(r, healthy) > MOST_EPOCHS for r in rows)
    return (
        f"On {table} the healthy plan itself is not ahead of a constant ({metric} {sound:.3f} against "
        f"{healthy['constant']:.3f} on the patients who judge): there is nothing to regain, and its {len(rows)} faults "
        f"are in no count. {level['before']} were level with the healthy plan before (within the smallest worthwhile "
        f"difference), {level['after']} after the loop: networks that are worse than a constant count as one in a "
        f"trial, so that none is found better. {dear} took more than {MOST_EPOCHS:.0f} times the epochs."
    )


def luck_told(again: dict[str, list[Record]], healthy: dict[str, Record]) -> list[str]:
    """How far the healthy plan's own score goes by the luck of its seed: what the line of REGAINED can tell apart."""
    parts = []
    for table, runs in again.items():
        shares = np.array([regained(r, healthy[table], "before") for r in runs])
        parts.append(
            f"{table} {int((shares >= REGAINED).sum())} of {len(runs)} ({shares.mean():.0%}, standard deviation "
            f"{shares.std(ddof=1):.1%}; {runs[0]['patients']} patients judge)"
        )
    return [
        f"The healthy plan itself, trained again with other seeds, regains {REGAINED:.0%} of its first way on "
        f"{'; '.join(parts)}: where it seldom does, missing that line says little of a treatment."
    ]


def together_told(rows: list[Record], healthy: dict[str, Record], how: str) -> str:
    """What came of all faults whose outcomes were, or were not, looked at while remedies were changed."""
    tables = ", ".join(dict.fromkeys(r["table"] for r in rows))
    before, after = (np.array([regained(r, healthy[r["table"]], when) for r in rows]) for when in ("before", "after"))
    harmful, severe = np.array([r["hurts"] is True for r in rows]), np.array([r["severity"] == SEVERE for r in rows])
    mended = after >= REGAINED

    def share(some: np.ndarray) -> str:
        return (
            f"{int(mended[some].sum())} of {int(some.sum())} ({mended[some].mean():.0%})" if some.any() else "none of 0"
        )

    cheap = sum(epochs_of(r, healthy[r["table"]]) <= MOST_EPOCHS for r in rows)
    spoilt = int(((before >= REGAINED) & ~mended).sum())
    below = harmful & (before < REGAINED)
    return (
        f"**Faults that {how} while remedies and trials were changed** ({tables}): of those that hurt {share(harmful)} "
        f"are at {REGAINED:.0%} or more after the loop (asked: 90 %): {share(harmful & severe)} severe, "
        f"{share(harmful & ~severe)} mild; of those that were below before {share(below)}. Of planted faults that do "
        f"no harm on average {share(~harmful)}. {spoilt} of all {len(rows)} fell below by the loop. {cheap} "
        f"({cheap / len(rows):.0%}) took at most {MOST_EPOCHS:.0f} times the epochs of one healthy training."
    )


def epochs_of(fault: Record, healthy: Record, what: str = "member_epochs") -> float:
    """In those of one healthy training."""
    return float(fault[what]) / float(healthy["member_epochs"])


def by_table(rows: list[Record]) -> dict[str, list[Record]]:
    return {table: [r for r in rows if r["table"] == table] for table in dict.fromkeys(r["table"] for r in rows)}


def mended_told(rows: list[Record], healthy: Record, kind: str) -> str:
    """What came of the faults of one table and kind."""
    before, after = ([regained(r, healthy, when) for r in rows] for when in ("before", "after"))
    below = sum(b < REGAINED for b in before)
    cured = sum(b < REGAINED <= a for b, a in zip(before, after, strict=True))
    mended = sum(a >= REGAINED for a in after)
    dear = [r for r in rows if epochs_of(r, healthy) > MOST_EPOCHS]
    alone = sum(epochs_of(r, healthy, "first") > MOST_EPOCHS for r in dear)
    names = f" (not: {', '.join(r['fault'] for r in dear)}; of these the faulty training alone took more in {alone})"
    return (
        f"On {rows[0]['table']} {below} of {len(rows)} {kind} starts were below {REGAINED:.0%} before, of which "
        f"{cured} are at {REGAINED:.0%} or more after the loop; in all {mended} of {len(rows)} "
        f"({mended / len(rows):.0%}; asked: 90 %). {len(rows) - len(dear)} took at most {MOST_EPOCHS:.0f} times the "
        f"epochs of one healthy training (asked: all){names if dear else ''}."
    )


def own_time_told(rows: list[Record]) -> list[str]:
    """The loop's own share of time, where nothing but the loop was timed."""
    own = [1 - r["seconds_training"] / r["seconds"] for r in rows if r.get("timed") == "stay"]
    if not own:
        return []
    return [
        f"Time outside of building and training networks (examination, choosing, files): median {np.median(own):.1%} "
        f"of {len(own)} runs whose six small networks train for a few seconds (asked: below 5 %)."
    ]


def tuner_told(records: list[Record]) -> list[str]:
    """A row a table and rival: means over splits, paired on the test patients of each."""
    every = [r for r in records if r["kind"] == "tuner"]
    rows = list({(r["table"], r["split"]): r for r in every}.values())
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
        said = [
            {"value": r["one"], "rounds_better_by": r["better_than_one_by"]}
            if share is None
            else r["tuned"][share][how]
            for r in runs
        ]
        theirs = np.array([one["value"] for one in said])
        gains = np.array([one["rounds_better_by"]["value"] for one in said])
        way = np.maximum(*(np.abs(v - [r["constant"] for r in runs]) for v in (mine, theirs)))
        margin = MARGIN * float(way.mean())
        better = over_splits(gains, runs)
        cells = (
            runs[0]["table"],
            len(runs),
            runs[0]["metric"],
            f"{mine.mean():.4f}",
            name,
            f"{theirs.mean():.4f}",
            shown(better),
            f"{margin:.4f}",
            verdict(better, len(runs), margin),
        )
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
    trials = [r["trials"] for r in rows]
    said = (
        f"In {len(treated)} of {len(rows)} runs a remedy was kept; elsewhere nothing alarmed, or nothing was "
        f"confirmed, and Rounds is its default population. TPE made {min(trials)} to {max(trials)} trials."
    )
    alone = "Against one default network Rounds is better by " + "; ".join(map(alone_told, by_table(rows).values()))
    timed = [r for r in rows if r.get("timed") == "stay"]
    share = [
        (r["seconds"]["training"] + r["seconds"]["rounds"] - r["seconds_training"]) / sum(r["seconds"].values())
        for r in timed
    ]
    own = (
        f" Examination, choosing and checkpoints took {np.median(share):.1%} of a run's time (median of {len(timed)} "
        f"runs; asked: below 5 %), building and training networks and the final judging the rest."
    )
    return [said + (own if timed else ""), "", f"{alone}."]


def alone_told(runs: list[Record]) -> str:
    """The gain over a single network on one table, also as a share of the way from the constant."""
    gain = over_splits(np.array([r["better_than_one_by"]["value"] for r in runs]), runs)
    way = float(np.mean([abs(r["rounds"] - r["constant"]) for r in runs]))
    metric, splits = runs[0]["metric"], "one split" if len(runs) == 1 else f"{len(runs)} splits"
    return (
        f"{shown(gain)} in {metric} on {runs[0]['table']} ({gain[0] / way:.1%} of the way from the constant; {splits})"
    )


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
    faults = [r for r in records if r["kind"] == "fault"]
    parts = []
    for table, rows in by_table(faults).items():
        for severity, name in ((1, "severe"), (0, "mild")):
            missing = len(set(of_plans) - {r["fault"] for r in rows if r["severity"] == severity})
            if missing:
                parts.append(f"{missing} of the {len(of_plans)} faults of plans in their {name} form on {table}")
    others = [task.name for task in TASKS if task.name not in by_table(faults)]
    parts += [f"{', '.join(others)} of the ward"] if others else []
    beside = {r["table"] for r in records if r["kind"] == "tuner"}
    untried = [name for name in ("pima", "cleveland", "nhanes_bps", "flchain_death", "d130_los") if name not in beside]
    return f"Not run: {'; '.join([*parts, *([', '.join(untried) + ' beside the tuner'] if untried else [])])}."


if __name__ == "__main__":
    main()
