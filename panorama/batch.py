"""360-degree photographs in `vanisher batch`: `--panorama`, and `--nadir` for the tripod."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vanisher_core.errors import UsageError

if TYPE_CHECKING:
    from panorama.erase import PanoramaResult
    from vanisher_core.batch.kinds import Erase, Kind
    from vanisher_core.batch.task import Settings
    from vanisher_core.mask import Mask
    from vanisher_core.photo import Photo


class _Panoramas:
    """Panoramas, erased by `erase_panorama`, as `vanisher panorama` does it."""

    name = "panorama"
    help = "the pictures are 360-degree panoramas: erase on the sphere"
    label_place = "ahead"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Adds --nadir and --relight."""
        from panorama.command import degrees

        parser.add_argument(
            "--nadir",
            type=degrees,
            metavar="DEGREES",
            help="with --panorama: erase the cap of this radius straight below (tripod)",
        )
        parser.add_argument(
            "--relight",
            action="store_true",
            help="with --panorama: also take away the shadows that the erased things left in the room",
        )

    def extra(self, arguments: argparse.Namespace, chosen: bool) -> dict[str, Any]:
        """The radius of the cap below the camera, and whether to relight.

        Raises:
            UsageError: one is given for photographs, or masks are to be scaled.
        """
        if chosen and arguments.fit_mask:
            raise UsageError("--fit-mask is given with --panorama: masks of panoramas must have their size")
        if not chosen and arguments.nadir is not None:
            raise UsageError(
                f"--nadir {arguments.nadir:g} is given without --panorama: photographs have no nadir"
            )
        if not chosen and arguments.relight:
            raise UsageError("--relight is given without --panorama: only a whole room can be relit")
        asked = {"nadir": arguments.nadir, "relight": arguments.relight or None}
        return {name: value for name, value in asked.items() if value is not None}

    def erases_alone(self, extra: Mapping[str, Any]) -> bool:
        """Whether the cap below the camera is to go."""
        return "nadir" in extra

    def finders(self, settings: Settings) -> dict[str, str]:
        """See `vanisher_core.batch.kinds.Kind.finders`."""
        if not settings.remove:
            return {}
        from panorama.find import weights

        return weights(settings.remove)

    def eraser(self, settings: Settings) -> Erase:
        """See `vanisher_core.batch.kinds.Kind.eraser`."""
        from panorama.erase import erase_panorama
        from panorama.files import Panorama
        from vanisher_core.batch.kinds import check_device
        from vanisher_core.vanish import Vanisher

        check_device(settings.device)
        vanisher = Vanisher(device=settings.device, model=settings.model)
        nadir = settings.extra.get("nadir")

        def erase(photo: Photo, mask: Mask | None) -> tuple[Mask, PanoramaResult]:
            result = erase_panorama(
                Panorama.from_photo(photo), mask, remove=settings.remove, nadir=nadir, vanisher=vanisher,
                grow=settings.grow, feather=settings.feather, seed=settings.seed,
                relight=bool(settings.extra.get("relight")),
            )  # fmt: skip
            return result.mask, result

        return erase


PANORAMAS: Kind = _Panoramas()
