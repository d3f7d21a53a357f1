"""Disclosure of altered photographs: the original kept, the change marked, shown and provable.

    from vanisher_core.disclosure import Label, Wish, add_options, check, disclose, wish_of

Looked up when first used, so that a command can add its options without loading numpy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "Credentials": "c2pa",
    "Disclosed": "pack",
    "Label": "label",
    "Names": "keep",
    "Wish": "pack",
    "add_options": "options",
    "check": "pack",
    "disclose": "pack",
    "wish_of": "options",
}
"""Public name -> the module of this package that defines it."""

__all__ = [
    "Credentials",
    "Disclosed",
    "Label",
    "Names",
    "Wish",
    "add_options",
    "check",
    "disclose",
    "wish_of",
]

if TYPE_CHECKING:
    from vanisher_core.disclosure.c2pa import Credentials
    from vanisher_core.disclosure.keep import Names
    from vanisher_core.disclosure.label import Label
    from vanisher_core.disclosure.options import add_options, wish_of
    from vanisher_core.disclosure.pack import Disclosed, Wish, check, disclose


def __getattr__(name: str) -> Any:
    """Imports the module of a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
