"""The batch itself: plan, engine, record, and the order of writing that makes a kill harmless."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from vanisher_core.batch.disclosing import companions
from vanisher_core.batch.local import Engine
from vanisher_core.batch.manifest import Manifest
from vanisher_core.batch.plan import Plan, Planner
from vanisher_core.batch.stores import Found, Store
from vanisher_core.batch.task import Job, Settings
from vanisher_core.batch.work import Report
from vanisher_core.errors import OutputError, UsageError, VanisherError

Told = Callable[["Tally", int], None]
"""Told after each picture: the tally, and how many are left."""

SETTLE = 2.0
"""Seconds in which a file of a watched folder must not have changed before it is taken."""


@dataclass
class Tally:
    """How a run went.

    Attributes:
        done: pictures done in this run.
        failed: name -> what went wrong, in this run or, not tried again, before it.
        refused: name -> why it was not tried.
        skipped: name -> why it need not be done.
        before: pictures done before this run.
        doubtful: of those done, how many a person should look at.
        unchanged: of those done, how many had nothing to erase.
        left: pictures that --limit left for another run.
        seconds: of this run.
        began: `time.monotonic` at its beginning.
    """

    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    before: int = 0
    doubtful: int = 0
    unchanged: int = 0
    left: int = 0
    tried: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.began

    @property
    def ok(self) -> bool:
        """Whether every picture came out, so far as it was tried."""
        return not self.failed and not self.refused


class Batch:
    """One run over a folder.

    Args:
        settings: of every picture.
        planner: says what is to be done.
        manifest: open for writing.
        target: of the results.
        state: local folder of the contact sheet's pictures and the receipts.
        receipts: write a receipt for each picture.
    """

    def __init__(
        self,
        settings: Settings,
        planner: Planner,
        manifest: Manifest,
        target: Store,
        state: Path,
        *,
        receipts: bool,
    ) -> None:
        self._asked, self._settings = settings, settings.as_dict()
        self._planner, self._manifest, self._target = planner, manifest, target
        self._state, self._receipts = state, receipts
        self.tally = Tally()

    def prepare(self) -> Plan:
        """Looks at the folder, finishes what a killed run left, records what cannot be tried."""
        plan = self._planner.plan(self._manifest)
        for left in self._state.glob(".*.tmp"):  # of a page that was being written
            left.unlink(missing_ok=True)
        for job in plan.unfinished:
            self._commit(job)
        self._target.clear_staging()
        self._take(plan)
        return plan

    def run(self, plan: Plan, engine: Engine, limit: int | None = None, told: Told | None = None) -> None:
        """Does a plan's jobs.

        Args:
            plan: from `prepare`.
            engine: what does them.
            limit: pictures to do at most.
            told: told after each.

        Raises:
            OutputError: the record cannot be written.
            VanisherError: the settings let no picture be done.
        """
        jobs = plan.jobs[:limit]
        self.tally.left = len(plan.jobs) - len(jobs)
        for at, (job, report) in enumerate(engine.run(jobs), 1):
            self._record(job, report)
            if told:
                told(self.tally, len(jobs) - at)
        self._target.clear_staging()

    def watch(self, engine: Engine, source: Store, leave_out: frozenset[str], limit: int | None,
              told: Told | None, pause: float = SETTLE) -> Iterator[int]:  # fmt: skip
        """Does what comes into the folder, round by round, until the caller stops or `limit` is reached.

        Yields:
            After each look at the folder, how many pictures were done in it.
        """
        stamps: dict[str, str] = {}
        while limit is None or self.tally.tried < limit:
            source.look()
            found = [one for one in source.files(leave_out) if self._planner.takes(one)]
            now = {one.name: source.stamp(one.name) for one in found}
            settled = [one for one in found if one.problem or stamps.get(one.name) == now[one.name]]
            stamps = now
            tried = self.tally.tried
            self._round(settled, engine, None if limit is None else limit - tried, told)
            yield self.tally.tried - tried
            if limit is None or self.tally.tried < limit:
                time.sleep(pause)

    def _round(self, settled: list[Found], engine: Engine, limit: int | None, told: Told | None) -> None:
        plan = self._planner.plan(self._manifest, settled)
        self._take(plan)
        if plan.jobs:
            self.run(plan, engine, limit, told)

    def _take(self, plan: Plan) -> None:
        """Counts what a plan leaves out, and records what is new about it."""
        self.tally.before = len(plan.done) + len(plan.unfinished) - self.tally.done
        self.tally.skipped = plan.skipped
        self.tally.refused = plan.refused
        for name in plan.failed:
            self.tally.failed.setdefault(name, self._manifest.entries[name].error)
        for name, reason in plan.refused.items():
            before = self._manifest.entries.get(name)
            if before is None or (before.status, before.error) != ("refused", reason):
                error = {"type": "Refused", "message": reason}
                self._append(Job(name, ""), {"status": "refused", "error": error})

    def _record(self, job: Job, report: Report) -> None:
        """Writes down what became of a job, then gives the result its name."""
        self.tally.tried += 1
        extras = {name: report.pop(name, "") for name in ("strip", "receipt")}
        if report["status"] == "done":
            try:
                self._keep(job, extras)
            except VanisherError as error:
                report = _turned(report, error)
        self._append(job, report)
        if report["status"] == "done":
            self._commit(job, report)
        else:
            self.tally.failed[job.name] = report["error"]["message"]

    def _commit(self, job: Job, report: Report | None = None) -> None:
        """Gives a recorded result its name; the record says so if that fails."""
        try:
            for key, name in companions(self._asked, job).items():
                if self._target.staged(key):  # a killed run may have named some already
                    self._target.commit(key, name, replace=job.replaces)
            self._target.commit(job.key, job.output, replace=job.replaces)
        except (OutputError, UsageError) as error:
            self._append(job, _turned(report or {}, error))
            self.tally.failed[job.name] = str(error)
            return
        if report is None:
            return
        self.tally.failed.pop(job.name, None)
        self.tally.done += 1
        self.tally.doubtful += bool(report["look_at_it"])
        self.tally.unchanged += report["erased_share"] == 0

    def _append(self, job: Job, report: Report) -> None:
        line = {"input": job.name, "output": job.output or None, "mask": job.mask or None, "stamp": job.stamp,
                "replaces": job.replaces}  # fmt: skip
        finished = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._manifest.append({**line, **report, "settings": self._settings, "finished": finished})

    def _keep(self, job: Job, extras: dict[str, str]) -> None:
        """Writes the contact sheet's picture and the receipt."""
        _put(strip_path(self._state, job.key), base64.b64decode(extras["strip"]))
        if self._receipts:
            _put(self._state / "receipts" / receipt_name(job), extras["receipt"].encode())


def _turned(report: Report, error: Exception) -> Report:
    """The report of a result that could be made but not be written."""
    about = {"status": "failed", "error": {"type": type(error).__name__, "message": str(error)}}
    return {"input_sha256": report.get("input_sha256"), "seconds": report.get("seconds"), **about}


def strip_path(state: Path, key: str) -> Path:
    """Where the contact sheet's picture of a job lies; in 256 folders, since there may be thousands."""
    return state / "pictures" / key[:2] / f"{key}.jpg"


def receipt_name(job: Job) -> str:
    """Below `receipts`: the output's name and .json; one that would be too long for a file system, the key."""
    name = f"{job.output}.json"
    longest = max(len(part.encode("utf-8", "surrogateescape")) for part in name.split("/"))
    return name if longest <= 255 else f"{job.key}.json"


def _put(path: Path, data: bytes) -> None:
    """Writes a file that counts only when the record's line follows: no need for an atomic step."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error


def check_settings(manifest: Manifest, settings: Settings) -> None:
    """Refuses to go on with a record that other settings made.

    Raises:
        UsageError: it names what differs.
    """
    mine = {**settings.as_dict(), "vanisher": ""}
    for entry in manifest.entries.values():
        other = json.loads(entry.settings)
        if other != json.loads(json.dumps(mine)):
            differ = [f"{name} {other.get(name)!r} is now {mine[name]!r}" for name in mine
                      if json.dumps(other.get(name)) != json.dumps(mine[name])]  # fmt: skip
            raise UsageError(
                f"{manifest.path} was made with other settings ({'; '.join(differ)}): give the same ones, name "
                "another OUT_DIR, or begin anew with --overwrite"
            )
