"""Kernels of guided exemplar synthesis: pyramid, nearest-neighbour search, votes, worker threads.

Private to `vanisher_core.detail` and `vanisher_core.membrane`, which are the modules to call; only `kernel` and
`workers` serve others too, as the one way here to compile a loop and to run it on several cores. Importing this
package is cheap: numba is loaded by the kernel modules (`search`, `vote`, `relax`), which the callers import at the
first use.
"""
