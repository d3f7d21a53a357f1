"""What is asked of a batch, as plain values that go to any process or machine as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from vanisher_core import __version__


@dataclass(frozen=True)
class Settings:
    """How every picture of a batch is erased; equal settings give equal bytes.

    Attributes:
        kind: name of the kind of picture, see `kinds.py`.
        remove: classes to find and erase.
        masks: "named" (a mask for each picture, by its name), "one" (one for all), or "" (none).
        grow: as `Vanisher.erase`.
        feather: as `Vanisher.erase`.
        model: as `Vanisher.erase`.
        seed: as `Vanisher.erase`.
        fit_mask: as `Vanisher.erase`.
        device: as `Vanisher`.
        format: suffix of the outputs with its dot, or "" for each picture's own.
        extra: what the kind's own options say.
        disclosure: what is to be disclosed, see `disclosing.py`; {} for nothing.
    """

    kind: str = "photo"
    remove: tuple[str, ...] = ()
    masks: str = ""
    grow: int | None = None
    feather: float | None = None
    model: str = "auto"
    seed: int = 0
    fit_mask: bool = False
    device: str = "auto"
    format: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    disclosure: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """For the record; equal dictionaries mean equal settings."""
        return {
            **asdict(self),
            "remove": list(self.remove),
            "extra": dict(self.extra),
            "disclosure": dict(self.disclosure),
            "vanisher": __version__,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Undoes `as_dict`."""
        known: dict[str, Any] = {name: value for name, value in values.items() if name != "vanisher"}
        known["remove"] = tuple(values["remove"])
        return cls(**known)


@dataclass(frozen=True)
class Task:
    """What a worker must know before its first job.

    Attributes:
        settings: see there.
        source: folder or URL of the pictures.
        target: folder or URL of the outputs.
        masks: folder or URL of the masks, "" if there are none.
        max_bytes: largest file that is read.
        max_pixels: largest picture that is decoded.
    """

    settings: Settings
    source: str
    target: str
    masks: str
    max_bytes: int
    max_pixels: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "settings": self.settings.as_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Task:
        """Undoes `as_dict`."""
        return cls(**{**values, "settings": Settings.from_dict(values["settings"])})


@dataclass(frozen=True)
class Job:
    """One picture to do; names are paths below the task's roots, with forward slashes.

    Attributes:
        name: of the picture.
        output: of the result.
        mask: of its mask, or "".
        stamp: of picture and mask, when the job was made; see `stores.Store.stamp`.
        replaces: whether an output of this name may be replaced.
    """

    name: str
    output: str
    mask: str = ""
    stamp: str = ""
    replaces: bool = False

    @property
    def key(self) -> str:
        """A short name for this output that every file system takes."""
        return key(self.output)


def key(name: str) -> str:
    """32 hexadecimal digits that stand for a name."""
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def shown(name: str) -> str:
    """A file name as text that can be printed: bytes that are no UTF-8 become question marks."""
    return name.encode("utf-8", "replace").decode("utf-8")
