"""Where things stand in an XMP packet: its properties by name, with byte offsets, found by a parser.

Only the top-level properties of the packet are told apart (children and attributes of `rdf:Description`); what is
inside them is nobody's business here, but for the end of a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from vanisher_core.errors import UnsupportedPhoto

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
LISTS = {(RDF, name) for name in ("Seq", "Bag", "Alt")}
TAG = re.compile(rb"<(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
Name = tuple[str, str]
"""Namespace and local name."""


@dataclass
class Place:
    """A top-level property: where it begins and ends, its text, and the list inside it.

    `list_end` is the offset of the list's closing tag, or of the whole tag of an empty `<rdf:Seq/>`.
    """

    begin: int
    end: int = 0
    text: str = ""
    list_end: int | None = None


@dataclass
class Found:
    """What one pass over a packet saw."""

    about: str = ""
    rdf_end: int | None = None
    elements: dict[Name, Place] = field(default_factory=dict)
    attributes: dict[Name, tuple[int, str, str]] = field(default_factory=dict)
    """Name -> (offset of the tag that has it, its prefix, its value)."""


class Reader:
    """Walks through a packet with expat and notes byte offsets."""

    def __init__(self, packet: bytes) -> None:
        self.packet, self.found = packet, Found()
        self._stack: list[Name] = []
        self._begins: list[int] = []
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.namespace_prefixes = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype

    def read(self) -> Found:
        """Raises UnsupportedPhoto for a packet that nobody could extend without harm."""
        try:
            self.packet.decode("utf-8")
            self._parser.Parse(self.packet, True)
        except (expat.ExpatError, UnicodeDecodeError) as error:
            raise UnsupportedPhoto(
                f"its XMP data cannot be read ({error}), so the disclosure cannot be added without loss; repair or "
                "remove them first"
            ) from None
        if self.found.rdf_end is None:
            raise UnsupportedPhoto(
                "its XMP data have no open rdf:RDF element to add the disclosure to; repair or remove them first"
            )
        return self.found

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        at, tag = self._parser.CurrentByteIndex, name_of(name)
        if self._stack[-1:] == [(RDF, "RDF")]:
            for key, value in attributes.items():
                self.found.attributes[name_of(key)] = (at, key.split(" ")[-1], value)
            about = (value for key, value in attributes.items() if name_of(key)[1] == "about")
            self.found.about = next(about, self.found.about)
        elif self._is_property():
            self.found.elements[tag] = Place(at)
            resource = next((v for k, v in attributes.items() if name_of(k) == (RDF, "resource")), "")
            self.found.elements[tag].text = resource
        self._stack.append(tag)
        self._begins.append(at)

    def _end(self, name: str) -> None:
        tag, begin = name_of(name), self._begins.pop()
        at = begin if self.tag(begin).endswith(b"/>") else self._parser.CurrentByteIndex
        self._stack.pop()
        if tag == (RDF, "RDF"):
            self.found.rdf_end = None if at == begin else at
        elif self._is_property():
            self.found.elements[tag].end = at + len(self.tag(at))
        elif tag in LISTS and len(self._stack) > 1 and self._is_property(self._stack[:-1]):
            self.found.elements[self._stack[-1]].list_end = at

    def _text(self, text: str) -> None:
        if self._stack and self._is_property(self._stack[:-1]):
            self.found.elements[self._stack[-1]].text += text

    def _doctype(self, *_: object) -> None:
        raise UnsupportedPhoto("its XMP data hold a document type, which XMP forbids; remove them first")

    def _is_property(self, stack: list[Name] | None = None) -> bool:
        stack = self._stack if stack is None else stack
        return len(stack) > 1 and stack[-2] == (RDF, "RDF")

    def tag(self, at: int) -> bytes:
        """The tag that begins at `at`."""
        found = TAG.match(self.packet, at)
        return found.group() if found else b""


def name_of(text: str) -> Name:
    """Namespace and local name of expat's `uri local prefix`; a name without a namespace has none."""
    parts = text.split(" ")
    return (parts[0], parts[1]) if len(parts) > 1 else ("", text)
