"""Kernels of guided exemplar synthesis: pyramid, nearest-neighbour search, votes, worker threads.

Private to `vanisher_core.detail` and `vanisher_core.membrane`; those two are the modules to call. Importing
this package is cheap: numba is loaded by the kernel modules (`search`, `vote`, `relax`), which the callers
import at the first use.
"""
