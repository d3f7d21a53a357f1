"""Every exception the product raises on purpose, in one tree.

A message always holds three things: the value received, the rule it broke, and what to do about it. The
command line prints it on stderr and leaves with `exit_status`; the daemon maps the class to a status code
in one handler. Anything raised outside this tree is a bug.

    VanisherError                 1
    ├── InputError                2   what was given cannot be worked with
    │   ├── PhotoError            2   the photograph's file
    │   │   ├── UnsupportedPhoto  2   a format, mode or layout outside the allow-list
    │   │   ├── DamagedPhoto      2   truncated, mislabelled, or holding NaN or infinite samples
    │   │   └── LimitExceeded     2   more bytes, pixels or a longer side than the limits allow
    │   ├── MaskError             2   mask of another size, empty where it must not be, not a picture
    │   └── UsageError            2   unknown class, model or option; output exists and `overwrite` is off
    ├── HopelessFill              2   refused because the result could not be good; says what to do
    ├── OutputError               1   the result cannot be written
    ├── ModelError                1   weights missing or damaged, or a network's output not finite
    └── Cancelled               130   stopped by the caller or by Ctrl-C
"""

from __future__ import annotations

from typing import ClassVar


class VanisherError(Exception):
    """Root of the tree: a failure with a sentence for the user and an exit status for the shell."""

    exit_status: ClassVar[int] = 1


class InputError(VanisherError):
    """What was given cannot be worked with; another input or option is needed."""

    exit_status: ClassVar[int] = 2


class PhotoError(InputError):
    """The photograph's file cannot be read: missing, a directory, no permission, or one of the subclasses."""


class UnsupportedPhoto(PhotoError):
    """A healthy file of a format, mode or layout that the product does not work on."""


class DamagedPhoto(PhotoError):
    """A file that is truncated, corrupt, no picture at all, or that holds samples that are not finite."""


class LimitExceeded(PhotoError):
    """A file over the limit of bytes, of pixels or of side length, found before decoding."""


class MaskError(InputError):
    """A mask that does not fit the photograph or that cannot be read as a mask."""


class UsageError(InputError):
    """An unknown class, model or option, or an existing output without `overwrite`."""


class HopelessFill(VanisherError):
    """The request was understood and refused, because no good result exists; the message says what to do."""

    exit_status: ClassVar[int] = 2


class OutputError(VanisherError):
    """The result cannot be written: no such folder, read-only, disk full, or a format that cannot hold it."""


class ModelError(VanisherError):
    """Weights are missing or damaged, or a network returned values that are not finite."""


class Cancelled(VanisherError):
    """The caller stopped the work; nothing was written."""

    exit_status: ClassVar[int] = 130
