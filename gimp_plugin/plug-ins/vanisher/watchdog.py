"""A process of its own that cancels the job when the plug-in is gone.

GIMP's Cancel button kills a plug-in without asking (SIGKILL after 10 ms), so the plug-in cannot say goodbye to the
daemon itself. This one holds the other end of a pipe: one line of JSON comes with the job's address, and if
the pipe then ends without a second line, the job is cancelled. Started by `jobs.py`, never by hand.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Reads the job, waits for the end, cancels unless it was said to be over."""
    first, second = sys.stdin.readline(), sys.stdin.readline()
    if not first.startswith("{") or second.strip():
        return
    import contextlib  # only now: most watchdogs never need them, and the job waits for none of this
    import http.client
    import json

    job = json.loads(first)
    connection = http.client.HTTPConnection(job["host"], job["port"], timeout=10)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.request(
            "DELETE", f"/v1/jobs/{job['id']}", headers={"Authorization": f"Bearer {job['token']}"}
        )
        connection.getresponse().read()


if __name__ == "__main__":
    main()
