"""The daemon: Vanisher over HTTP on this machine only, and the Python client that talks to it.

    vanisher serve                       starts it, or says where it runs already
    from local_server.client import Client

Three processes, so that a careful person can leave it running all year: the daemon itself parses HTTP and
holds no pixel (no numpy, no torch in it); a worker for pictures opens, crops and encodes; a worker for models
erases and segments. Photographs are decoded only in the workers, which have a memory limit, may die without
taking the daemon along, and leave when they have nothing to do (docs/daemon.md).
"""
