"""Disclosure in a batch: the same pack beside each result as `vanisher erase --disclose` writes.

A worker stages the pack's files beside the result; they get their names before it does, so that where a result stands,
its pack is complete, also after a kill.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vanisher_core.batch.task import Job, Settings

if TYPE_CHECKING:
    from vanisher_core.disclosure import Wish
    from vanisher_core.disclosure.pack import Pack

PARTS = ("original", "mask", "overlay", "page", "receipt")
"""Attributes of `disclosure.Names`."""


def plain(wish: Wish | None) -> dict[str, Any]:
    """A wish as JSON takes it; {} for none."""
    if wish is None:
        return {}
    values: dict[str, Any] = {"disclose": True}
    if wish.label:
        values["label"] = {"text": wish.label.text, "place": wish.label.place, "size": wish.label.size}
    if wish.credentials:
        values["certificate"] = str(Path(wish.credentials.certificate).absolute())
        values["key"] = str(Path(wish.credentials.key).absolute())
    return values


def wish_of(values: Mapping[str, Any]) -> Wish | None:
    """Undoes `plain`."""
    if not values:
        return None
    from vanisher_core.disclosure import Credentials, Label, Wish

    label = Label(**values["label"]) if "label" in values else None
    signed = "certificate" in values
    return Wish(label, Credentials(Path(values["certificate"]), Path(values["key"])) if signed else None)


def companions(settings: Settings, job: Job) -> dict[str, str]:
    """Staging key -> name below the root of every file beside a result; {} without a disclosure."""
    if not settings.disclosure:
        return {}
    from vanisher_core.disclosure import Names

    names = Names.beside(Path(job.output), Path(job.name))
    return {f"{job.key}-{part}": getattr(names, part).as_posix() for part in PARTS}


def staged_files(job: Job, pack: Pack) -> dict[str, bytes]:
    """Staging key -> bytes of every file beside a result."""
    by_path = {pack.names.original: pack.original, **pack.beside}
    return {f"{job.key}-{part}": by_path[getattr(pack.names, part)] for part in PARTS}
