"""Which files a disclosure writes, and the copy of the original among them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vanisher_core.codecs import atomic
from vanisher_core.errors import OutputError, UsageError
from vanisher_core.receipt import file_digest


@dataclass(frozen=True)
class Names:
    """The files beside a result `NAME.vanished.EXT` or `NAME.EXT`.

    Attributes:
        original: `NAME.original.EXT`, a copy of the photograph with the photograph's own suffix.
        mask: `NAME.mask.png`, the mask as given.
        overlay: `NAME.overlay.jpg`, the original with what was erased marked in it.
        page: `NAME.disclosure.html`, before and after.
        receipt: `NAME.receipt.json`, unless another was asked for.
    """

    original: Path
    mask: Path
    overlay: Path
    page: Path
    receipt: Path

    @classmethod
    def beside(cls, target: Path, source: Path, receipt: Path | None = None) -> Names:
        """The names for a result and the photograph it comes from."""
        name = target.stem.removesuffix(".vanished")
        return cls(
            target.with_name(f"{name}.original{source.suffix}"),
            target.with_name(f"{name}.mask.png"),
            target.with_name(f"{name}.overlay.jpg"),
            target.with_name(f"{name}.disclosure.html"),
            receipt or receipt_of(target),
        )

    def replaceable(self) -> tuple[Path, ...]:
        """What `--overwrite` may replace: all but the original."""
        return self.mask, self.overlay, self.page, self.receipt


def receipt_of(target: Path) -> Path:
    """Where the receipt of a disclosed result is found: `a.vanished.jpg` -> `a.receipt.json`."""
    return target.with_name(f"{target.stem.removesuffix('.vanished')}.receipt.json")


def check_original(path: Path, data: bytes) -> None:
    """Asks, before any work, whether `keep_original` could keep these bytes there.

    Raises:
        UsageError: another file stands there.
    """
    if path.exists() and (not path.is_file() or file_digest(path) != file_digest(data)):
        raise UsageError(
            f"{path} exists and is not the original of this erasure: it is never overwritten. Name another output "
            "with -o, or move that file away."
        )


def keep_original(path: Path, data: bytes) -> None:
    """Keeps the bytes of the photograph, reads them back and compares.

    A file that is equal already, the photograph itself among them, stays as it is.

    Raises:
        UsageError: another file stands there.
        OutputError: it cannot be written, or the disk gives back other bytes.
    """
    check_original(path, data)
    if not path.exists():
        atomic.write(path, data)
    if file_digest(path) != file_digest(data):
        raise OutputError(f"{path}: the kept original does not read back as it was written; check the disk")
