"""Architecture name -> network, with every size decided in the builder it names.

A weight file's header says `architecture` and `config`; `BUILDERS[architecture](**config)` is the network
its tensors fit. The module that defines a network, and torch with it, is imported when the builder is
called and not before.
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def _later(module: str, function: str) -> "Callable[..., nn.Module]":
    """A builder that imports its module only when called."""

    def build(**config: Any) -> "nn.Module":
        return getattr(import_module(f"vanisher_core.models.{module}"), function)(**config)

    build.__name__ = build.__qualname__ = function
    build.__doc__ = f"Calls vanisher_core.models.{module}.{function}."
    return build


BUILDERS: "dict[str, Callable[..., nn.Module]]" = {
    "inpaint-small": _later("inpainter", "build_inpaint_small"),
    "segmenter": _later("segmenter", "build_segmenter"),
    "layout": _later("layout", "build_layout"),
    "light": _later("light", "build_light"),
    "furniture": _later("furniture", "build_furniture"),
    "vanisher-2018-segmenter": _later("vanisher2018", "build_segmenter"),
    "vanisher-2018-autoencoder": _later("vanisher2018", "build_autoencoder"),
    "glcic": _later("glcic", "build_generator"),
    "glcic-discriminator": _later("glcic", "build_discriminator"),
    "dcgan-128": _later("dcgan128", "build_generator"),
    "dcgan-128-discriminator": _later("dcgan128", "build_discriminator"),
}
"""Every architecture that a weight file may name: the product's own first, then the reference systems."""
