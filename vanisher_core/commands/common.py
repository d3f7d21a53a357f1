"""What the commands share: settings and their `VANISHER_*` variables, checks of outputs, printing."""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vanisher_core.errors import OutputError, UsageError

if TYPE_CHECKING:
    from vanisher_core.mask import Mask
    from vanisher_core.photo import Limits, Photo

T = TypeVar("T")

TRUE_WORDS, FALSE_WORDS = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


def whole(text: str) -> int:
    """A whole number >= 0."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"takes a whole number of 0 or more, not {text!r}")
    return value


def count(text: str) -> int:
    """A whole number >= 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"takes a whole number of 1 or more, not {text!r}")
    return value


def length(text: str) -> float:
    """A finite number of pixels >= 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"takes a number of pixels of 0 or more, not {text!r}")
    return value


def switch(text: str) -> bool:
    """Yes or no, as environment variables say it."""
    word = text.strip().lower()
    if word not in TRUE_WORDS + FALSE_WORDS:
        raise argparse.ArgumentTypeError(f"takes 1 or 0, not {text!r}")
    return word in TRUE_WORDS


def class_names(text: str) -> tuple[str, ...]:
    """Comma-separated class names, each once, in the order given."""
    found = tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip()))
    if not found:
        raise argparse.ArgumentTypeError(f"takes class names such as person, not {text!r}")
    return found


def setting(given: T | None, variable: str, kind: Callable[[str], T], default: T) -> T:
    """An option's value: as given, else from its `VANISHER_*` variable, else the default.

    Raises:
        UsageError: the variable holds something the option would not take.
    """
    if given is not None:
        return given
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    try:
        return kind(text)
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"The environment variable {variable} {error}: correct it or unset it.") from None


def device(given: str | None) -> str:
    """The device to work on, by option or `VANISHER_DEVICE`; whether it is there is seen when it is used.

    Raises:
        UsageError: no device has this name.
    """
    from vanisher_core.device import parse_device

    name = setting(given, "VANISHER_DEVICE", str, "auto")
    parse_device(name)
    return name


def open_photo(path: Path) -> "Photo":
    """Reads a picture within the limits of `VANISHER_MAX_BYTES` and `VANISHER_MAX_PIXELS`.

    Raises:
        UsageError: a variable holds no whole number of 1 or more.
        PhotoError: the picture cannot be read, or is over a limit.
    """
    from vanisher_core.photo import Photo

    return Photo.open(path, limits())


def open_mask(path: Path) -> "Mask":
    """Reads a mask within the same limits as a photograph; raises as `open_photo` does."""
    from vanisher_core.mask import Mask

    return Mask.open(path, limits())


def limits() -> "Limits":
    """What a photograph or mask may cost: the defaults, or `VANISHER_MAX_PIXELS` and `VANISHER_MAX_BYTES`."""
    from vanisher_core.photo import DEFAULT_LIMITS

    return replace(
        DEFAULT_LIMITS,
        max_bytes=setting(None, "VANISHER_MAX_BYTES", count, DEFAULT_LIMITS.max_bytes),
        max_pixels=setting(None, "VANISHER_MAX_PIXELS", count, DEFAULT_LIMITS.max_pixels),
    )


def check_output(target: Path, *, overwrite: bool, inputs: Iterable[Path]) -> None:
    """Refuses an output that could not be written, before any work is done.

    Raises:
        UsageError: it is one of the inputs, a directory, or exists without `overwrite`.
        OutputError: its folder is missing or cannot be written to.
    """
    if target.exists() and any(path.exists() and target.samefile(path) for path in inputs):
        raise UsageError(f"The output {target} is an original, which is never overwritten: name another.")
    if target.is_dir():
        raise UsageError(f"The output {target} is a directory: name a file in it with -o.")
    if target.exists() and not overwrite:
        raise UsageError(f"The output {target} exists already: add --overwrite, or name another with -o.")
    folder = target.absolute().parent
    if not folder.is_dir():
        raise OutputError(f"The output folder {folder} does not exist: create it, or name another with -o.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(
            f"The output folder {folder} is not writable: change its permissions, or name another with -o."
        )


def print_json(values: dict[str, Any]) -> None:
    """The one JSON object that `--json` promises."""
    print(json.dumps(values, ensure_ascii=False, allow_nan=False, default=str))


def print_notes(notes: Iterable[str]) -> None:
    """What the owner should know but need not act on, on stderr."""
    for note in notes:
        print(f"vanisher: note: {note}", file=sys.stderr)


class Progress:
    """A bar on stderr if that is a terminal, silence if it is not.

    Used as a context manager; the object itself is the callback (fraction from 0 to 1, short text).
    """

    WIDTH = 28
    PAUSE = 0.1
    """Seconds between two drawings."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._drawn = 0.0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._terminal and self._drawn:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def __call__(self, fraction: float, text: str) -> None:
        """Draws, at most every PAUSE seconds."""
        now = time.monotonic()
        if not self._terminal or now - self._drawn < self.PAUSE:
            return
        self._drawn = now
        full = round(self.WIDTH * min(max(fraction, 0.0), 1.0))
        sys.stderr.write(f"\r\033[K{'█' * full}{'░' * (self.WIDTH - full)} {fraction:4.0%} {text}")
        sys.stderr.flush()
