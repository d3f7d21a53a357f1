"""How every shipped weight is made and measured; no part of the installed product needs it."""

import vanisher_core as vanisher_core  # first: it sets how OpenMP threads wait, before torch is loaded
