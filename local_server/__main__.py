"""`python -m local_server`: the same as `vanisher serve`."""

import sys

from local_server.command import main

sys.exit(main())
