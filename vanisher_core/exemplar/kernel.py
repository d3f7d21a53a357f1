"""The one decorator of all compiled kernels: numba, without the GIL, cached on disk where that is possible.

numba looks for a place to keep what it compiles when a function is *decorated* (NUMBA_CACHE_DIR, the module's
own ``__pycache__``, the user's cache folder) and raises when none can be written: a read-only container, a
package installed by root. A cache saves seconds at the first use; its absence must not stop the import.
"""

from collections.abc import Callable
from typing import Any

from numba import njit


def kernel(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a kernel: `numba.njit` with `options` (fastmath, inline, ...), nogil, cached where possible.

    Without a writable cache folder the kernel works alike, compiled anew by every process that uses it.
    """

    def compiled(function: Callable[..., Any]) -> Any:
        try:
            return njit(cache=True, nogil=True, **options)(function)
        except RuntimeError as refusal:
            if "cannot cache" not in str(refusal):
                raise
            return njit(nogil=True, **options)(function)

    return compiled
