"""Kinds of picture: how one is erased. Photographs here; other packages add theirs.

An entry point of the group `vanisher.batch_kinds` names an object like `PHOTO`; its name becomes an option of
`vanisher batch` that chooses it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from vanisher_core.errors import UsageError

if TYPE_CHECKING:
    from vanisher_core.batch.task import Settings
    from vanisher_core.mask import Mask
    from vanisher_core.photo import Photo
    from vanisher_core.quality import Scores

GROUP = "vanisher.batch_kinds"


class Erased(Protocol):
    """What comes back: a `Result`, or another kind's like it."""

    @property
    def photo(self) -> Photo:
        """The result."""
        ...

    @property
    def mask_used(self) -> Mask:
        """0 where nothing changed."""
        ...

    @property
    def scores(self) -> Scores | None:
        """The worst of each score."""
        ...

    @property
    def receipt(self) -> Any:
        """With `weights`, `with_files` and `to_json`."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """For the owner of the picture."""
        ...


Erase = Callable[["Photo", "Mask | None"], "tuple[Mask, Erased]"]
"""Photograph and mask -> the mask as it was given or found, and what came of it."""


class Kind(Protocol):
    """A kind of picture."""

    name: str
    """Of the option that chooses it."""
    help: str
    """Of that option."""
    label_place: str
    """Where a label goes if the user does not say."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Adds options of its own."""
        ...

    def extra(self, arguments: argparse.Namespace, chosen: bool) -> dict[str, Any]:
        """The values of those options, as JSON takes them.

        Args:
            arguments: of the command line.
            chosen: whether the batch is of this kind.

        Raises:
            UsageError: they are given without choosing the kind.
        """
        ...

    def erases_alone(self, extra: Mapping[str, Any]) -> bool:
        """Whether these values say what to erase, so that neither mask nor class is needed."""
        ...

    def finders(self, settings: Settings) -> dict[str, str]:
        """Name and SHA-256 of the weights that look for the classes.

        Raises:
            UsageError: nothing finds one of them.
        """
        ...

    def eraser(self, settings: Settings) -> Erase:
        """What erases one picture after the other, models loaded once.

        Raises:
            UsageError: an unknown model or device.
        """
        ...


class _Photos:
    """Photographs, erased by `Vanisher`, as `vanisher erase` does it."""

    name = "photo"
    help = ""
    label_place = "bottom-right"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """None."""

    def extra(self, arguments: argparse.Namespace, chosen: bool) -> dict[str, Any]:
        """None."""
        return {}

    def erases_alone(self, extra: Mapping[str, Any]) -> bool:
        """Never."""
        return False

    def finders(self, settings: Settings) -> dict[str, str]:
        """See `Kind.finders`."""
        return weights_for(settings.remove)

    def eraser(self, settings: Settings) -> Erase:
        """See `Kind.eraser`."""
        from vanisher_core.mask import union
        from vanisher_core.vanish import Vanisher

        check_device(settings.device)
        vanisher = Vanisher(device=settings.device, model=settings.model)

        def erase(photo: Photo, mask: Mask | None) -> tuple[Mask, Erased]:
            if mask is None:
                mask = union(vanisher.segment(photo, settings.remove).values())
            return mask, vanisher.erase(
                photo, mask, grow=settings.grow, feather=settings.feather, seed=settings.seed,
                fit_mask=settings.fit_mask,
            )  # fmt: skip

        return erase


PHOTO: Kind = _Photos()


def weights_for(classes: Iterable[str]) -> dict[str, str]:
    """Name and SHA-256 of the weights that find these classes.

    Raises:
        UsageError: nothing finds one of them.
    """
    wanted = list(classes)
    if not wanted:
        return {}
    from vanisher_core.models import registry
    from vanisher_core.segment import known_classes

    known = known_classes()
    if unknown := [name for name in wanted if name not in known]:
        raise UsageError(
            f"nothing here finds {unknown[0]!r}; classes to choose from: {', '.join(known) or 'none'}"
        )
    return {known[name]: registry.info(known[name]).sha256 for name in wanted}


def check_device(name: str) -> None:
    """Refuses a device that is not there; the processor always is, and is not worth importing torch for.

    Raises:
        UsageError: there is no such device.
    """
    if name not in ("auto", "cpu"):
        from vanisher_core.device import pick_device

        pick_device(name)


def others() -> list[Kind]:
    """The kinds that other packages offer, by name."""
    return [entry.load() for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)]


def kind(name: str) -> Kind:
    """The kind of this name.

    Raises:
        UsageError: there is none.
    """
    known = {one.name: one for one in (PHOTO, *others())}
    if name not in known:
        raise UsageError(f"kind {name!r} is unknown; use one of {', '.join(known)}")
    return known[name]
