"""A report that is printed as it grows and, when a folder is given, kept there as Markdown and CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Bar(NamedTuple):
    """One promised figure: what it asks, what was measured, and whether it holds (None: not judged)."""

    what: str
    measured: str
    met: bool | None

    def line(self) -> str:
        """As a line of a Markdown list."""
        verdict = {True: "met", False: "NOT MET", None: "not judged"}[self.met]
        return f"- {verdict}: {self.what} ({self.measured})"


def all_met(bars: Iterable[Bar]) -> bool:
    """Whether no judged bar is missed."""
    return all(bar.met is not False for bar in bars)


class Page:
    """Prints lines and collects them.

    Args:
        folder: where `NAME.md` and CSV files go; None keeps nothing.
        name: of the Markdown file, without its ending.
    """

    def __init__(self, folder: Path | None, name: str) -> None:
        self.folder, self.name = folder, name
        self._lines: list[str] = []

    def write(self, *lines: str) -> None:
        """Prints lines of Markdown, and keeps them for `close`."""
        for line in lines:
            print(line, flush=True)
        self._lines.extend(lines)

    def rows(self, rows: Sequence[Mapping[str, object]], name: str | None = None) -> None:
        """Writes dictionaries as `NAME.csv`; columns are all keys in the order of their first use."""
        if self.folder is None or not rows:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        columns = list(dict.fromkeys(key for row in rows for key in row))
        path = self.folder / f"{name or self.name}.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)

    def close(self) -> None:
        """Writes `NAME.md`."""
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / f"{self.name}.md").write_text("\n".join(self._lines) + "\n", encoding="utf-8")
