"""Continues a flat surface seen straight on by whole shifts of itself: parquet, tiles, wallpaper, plaster.

He & Sun, "Statistics of Patch Offsets for Image Completion" (ECCV 2012): a surface resembles itself moved by a few
offsets (`offsets.py`); every part of a hole takes one of them, chosen so that no seam shows (`labels.py`). Light is
set apart first, so that a board in the sun may be copied into the shade (`surface.py`). What lies by itself on the
surface is not to be copied (`lone.py`).
"""

from vanisher_core.shifts.lone import lone
from vanisher_core.shifts.surface import Continued, continued, warm_up

__all__ = ["Continued", "continued", "lone", "warm_up"]
