"""Ports for the servers of tests, two test processes never being given the same one."""

import os
import random
import socket
from collections.abc import Iterator

# Below what Linux hands out by itself (32768 and up), so that no connection of another test takes it in between.
_LOWEST = 20_000
_PORTS_PER_PROCESS = 1_000


def _ports_of_this_process() -> Iterator[int]:
    """Each once, in an order of its own, so that runs side by side hardly meet either."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = _LOWEST + worker * _PORTS_PER_PROCESS
    return iter(random.SystemRandom().sample(range(first, first + _PORTS_PER_PROCESS), _PORTS_PER_PROCESS))


_untried = _ports_of_this_process()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, and that nobody else is given before the caller listens."""
    for port in _untried:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise RuntimeError("every port set aside for this test process is taken")
