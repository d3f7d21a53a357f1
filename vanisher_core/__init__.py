"""Vanisher's core library: erase things from photographs and leave every other sample as it was.

    from vanisher_core import Photo, Vanisher
    result = Vanisher().erase(Photo.open("a.jpg"), mask)
    result.photo.save("a.vanished.jpg")

The public names are looked up when first used (PEP 562), so that `import vanisher_core` costs milliseconds
and loads neither torch nor numba: `vanisher --help` depends on it.

Conventions, once: RGB, HWC at the edges, BCHW float in [0, 1] inside; mask 1 (255) = erase; (x, y) in
pixels with centres at +0.5; angles in radians, yaw right, pitch up.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# OpenMP threads that spin while they wait starve each other as soon as anything else runs on the machine: a
# network pass took 0.6-1.5 s spinning and 0.05 s sleeping beside another busy process (docs/log.md). OpenMP
# reads this when torch is first loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_HOME = {
    "Cancelled": "errors",
    "DamagedPhoto": "errors",
    "HopelessFill": "errors",
    "InputError": "errors",
    "LimitExceeded": "errors",
    "Mask": "mask",
    "MaskError": "errors",
    "ModelError": "errors",
    "OutputError": "errors",
    "Photo": "photo",
    "PhotoError": "errors",
    "Receipt": "receipt",
    "Result": "outcome",
    "UnsupportedPhoto": "errors",
    "UsageError": "errors",
    "Vanisher": "vanish",
    "VanisherError": "errors",
}
"""Public name -> the module of this package that defines it."""

__all__ = [
    "Cancelled",
    "DamagedPhoto",
    "HopelessFill",
    "InputError",
    "LimitExceeded",
    "Mask",
    "MaskError",
    "ModelError",
    "OutputError",
    "Photo",
    "PhotoError",
    "Receipt",
    "Result",
    "UnsupportedPhoto",
    "UsageError",
    "Vanisher",
    "VanisherError",
    "__version__",
]

if TYPE_CHECKING:
    from vanisher_core.errors import (
        Cancelled,
        DamagedPhoto,
        HopelessFill,
        InputError,
        LimitExceeded,
        MaskError,
        ModelError,
        OutputError,
        PhotoError,
        UnsupportedPhoto,
        UsageError,
        VanisherError,
    )
    from vanisher_core.mask import Mask
    from vanisher_core.outcome import Result
    from vanisher_core.photo import Photo
    from vanisher_core.receipt import Receipt
    from vanisher_core.vanish import Vanisher


def __getattr__(name: str) -> Any:
    """Imports the module of a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Lists the public names too, although they are not loaded yet."""
    return sorted({*globals(), *__all__})
