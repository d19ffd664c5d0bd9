"""Ports for the servers of tests: workers of one run never share one, and runs side by side hardly ever."""

import os
import random
import socket
from collections.abc import Iterator
from functools import cache

# Below what Linux hands out by itself (32768 and up), so that no connection of another test takes one in between.
_LOWEST, _END = 20_000, 32_768


@cache
def _untried_ports() -> Iterator[int]:
    """Those of this worker, each once, in an order of its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    own = range(_LOWEST + worker, _END, workers)
    return iter(random.SystemRandom().sample(own, len(own)))


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on and that no other worker of this run is given."""
    for port in _untried_ports():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError("every port set aside for this test process is taken")
