"""How often somebody may try to log in before they have to wait."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable

FAILURES_OF_AN_ADDRESS = 5
FAILURES_OF_A_NAME = 30  # higher: an address is cheap to change, and locking a researcher out must not be
WINDOW_S = 300
_MOST_KEYS = 10_000


class LoginLimit:
    """Counts the failed logins of the last five minutes, per address and per account name, in this process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures: dict[str, deque[float]] = defaultdict(deque)

    def wait_s(self, *, address: str, name: str) -> int:
        """Whole seconds until the next try is allowed; 0 where it is allowed now."""
        with self._lock:
            waits = [
                self._wait_s(f"address {address}", FAILURES_OF_AN_ADDRESS),
                self._wait_s(f"name {name}", FAILURES_OF_A_NAME),
            ]
        return max(waits)

    def failed(self, *, address: str, name: str) -> None:
        """Count a login that failed."""
        with self._lock:
            if len(self._failures) > _MOST_KEYS:
                self._forget_old()
            for key in (f"address {address}", f"name {name}"):
                self._failures[key].append(self._clock())

    def _wait_s(self, key: str, allowed: int) -> int:
        recent = self._recent(key)
        if len(recent) < allowed:
            return 0
        return max(1, int(recent[-allowed] + WINDOW_S - self._clock()) + 1)

    def _recent(self, key: str) -> deque[float]:
        failures = self._failures.get(key, deque())
        while failures and failures[0] <= self._clock() - WINDOW_S:
            failures.popleft()
        return failures

    def _forget_old(self) -> None:
        """Drop the keys that hold nobody up any more, so that made-up names do not fill the memory."""
        for key in list(self._failures):
            if not self._recent(key):
                del self._failures[key]
