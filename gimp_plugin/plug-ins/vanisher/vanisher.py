#!/usr/bin/env python3
"""Vanisher in GIMP 3: Filters > Vanisher; the work is done by the daemon of this user, on this machine.

Needs GIMP 3.0 or newer with its Python, and nothing else: standard library and gi. Procedures for scripts:

    vanisher-selection      what is selected; dialog in interactive mode (menu: Vanish selection...)
    vanisher-selection-now  the same with the choices of the last dialog (menu: Vanish selection)
    vanisher-people         every person; with a selection, inside it
    vanisher-panorama       what is selected on an equirectangular layer; with no selection, furniture

Each takes `image` and `drawables` (one layer) and works with its defaults; returns the new layer, None if there is
none. `vanisher_core` is not imported: this file and those beside it are all that GIMP needs.
"""
# pyright: reportMissingImports=false

from __future__ import annotations

import sys
import traceback
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
import erasing  # noqa: E402
import settings  # noqa: E402
from erasing import Options, Outcome  # noqa: E402
from gi.repository import Gimp, GLib, GObject  # noqa: E402
from sentence import Sentence  # noqa: E402

MENU = "<Image>/Filters/Vanisher"

DIALOG, NOW, PEOPLE, PANORAMA = (
    "vanisher-selection", "vanisher-selection-now", "vanisher-people", "vanisher-panorama",
)  # fmt: skip

MENU_ENTRIES = {
    NOW: (
        "Vanish selection",
        "Erase what is selected, with the settings of the last time",
        erasing.erase_selection,
    ),
    DIALOG: ("Vanish selection...", "Erase what is selected; asks how", erasing.erase_selection),
    PEOPLE: ("Vanish people", "Find and erase every person (with a selection: in it)", erasing.erase_people),
    PANORAMA: (
        "Vanish in panorama",
        "Erase what is selected from a 360-degree panorama; with no selection, furniture",
        erasing.erase_panorama,
    ),
}
"""Procedure -> label, explanation, what does it; in the order of the menu."""

LARGEST_GROWTH = 300
"""Pixels, in the dialog."""


class Vanisher(Gimp.PlugIn):
    """The plug-in as GIMP sees it."""

    def do_set_i18n(self, name: str) -> bool:
        """English only, for now."""
        return False

    def do_query_procedures(self) -> list[str]:
        """All procedures."""
        return list(MENU_ENTRIES)

    def do_create_procedure(self, name: str) -> Any:
        """One procedure with its menu entry and arguments."""
        label, help_text, _ = MENU_ENTRIES[name]
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        procedure.set_image_types("*")
        # always offered: what cannot be worked on is said in a sentence, not by a grey entry
        mask = Gimp.ProcedureSensitivityMask
        procedure.set_sensitivity_mask(mask.DRAWABLE | mask.DRAWABLES | mask.NO_DRAWABLES)
        procedure.set_menu_label(label)
        procedure.add_menu_path(MENU)
        procedure.set_documentation(help_text, help_text, name)
        procedure.set_attribution("The Vanisher authors", "The Vanisher authors", "2026")
        _add_arguments(procedure)
        return procedure


def _add_arguments(procedure: Any) -> None:
    flags = GObject.ParamFlags.READWRITE
    procedure.add_int_argument(
        "grow", "_Grow (pixels; -1: automatic)", "Ring round the selection that is erased too, so that no halo stays",
        -1, LARGEST_GROWTH, -1, flags,
    )  # fmt: skip
    procedure.add_double_argument(
        "feather", "_Feather (pixels; -1: automatic)", "Soft edge inside that ring, at most as wide as it",
        -1, LARGEST_GROWTH, -1, flags,
    )  # fmt: skip
    models = Gimp.Choice.new()
    models.add("auto", 0, "Automatic", "Network and texture together; texture alone where that is better")
    models.add("exemplar", 1, "Texture of the photograph", "Copies what is there, without a network")
    models.add("network", 2, "Network", "What the network says, without the photograph's texture")
    procedure.add_choice_argument("model", "_Model", "How the hole is filled", models, "auto", flags)
    procedure.add_int_argument("seed", "_Seed", "Another number, another texture", 0, 2**31 - 1, 0, flags)
    outputs = Gimp.Choice.new()
    outputs.add("layer", 0, "New layer", "Above the layer, with a layer mask; the layer stays as it is")
    outputs.add("in-place", 1, "In place", "Changes the layer, and only inside the selection (no growth)")
    procedure.add_choice_argument("output", "_Result", "Where the result goes", outputs, "layer", flags)
    procedure.add_layer_return_value(
        "vanished", "Vanished", "The new layer, None if there is none", True, flags
    )


def run(
    procedure: Any, run_mode: Any, image: Any, drawables: list[Any], config: Any, data: object
) -> Any:  # fmt: skip
    """Every procedure: asks if it should, erases, and says in a sentence what could not be done."""
    name = procedure.get_name()
    interactive = run_mode == Gimp.RunMode.INTERACTIVE
    try:
        known = settings.load(Gimp.directory())
        if interactive and name == DIALOG:
            if not _asked(procedure, config):
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
            settings.remember(known, {key: config.get_property(key) for key in Options.KEYS})
        options = Options.of(
            known.last if name == NOW or (interactive and name != DIALOG) else _chosen(config)
        )
        Gimp.progress_init("Vanisher")
        outcome = MENU_ENTRIES[name][2](image, drawables, options, known)
    except Sentence as error:
        return _failed(procedure, str(error))
    except Exception as error:  # a bug: GIMP would say nothing at all about it
        traceback.print_exc()
        return _failed(procedure, f"Vanisher could not finish ({type(error).__name__}: {error}).")
    finally:
        Gimp.progress_end()
        Gimp.displays_flush()
    return _done(procedure, outcome)


def _asked(procedure: Any, config: Any) -> bool:
    """Shows the dialog; whether OK was pressed."""
    gi.require_version("GimpUi", "3.0")
    from gi.repository import GimpUi

    GimpUi.init("vanisher")
    dialog = GimpUi.ProcedureDialog.new(procedure, config, "Vanish selection")
    dialog.fill(["grow", "feather", "model", "seed", "output"])
    chosen = dialog.run()
    dialog.destroy()
    return chosen


def _chosen(config: Any) -> dict[str, Any]:
    return {key: config.get_property(key) for key in Options.KEYS}


def _done(procedure: Any, outcome: Outcome) -> Any:
    for note in dict.fromkeys(outcome.notes):
        Gimp.message(note)
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    if outcome.layer is not None:
        values.remove(1)
        values.insert(1, GObject.Value(Gimp.Layer, outcome.layer))
    return values


def _failed(procedure: Any, message: str) -> Any:
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, GLib.Error(message))


if __name__ == "__main__":
    Gimp.main(Vanisher.__gtype__, sys.argv)
