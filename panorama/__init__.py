"""360-degree photographs: equirectangular geometry, working views, and erasing on the sphere.

    from panorama import Panorama, erase_panorama
    result = erase_panorama(Panorama.open("room.jpg"), mask=Mask.open("sofa.png"))
    result.photo.save("room.vanished.jpg")

The public names are looked up when first used (PEP 562), so that importing the package costs nothing.

Conventions, beside those of `vanisher_core`: directions are unit vectors (x right, y up, z ahead); yaw 0 is the
middle column of the full panorama and grows to the right, pitch 0 is the horizon and grows upwards.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "Frame": "sphere",
    "Panorama": "files",
    "PanoramaReceipt": "receipt",
    "PanoramaResult": "erase",
    "View": "views",
    "erase_panorama": "erase",
    "find_in_panorama": "find",
    "write_viewer": "viewer",
}
"""Public name -> the module of this package that defines it."""

__all__ = [
    "Frame",
    "Panorama",
    "PanoramaReceipt",
    "PanoramaResult",
    "View",
    "erase_panorama",
    "find_in_panorama",
    "write_viewer",
]

if TYPE_CHECKING:
    from panorama.erase import PanoramaResult, erase_panorama
    from panorama.files import Panorama
    from panorama.find import find_in_panorama
    from panorama.receipt import PanoramaReceipt
    from panorama.sphere import Frame
    from panorama.viewer import write_viewer
    from panorama.views import View


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
