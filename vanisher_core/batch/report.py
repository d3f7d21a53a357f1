"""What a batch says: progress while it runs, a table or a JSON object at the end."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from vanisher_core.batch.manifest import Manifest
from vanisher_core.batch.plan import Plan
from vanisher_core.batch.run import Tally
from vanisher_core.batch.task import shown
from vanisher_core.commands.common import Progress, print_json, print_notes


class Teller:
    """The progress bar's text: how many, how fast, how long still."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._began = time.monotonic()
        self._tried = 0

    def __call__(self, tally: Tally, left: int) -> None:
        """After each picture."""
        self._tried += 1
        rate = self._tried / max(time.monotonic() - self._began, 1e-3)
        speed = f"{rate:.1f} pictures/s" if rate >= 1 else f"{1 / rate:.1f} s per picture"
        wrong = len(tally.failed) + len(tally.refused)
        failed = f", {wrong} failed" if wrong else ""
        text = f"{self._tried} of {self._tried + left}{failed}, {speed}, {duration(left / rate)} left"
        self._progress(self._tried / (self._tried + left), text)

    def idle(self, tally: Tally) -> None:
        """While a watched folder is quiet."""
        self._progress(1.0, f"{tally.done} done, waiting for pictures; Ctrl-C ends")


def duration(seconds: float) -> str:
    """In words: 40 s, 12 min, 3 h 5 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def dry_run(arguments: argparse.Namespace, plan: Plan) -> int:
    """Says what would be done."""
    jobs = plan.jobs[: arguments.limit]
    wrong = plan.refused | {name: "failed before; try again with --only-failed" for name in plan.failed}
    if arguments.json:
        print_json(
            {
                "would_do": [{"input": shown(job.name), "output": shown(job.output)} for job in jobs],
                "refused": {shown(name): shown(reason) for name, reason in wrong.items()},
                "skipped": {shown(name): reason for name, reason in plan.skipped.items()},
                "done_before": len(plan.done) + len(plan.unfinished),
            }
        )
        return 1 if wrong else 0
    for job in jobs:
        mask = f" with mask {shown(job.mask)}" if job.mask else ""
        print(f"would erase {shown(job.name)} to {shown(job.output)}{mask}")
    for name, reason in wrong.items():
        print(f"would refuse {shown(name)}: {shown(reason)}")
    for name, reason in plan.skipped.items():
        print(f"would skip {shown(name)}: {reason}")
    before = len(plan.done) + len(plan.unfinished)
    print(f"{len(jobs)} to do, {len(wrong)} refused, {len(plan.skipped)} skipped, {before} done before.")
    return 1 if wrong else 0


def summary(arguments: argparse.Namespace, tally: Tally, manifest: Manifest, page: Path) -> None:
    """The summary table, or the JSON object."""
    figures = {
        "done": tally.done,
        "done_before": tally.before,
        "nothing_to_erase": tally.unchanged,
        "look_at": tally.doubtful,
        "failed": len(tally.failed),
        "refused": len(tally.refused),
        "skipped": len(tally.skipped),
        "left": tally.left,
    }
    wrong = tally.failed | tally.refused
    if arguments.json:
        reasons = {shown(name): shown(reason) for name, reason in wrong.items()}
        places = {"manifest": str(manifest.path), "contact_sheet": str(page)}
        print_json({**figures, "errors": reasons, "seconds": round(tally.seconds, 3), **places})
        return
    print_notes(f"{shown(name)}: {shown(reason)}" for name, reason in wrong.items())
    print_notes(f"{shown(name)}: {shown(reason)}" for name, reason in tally.skipped.items())
    labels = {
        "done": "done", "done_before": "done before", "nothing_to_erase": "  with nothing to erase",
        "look_at": "  to look at", "failed": "failed", "refused": "refused", "skipped": "skipped",
        "left": "left for later",
    }  # fmt: skip
    for name, value in figures.items():
        if value or name in ("done", "failed"):
            print(f"{labels[name]:24}{value:>8}")
    each = f", {tally.seconds / tally.done:.2f} s per picture" if tally.done else ""
    print(f"{'time':24}{duration(tally.seconds):>8}{each}")
    print(f"record:        {manifest.path}\ncontact sheet: {page}")
