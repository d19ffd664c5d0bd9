"""A limit on how many raters begin from one network address, without keeping any address.

Addresses live in memory alone, as hashes salted anew by every process, for an hour: enough to stop a script, and
nothing that could tell later who took part.
"""

import hashlib
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable

from study.errors import TooManyEnrolments

WINDOW_S = 3600.0


class EnrolmentLimit:
    """Counts enrolments per address in a sliding window of an hour."""

    def __init__(self, most: int | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Set the limit.

        Args:
            most: Enrolments per address and hour; None for no limit.
            clock: Seconds that never go back.
        Raises:
            ValueError: `most` is below 1.
        """
        if most is not None and most < 1:
            raise ValueError(f"enrolments per hour must be at least 1, or None for no limit, got {most}")
        self._most, self._clock = most, clock
        self._salt = secrets.token_bytes(16)
        self._moments: dict[bytes, deque[float]] = {}
        self._lock = threading.Lock()

    def count(self, address: str) -> None:
        """Count one more enrolment from an address.

        Raises:
            TooManyEnrolments: the address had as many as it may within the last hour.
        """
        if self._most is None:
            return
        key = hashlib.blake2b(address.encode(), key=self._salt, digest_size=16).digest()
        with self._lock:
            now = self._clock()
            self._drop_old(now)
            moments = self._moments.setdefault(key, deque())
            if len(moments) >= self._most:
                wait_s = int(moments[0] + WINDOW_S - now) + 1
                raise TooManyEnrolments(
                    "Too many visits began from your network. Please try again later.", retry_after_s=wait_s
                )
            moments.append(now)

    def _drop_old(self, now: float) -> None:
        """Forget what is older than the window, and addresses of which nothing is left."""
        for key in list(self._moments):
            moments = self._moments[key]
            while moments and moments[0] <= now - WINDOW_S:
                moments.popleft()
            if not moments:
                del self._moments[key]
