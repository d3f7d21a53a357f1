"""Where a batch reads and writes, by its command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from vanisher_core.batch.stores import STATE, FolderStore, Store, is_url, store
from vanisher_core.errors import UsageError


@dataclass(frozen=True)
class Places:
    """Where everything is."""

    source: Store
    target: Store
    masks: Store | None
    one_mask: str
    state: Path
    leave_out: frozenset[str]


def places(arguments: argparse.Namespace) -> Places:
    """Checks that folders are there and not inside one another in a way that would mix them up."""
    source, target = store(arguments.source), store(arguments.target)
    leave_out = {STATE}
    if isinstance(source, FolderStore):
        _check_folder(source.path, "IN_DIR")
    if isinstance(source, FolderStore) and isinstance(target, FolderStore):
        inner, outer = source.path.resolve(), target.path.resolve()
        if inner == outer or inner.is_relative_to(outer):
            raise UsageError(
                f"OUT_DIR {outer} is or holds IN_DIR {inner}: results would lie among the originals. Name another."
            )
        leave_out |= _below(outer, inner)
    masks, one_mask = None, ""
    where = arguments.masks
    if arguments.mask:
        where, _, one_mask = (
            arguments.mask.rpartition("/") if "://" in arguments.mask else _split(arguments.mask)
        )
    if where is not None:
        masks = store(where)
        if isinstance(masks, FolderStore) and isinstance(source, FolderStore):
            if not one_mask:
                _check_folder(masks.path, "--masks")
                if masks.path.resolve() == source.path.resolve():
                    raise UsageError(
                        f"--masks {masks.path} is IN_DIR itself: a mask cannot be told from a picture there. Put the "
                        "masks into a folder of their own."
                    )
            inside = _below((masks.path / one_mask).resolve(), source.path.resolve())
            leave_out |= inside
    state = arguments.state
    if state is None:
        if is_url(arguments.target):
            raise UsageError(
                f"OUT_DIR {arguments.target} is a URL, and the record is kept in a folder: name one with --state."
            )
        state = Path(target.root) / STATE
    if state.exists() and not state.is_dir():
        raise UsageError(f"{state} is no folder: move it away, or name another with --state.")
    return Places(source, target, masks, one_mask, state, frozenset(leave_out))


def _split(mask: str) -> tuple[str, str, str]:
    path = Path(mask)
    if not path.is_file():
        raise UsageError(f"The mask {mask} does not exist, or is no file: check the name.")
    return str(path.parent), "/", path.name


def _check_folder(path: Path, what: str) -> None:
    if not path.is_dir():
        raise UsageError(
            f"{what} {path} {'is no folder' if path.exists() else 'does not exist'}: check the name."
        )


def _below(path: Path, root: Path) -> set[str]:
    return {path.relative_to(root).as_posix()} if path.is_relative_to(root) else set()
