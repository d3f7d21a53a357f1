"""What a worker can do, by name. Runs in the worker process only; everything that erases calls `Vanisher`.

A task gets its job's folder (files `image`, `mask`, `body` as sent; it writes `result`), the options as plain
values, and a progress callback; it returns plain values for the daemon. torch comes with the first task that
needs a network, so the worker that only opens and crops stays small.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local_server import pictures, tensors

if TYPE_CHECKING:
    import numpy as np

    from vanisher_core.mask import Mask
    from vanisher_core.photo import Photo
    from vanisher_core.vanish import Vanisher

Progress = Callable[[float, str], None]
Values = dict[str, Any]
Task = Callable[[Path, Values, Progress], Values]

LEAST_BOX = 16
"""Pixels of a found thing below which no box is given for it."""


class Tasks:
    """The tasks of one worker and the networks it keeps warm."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._vanisher: Vanisher | None = None
        self._raw = tensors.RawModels(device)
        self._known: dict[str, Task] = {
            "open": pictures.open_session,
            "view": pictures.view,
            "encode": pictures.encode,
            "erase": self.erase,
            "segment": self.segment,
            "iopaint": self.iopaint,
            "infer": self._raw.infer,
            "describe": self._raw.describe,
            "models": models,
            "prove": self.prove,
        }

    def find(self, name: str) -> Task:
        """The task of a name; a name that is not there is a bug of the daemon."""
        return self._known[name]

    @property
    def vanisher(self) -> Vanisher:
        """Made when first needed: it brings torch."""
        if self._vanisher is None:
            from vanisher_core.vanish import Vanisher

            self._vanisher = Vanisher(device=self._device)
        return self._vanisher

    def erase(self, folder: Path, options: Values, progress: Progress) -> Values:
        """`image` (or a session's version) and `mask` or classes -> `result`: a file, or a new version's pixels."""
        photo = pictures.load(folder, options)
        wanted = options.get("format")
        given = pictures.read_mask(folder / "mask", options) if options["mask"] else None
        if options.get("panorama"):
            result, notes = self._panorama(photo, given, options, progress)
        else:
            result, notes = self._flat(photo, given, options, progress)
        values = {
            "notes": list(dict.fromkeys((*photo.notes, *notes, *result.notes))),
            "erased_share": round(float((result.mask_used.array > 0).mean()), 6),
            "changed": pictures.changed(result.mask_used.array),
            "scores": _scores(result),
            "size": list(photo.size),
        }
        if options.get("session"):
            return values | pictures.keep_version(result, options)
        return values | pictures.write(folder, result, wanted, values["notes"])

    def _flat(
        self, photo: Photo, given: Mask | None, options: Values, progress: Progress
    ) -> tuple[Any, tuple[str, ...]]:
        mask = given or self._found(photo, options["remove"], _part(progress, 0.0, 0.3))
        result = self.vanisher.erase(
            photo, mask, progress=progress if given else _part(progress, 0.3, 1.0),
            **{name: options[name] for name in ("grow", "feather", "model", "seed", "fit_mask") if name in options},
        )  # fmt: skip
        if not given and mask.is_empty:
            return result, (f"No {' or '.join(options['remove'])} was found: nothing was erased.",)
        return result, mask.notes

    def _panorama(
        self, photo: Photo, given: Mask | None, options: Values, progress: Progress
    ) -> tuple[Any, tuple[str, ...]]:
        from local_server import sphere

        return sphere.erase(self.vanisher, photo, given, options, progress), ()

    def _found(self, photo: Photo, classes: list[str], progress: Progress) -> Mask:
        """What any of the classes covers."""
        from vanisher_core.mask import union

        progress(0.0, f"looking for {', '.join(classes)}")
        masks = self.vanisher.segment(photo, classes, progress)
        return union(masks.values())

    def segment(self, folder: Path, options: Values, progress: Progress) -> Values:
        """`image` and classes -> `result`, a PNG mask of all of them, with share and boxes of each."""
        from vanisher_core.mask import union

        photo = pictures.load(folder, options)
        if options.get("panorama"):
            from local_server import sphere

            masks = sphere.segment(self.vanisher, photo, options["classes"], progress)
        else:
            masks = self.vanisher.segment(photo, options["classes"], progress)
        (folder / "result").write_bytes(pictures.png(union(masks.values()).array))
        return {
            "media_type": "image/png",
            "size": list(photo.size),
            "classes": {name: _where(mask.array) for name, mask in masks.items()},
        }

    def iopaint(self, folder: Path, options: Values, progress: Progress) -> Values:
        """`body`, the JSON of an IOPaint client -> `result`, a PNG as that program answers."""
        from local_server import iopaint_request

        asked = iopaint_request.read(folder, options)
        result = self.vanisher.erase(
            asked.photo, asked.mask, seed=asked.seed, fit_mask=False, progress=progress
        )
        (folder / "result").write_bytes(result.photo.to_bytes("PNG"))
        return {"media_type": "image/png", "seed": asked.seed, "notes": list(result.notes)}

    def prove(self, folder: Path, options: Values, progress: Progress) -> Values:
        """Erases a spot from a small picture of its own: what `/readyz` answers by."""
        import numpy as np

        from vanisher_core.mask import Mask
        from vanisher_core.photo import Photo

        y, x = np.mgrid[:96, :96]
        samples = ((x * 3 + y * 5) % 256).astype(np.uint8)
        hole = (abs(x - 48) < 9) & (abs(y - 48) < 9)
        photo = Photo.from_array(np.repeat(samples[..., None], 3, axis=2))
        result = self.vanisher.erase(photo, Mask.from_array(hole), grow=0, feather=0)
        outside = np.array_equal(result.photo.array[~hole], photo.array[~hole])
        return {"ok": bool(outside), "device": result.receipt.device}


def models(folder: Path, options: Values, progress: Progress) -> Values:
    """Installed weights and the classes that can be found; loads none of them."""
    from panorama import furniture
    from vanisher_core.models import registry
    from vanisher_core.vanish import MODELS

    about = [registry.info(name) for name in registry.names()]
    classes = {found for weights in about if weights.task == "segment" for found in weights.classes}
    return {
        "models": [
            {key: value for key, value in weights.as_dict().items() if key != "path"} for weights in about
        ],
        "classes": {name: name in classes for name in sorted({*classes, "person", "furniture"})},
        "panorama_classes": list(furniture.kinds()),
        "erase": list(MODELS),
    }


def _part(progress: Progress, start: float, end: float) -> Progress:
    return lambda fraction, text: progress(start + (end - start) * fraction, text)


def _scores(result: Any) -> Values | None:
    scores = getattr(result, "scores", None)
    return None if scores is None else scores.as_dict()


def _where(mask: np.ndarray) -> Values:
    """Share of the picture and boxes [left, top, right, bottom] of one class, largest first."""
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats((mask >= 128).astype("uint8"), connectivity=8)
    found = sorted((row for row in stats[1:].tolist() if row[4] >= LEAST_BOX), key=lambda row: -row[4])
    boxes = [[left, top, left + width, top + height] for left, top, width, height, _ in found[:200]]
    return {"share": round(float((mask >= 128).mean()), 6), "boxes": boxes}
