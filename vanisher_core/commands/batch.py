"""`vanisher batch`: a folder of pictures in, a folder of results out, and a record of each."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vanisher_core.commands.common import (
    Progress,
    class_names,
    count,
    device,
    length,
    setting,
    switch,
    whole,
)
from vanisher_core.errors import Cancelled, UsageError

if TYPE_CHECKING:
    from vanisher_core.batch.manifest import Manifest
    from vanisher_core.batch.places import Places
    from vanisher_core.batch.plan import Planner
    from vanisher_core.batch.task import Settings, Task

_EXAMPLES = """\
examples:
  vanisher batch tour/ tour-clean/ --masks tour-masks/
  vanisher batch tour/ tour-clean/ --panorama --nadir 20 --resume
  vanisher batch scans/ out/ --remove person --include '*.tif' --dry-run
  vanisher batch inbox/ outbox/ --remove person --watch

exit status: 0 every picture is right, 1 some failed or were refused, 2 bad usage. OUT_DIR/vanisher-batch/ holds
the record (manifest.jsonl) and the contact sheet (index.html)."""


def register(commands: Any) -> None:
    """Adds `batch` and its options."""
    parser = commands.add_parser(
        "batch",
        help="erase from every picture of a folder, and record what was done",
        description="Erases from every picture below a folder; results keep their names and folders.",
        epilog=_EXAMPLES,
    )
    add = parser.add_argument
    add("source", metavar="IN_DIR", help="folder (or URL) of the pictures; never changed")
    add("target", metavar="OUT_DIR", help="folder (or URL) for the results; made if it is missing")
    from vanisher_core.disclosure import add_options

    _add_what(parser)
    _add_which(parser)
    _add_how(parser)
    add_options(parser)
    parser.set_defaults(run=run)


def _add_what(parser: argparse.ArgumentParser) -> None:
    from vanisher_core.batch.kinds import others

    group = parser.add_argument_group("what to erase")
    what = group.add_mutually_exclusive_group()
    what.add_argument("--remove", type=class_names, metavar="CLASS[,CLASS]", help="classes to find and erase")
    what.add_argument(
        "--masks", metavar="DIR", help="folder (or URL) of masks named as the pictures: a/b.jpg, a/b.png"
    )
    what.add_argument("--mask", metavar="MASK", help="one mask for all pictures")
    for kind in others():
        group.add_argument(
            f"--{kind.name}", action="append_const", const=kind.name, dest="kinds", help=kind.help
        )
        kind.add_options(parser)
    add = group.add_argument
    add("--fit-mask", action="store_true", help="scale masks of another size to their pictures")
    add("--grow", type=whole, metavar="PX", help="pixels to grow masks by (automatic, by size)")
    add(
        "--feather",
        type=length,
        metavar="PX",
        help="width of the soft edge inside the grown ring (automatic)",
    )
    add("--model", metavar="NAME", help="auto (default), exemplar, network")
    add("--device", metavar="DEVICE", help="auto (default), cpu, cuda or mps")
    add("--seed", type=whole, metavar="N", help="another seed gives another texture (0)")


def _add_which(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("which pictures").add_argument
    add("--include", action="append", metavar="GLOB", help="only these names (several may be given)")
    add("--exclude", action="append", metavar="GLOB", help="not these names (several may be given)")
    add("--limit", type=count, metavar="N", help="do at most N pictures in this run")
    add("--resume", action="store_true", help="go on with the record in OUT_DIR: what is done stays done")
    add("--only-failed", action="store_true", help="as --resume, and try only what failed before")
    add("--watch", action="store_true", help="go on with what comes into IN_DIR, until Ctrl-C or --limit")
    add("--dry-run", action="store_true", help="say what would be done, and write nothing")


def _add_how(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("how").add_argument
    add("--workers", type=count, metavar="N", help="processes, one core each (all cores; with a GPU, 1)")
    add(
        "--engine", choices=("local", "ray"), default="local", help="this machine (default), or a Ray cluster"
    )
    add("--format", metavar="SUFFIX", help="write all results in this format: png, jpg, tif, webp")
    add("--receipts", action="store_true", help="also write a receipt for each picture")
    add(
        "--overwrite", action="store_true", default=None,
        help="replace outputs; without --resume, begin the record anew",
    )  # fmt: skip
    add(
        "--state",
        type=Path,
        metavar="DIR",
        help="where record and contact sheet lie (OUT_DIR/vanisher-batch)",
    )
    add("--json", action="store_true", help="print one JSON object instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Plans, erases, records, reports.

    Raises:
        VanisherError: anything that the user can mend before any work.
    """
    from vanisher_core.batch.manifest import Manifest
    from vanisher_core.batch.places import places
    from vanisher_core.batch.plan import Choice, Planner
    from vanisher_core.batch.report import dry_run
    from vanisher_core.batch.run import check_settings

    settings = _settings(arguments)
    overwrite = setting(arguments.overwrite, "VANISHER_OVERWRITE", switch, False)
    where = places(arguments)
    choice = Choice(
        tuple(arguments.include or ()), tuple(arguments.exclude or ()), where.leave_out, arguments.only_failed,
        overwrite,
    )  # fmt: skip
    planner = Planner(settings, choice, where.source, where.target, where.masks, where.one_mask)
    resume = arguments.resume or arguments.only_failed
    with Manifest(where.state, write=not arguments.dry_run) as manifest:
        if manifest.entries and not resume and not overwrite:
            raise UsageError(
                f"{manifest.path} holds a record of {len(manifest.entries)} pictures: go on with --resume, begin anew "
                "with --overwrite, or name another OUT_DIR."
            )
        if resume:
            check_settings(manifest, settings)
        elif manifest.entries and not arguments.dry_run:
            manifest.clear()
        if arguments.dry_run:
            return dry_run(arguments, planner.plan(manifest))
        return _work(arguments, settings, planner, manifest, where)


def _settings(arguments: argparse.Namespace) -> "Settings":
    """How every picture is erased.

    Raises:
        UsageError: nothing says what to erase, or options contradict each other.
    """
    from vanisher_core.batch.disclosing import plain
    from vanisher_core.batch.kinds import PHOTO, others
    from vanisher_core.batch.task import Settings
    from vanisher_core.codecs import format_of
    from vanisher_core.disclosure import wish_of

    chosen = list(dict.fromkeys(arguments.kinds or ()))
    if len(chosen) > 1:
        raise UsageError(f"--{' and --'.join(chosen)} are given: a batch is of one kind of picture.")
    extra: dict[str, Any] = {}
    kind = PHOTO
    for other in others():
        kind = other if other.name in chosen else kind
        extra |= other.extra(arguments, other.name in chosen)
    if not (arguments.remove or arguments.masks or arguments.mask or kind.erases_alone(extra)):
        raise UsageError("Nothing says what to erase: give --remove, --masks or --mask.")
    ending = ""
    if arguments.format:
        ending = f".{arguments.format.lower().lstrip('.')}"
        ending = {".jpeg": ".jpg", ".tiff": ".tif"}.get(ending, ending)
        format_of(ending)
    return Settings(
        kind=kind.name,
        remove=arguments.remove or (),
        masks="named" if arguments.masks else "one" if arguments.mask else "",
        grow=setting(arguments.grow, "VANISHER_GROW", whole, None),
        feather=setting(arguments.feather, "VANISHER_FEATHER", length, None),
        model=setting(arguments.model, "VANISHER_MODEL", str, "auto"),
        seed=setting(arguments.seed, "VANISHER_SEED", whole, 0),
        fit_mask=arguments.fit_mask,
        device=device(arguments.device),
        format=ending,
        extra=extra,
        disclosure=plain(wish_of(arguments, place=kind.label_place)),
    )


def _work(
    arguments: argparse.Namespace, settings: "Settings", planner: "Planner", manifest: "Manifest", where: "Places"
) -> int:  # fmt: skip
    """Does the pictures and reports."""
    from vanisher_core.batch import report, sheet
    from vanisher_core.batch.run import Batch

    batch = Batch(settings, planner, manifest, where.target, where.state, receipts=arguments.receipts)
    plan = batch.prepare()
    title = f"Batch of {where.source.root.rstrip('/').rpartition('/')[2]}"
    try:
        if plan.jobs or arguments.watch:
            with _engine(arguments, _task(settings, where), len(plan.jobs)) as engine, Progress() as progress:
                told = report.Teller(progress)
                if not arguments.watch:
                    batch.run(plan, engine, arguments.limit, told)
                else:  # what lies there already may still be arriving, so it has to settle, too
                    for done in batch.watch(engine, where.source, where.leave_out, arguments.limit, told):
                        if done:
                            sheet.write(where.state, manifest, title)
                        told.idle(batch.tally)
    except KeyboardInterrupt:
        if not arguments.watch:
            sheet.write(where.state, manifest, title)
            raise Cancelled(
                f"Stopped by Ctrl-C after {batch.tally.tried} pictures; go on with --resume."
            ) from None
    page = sheet.write(where.state, manifest, title)
    report.summary(arguments, batch.tally, manifest, page)
    return 0 if batch.tally.ok else 1


def _task(settings: "Settings", where: "Places") -> "Task":
    from vanisher_core.batch.task import Task
    from vanisher_core.commands.common import limits

    allowed = limits()
    masks = where.masks.root if where.masks else ""
    return Task(settings, where.source.root, where.target.root, masks, allowed.max_bytes, allowed.max_pixels)


def _engine(arguments: argparse.Namespace, task: "Task", jobs: int) -> Any:
    """What does the work; no more processes than there is work for."""
    if arguments.engine == "ray":
        from vanisher_core.batch.cluster import RayEngine

        return RayEngine(task, arguments.workers)
    from vanisher_core.batch.local import LocalEngine, cores

    accelerated = task.settings.device != "cpu" and _has_accelerator()
    workers = arguments.workers or (1 if accelerated else len(cores()))
    return LocalEngine(task, workers if arguments.watch else max(1, min(workers, jobs)))


def _has_accelerator() -> bool:
    """Whether there seems to be a graphics card that torch could use; asked without importing torch."""
    return sys.platform == "darwin" or os.path.exists("/dev/nvidiactl") or os.path.exists("/dev/kfd")  # noqa: PTH110
