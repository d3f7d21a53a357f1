"""Erasing through the daemon that runs: what the command line uses, so that no model has to be loaded again.

`vanisher_core` must not know this package. It finds this class by the entry point group `vanisher.engines` and asks
`warm_engine()`; None means: do it yourself. The signature of `erase` follows `Vanisher.erase`, and the result is the
library's own `Photo` and `Receipt`, so the command line writes them as it writes its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from local_server.client import Client, DaemonError
from vanisher_core import __version__, errors

if TYPE_CHECKING:
    from vanisher_core.mask import Mask
    from vanisher_core.outcome import Result
    from vanisher_core.photo import Photo

Progress = Callable[[float, str], None]


class Engine:
    """A running daemon as an eraser."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def erase(self, photo: Photo, mask: Mask, *, progress: Progress | None = None, **options: Any) -> Result:
        """Erases by the daemon's warm models; options and result as those of `Vanisher.erase`.

        Raises:
            VanisherError: the class that the library itself would have raised, or `DaemonError`.
        """
        import numpy as np

        from vanisher_core.mask import Mask, grown
        from vanisher_core.outcome import Result, worst
        from vanisher_core.photo import Photo
        from vanisher_core.receipt import Receipt

        plain = _pixels(photo)
        mask_file = Photo.from_array(np.asarray(mask.array)).to_bytes("PNG")
        lossless = "TIFF" if photo.array.dtype.kind == "f" else "PNG"
        try:
            job = self._client.submit(
                "erase", plain.to_bytes(lossless), mask=mask_file, priority="interactive", **_given(options)
            )
            answer = self._client.wait(job["id"], progress)
            self._client.cancel(job["id"])  # fetched: its place can go
        except DaemonError as error:
            raise _own(error) from None
        returned = Photo.from_bytes(answer.data)
        receipt = Receipt.from_json(_json(answer.receipt))
        receipt = receipt.with_files(input_file_sha256=None, output_file_sha256=None)
        area = grown(mask.fit(photo.size), options.get("grow"), options.get("feather"))
        done = photo.with_array(returned.array)
        return Result(done, Mask(area.alpha), worst(receipt.windows), receipt, answer.notes)

    def segment(self, photo: Photo, classes: Sequence[str] = ("person",)) -> dict[str, Mask]:
        """Finds things by name, as `Vanisher.segment`.

        Raises:
            VanisherError: as `erase`.
        """
        from vanisher_core.mask import Mask
        from vanisher_core.photo import Photo

        file = _pixels(photo).to_bytes("TIFF" if photo.array.dtype.kind == "f" else "PNG")
        try:
            answers = {name: self._client.segment(file, name) for name in classes}
        except DaemonError as error:
            raise _own(error) from None
        return {
            name: Mask.from_array(Photo.from_bytes(answer.data).array) for name, answer in answers.items()
        }


def _pixels(photo: Photo) -> Photo:
    """Without metadata: the file's own stays with its owner."""
    from vanisher_core.photo import Photo

    return Photo.from_array(photo.array)


def warm_engine() -> Engine | None:
    """The daemon of this user if one runs, of this very version and with its models' worker up; else None.

    A daemon whose worker has left would load the models itself, which gains nothing. `VANISHER_ENGINE=local` says
    not to ask at all.
    """
    if os.environ.get("VANISHER_ENGINE", "").lower() == "local":
        return None
    try:
        client = Client.find()
        client.timeout = 5.0
        health = client.get_json("/healthz")
    except (errors.VanisherError, OSError):
        return None
    if (
        health.get("version") != __version__
        or client.address.version != __version__
        or not health.get("warm")
    ):
        return None
    client.timeout = 3600.0
    return Engine(client)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _own(error: DaemonError) -> errors.VanisherError:
    """The library's exception for a failure that a worker reported."""
    kind = getattr(errors, error.kind, None)
    if isinstance(kind, type) and issubclass(kind, errors.VanisherError):
        return kind(str(error))
    return error


def _json(receipt: dict[str, Any] | None) -> str:
    import json

    return json.dumps(receipt or {})
