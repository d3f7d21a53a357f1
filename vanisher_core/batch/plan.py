"""Which pictures are to be done: by name, by what the record says of them, by what lies in the output folder."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from vanisher_core.batch.disclosing import companions
from vanisher_core.batch.manifest import Entry, Manifest
from vanisher_core.batch.stores import Found, Store
from vanisher_core.batch.task import Job, Settings, shown
from vanisher_core.codecs import SUFFIXES


@dataclass(frozen=True)
class Choice:
    """Which names to take, and what to do about outputs.

    Attributes:
        include: globs, of the name below the root or of its last part; none: every picture by its suffix.
        exclude: globs, likewise.
        leave_out: names below the root that are no inputs (the output folder, the masks).
        only_failed: take only what failed before.
        overwrite: replace outputs that are not in the record.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    leave_out: frozenset[str] = frozenset()
    only_failed: bool = False
    overwrite: bool = False


@dataclass
class Plan:
    """What a look at the input folder gave.

    Attributes:
        jobs: to be done, by name.
        refused: name -> why it cannot be done; nothing is tried.
        skipped: name -> why it need not be done.
        done: names done before.
        failed: names that failed before, and are not tried again.
        unfinished: done, but without their final name yet: (name, key, output).
    """

    jobs: list[Job] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    unfinished: list[Job] = field(default_factory=list)


class Planner:
    """Makes plans; asked again and again when a folder is watched.

    Args:
        settings: of the batch.
        choice: of names.
        source: the pictures.
        target: the results.
        masks: the masks by name, or the place of the one mask; None without masks.
        one_mask: name of the one mask for all, or "".
    """

    def __init__(
        self,
        settings: Settings,
        choice: Choice,
        source: Store,
        target: Store,
        masks: Store | None,
        one_mask: str,
    ) -> None:
        self._settings, self._choice = settings, choice
        self._source, self._target, self._masks = source, target, masks
        self._one_mask = one_mask

    def plan(self, manifest: Manifest, known: Iterable[Found] | None = None) -> Plan:
        """Looks at the folder.

        Args:
            manifest: what was done before.
            known: what lies there, if it was looked at already.
        """
        for place in (self._source, self._target, self._masks):
            if place:
                place.look()
        found = self._source.files(self._choice.leave_out) if known is None else known
        taken = sorted(one for one in found if self.takes(one))
        plan = Plan()
        outputs = self._outputs([one.name for one in taken if not one.problem])
        masks = self._named_masks() if self._settings.masks == "named" and self._masks else {}
        for one in taken:
            if one.problem and one.harmless:
                plan.skipped[one.name] = one.problem
            elif one.problem:
                plan.refused[one.name] = one.problem
            elif isinstance(twins := outputs[one.name], list):
                plan.refused[one.name] = twins[0]
            else:
                self._place(plan, one.name, twins, masks, manifest.entries.get(one.name))
        return plan

    def takes(self, found: Found) -> bool:
        """Whether a name is meant; a folder that cannot be read always is."""
        name = found.name
        if found.problem and not PurePosixPath(name).suffix:
            return not _matches(name, self._choice.exclude)
        by_name = _matches(name, self._choice.include)
        wanted = by_name if self._choice.include else PurePosixPath(name).suffix.lower() in SUFFIXES
        return wanted and not _matches(name, self._choice.exclude)

    def output(self, name: str) -> str:
        """Name of the result: that of the picture, with the suffix of --format if there is one."""
        if not self._settings.format:
            return name
        path = PurePosixPath(name)
        kept = path.stem if path.suffix.lower() in SUFFIXES else path.name
        return str(path.with_name(kept + self._settings.format))

    def _outputs(self, names: list[str]) -> dict[str, str | list[str]]:
        """For each name its output, or (in a list) why it has none: two pictures would write the same file.

        Names count as the same if some file system takes them so: capitals and composed letters apart.
        """
        writers: dict[str, list[str]] = defaultdict(list)
        for name in names:
            for written in self._written(name):
                writers[_folded(written)].append(name)
        found: dict[str, str | list[str]] = {}
        for name in names:
            found[name] = self.output(name)
            rivals = (other for written in self._written(name) for other in writers[_folded(written)])
            if others := list(dict.fromkeys(other for other in rivals if other != name)):
                found[name] = [
                    f"would write to the same file as {' and '.join(map(shown, others))}, here or on a disk that takes "
                    "capitals for small letters: rename one, or leave one out with --exclude"
                ]
        return found

    def _written(self, name: str) -> list[str]:
        """Every file that a picture's job writes: the result, and what discloses it."""
        output = self.output(name)
        return [output, *companions(self._settings, Job(name, output)).values()]

    def _place(
        self, plan: Plan, name: str, output: str, masks: dict[str, list[str]], before: Entry | None
    ) -> None:
        """Puts one picture where it belongs."""
        mask, problem = self._mask_for(name, masks)
        if problem:
            plan.refused[name] = problem
            return
        stamp = self._stamp(name, mask)
        same = before is not None and (before.stamp == stamp or self._same_input(name, mask, before))
        job = Job(name, output, mask, stamp)
        if before and before.status == "done" and same and not self._choice.only_failed:
            if self._target.staged(job.key) == before.output_sha256:
                plan.unfinished.append(replace(job, replaces=before.replaces))
                return
            if self._target.size(output) == before.output_bytes:
                plan.done.append(name)
                return
        elif before and before.status == "done" and self._choice.only_failed:
            plan.done.append(name)
            return
        if before and before.status == "failed" and same and not self._choice.only_failed:
            plan.failed.append(name)
            return
        if self._choice.only_failed and (before is None or before.status not in ("failed", "refused")):
            plan.skipped[name] = "did not fail before (--only-failed)"
            return
        exists = self._target.size(output) >= 0
        if exists and not self._choice.overwrite and not self._is_ours(output, before):
            plan.refused[name] = (
                f"its output {shown(output)} exists already and is not in the record: move it away, or allow replacing "
                "it with --overwrite"
            )
            return
        plan.jobs.append(Job(name, output, mask, stamp, replaces=exists))

    def _is_ours(self, output: str, before: Entry | None) -> bool:
        """Whether the output is as the record says that we wrote it, so that it may be replaced."""
        return bool(
            before and before.output == output and before.output_sha256 == self._target.digest(output)
        )

    def _same_input(self, name: str, mask: str, before: Entry) -> bool:
        """Whether a picture with another time of change has the same content; masks are taken by their time."""
        if before.stamp.partition("|")[2] != self._mask_stamp(mask) or not before.input_sha256:
            return False
        try:
            return self._source.digest(name) == before.input_sha256
        except OSError:
            return False

    def _stamp(self, name: str, mask: str) -> str:
        return f"{self._source.stamp(name)}|{self._mask_stamp(mask)}"

    def _mask_stamp(self, mask: str) -> str:
        return self._masks.stamp(mask) if mask and self._masks else ""

    def _named_masks(self) -> dict[str, list[str]]:
        """Name of a mask without its suffix -> the masks of that name."""
        assert self._masks
        found: dict[str, list[str]] = defaultdict(list)
        for one in self._masks.files(frozenset()):
            path = PurePosixPath(one.name)
            if path.suffix.lower() in SUFFIXES and not one.problem:
                found[str(path.with_suffix(""))].append(one.name)
        return found

    def _mask_for(self, name: str, masks: dict[str, list[str]]) -> tuple[str, str]:
        """The mask's name and "", or "" and why there is none."""
        if self._settings.masks != "named":
            return self._one_mask, ""
        path = PurePosixPath(name)
        # room.jpg.png goes before room.png: the one that tells room.jpg from room.tif
        for wanted in (name, str(path.with_suffix("")) if path.suffix else name):
            fitting = masks.get(wanted, [])
            if len(fitting) > 1:
                return "", f"has {len(fitting)} masks ({', '.join(map(shown, sorted(fitting)))}): leave one"
            if fitting:
                return fitting[0], ""
        bare = shown(str(path.with_suffix("")))
        return "", f"has no mask: put {bare}.png into the folder of masks, or leave it out with --exclude"


def _folded(name: str) -> str:
    """A name as the least careful file system takes it."""
    return unicodedata.normalize("NFC", name).casefold()


def _matches(name: str, globs: tuple[str, ...]) -> bool:
    """Whether any glob matches the whole name or its last part; capitals do not count, `*` crosses folders."""
    low, last = name.casefold(), PurePosixPath(name).name.casefold()
    return any(fnmatchcase(low, glob.casefold()) or fnmatchcase(last, glob.casefold()) for glob in globs)
