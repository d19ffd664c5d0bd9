"""The hash chain over a study's votes: each vote's hash covers the vote and the hash of the vote before.

The first vote's predecessor is the study's own hash. Whoever keeps one copy of the last hash can tell later whether a
vote was changed, removed or moved.
"""

import hashlib
import json
from collections.abc import Mapping


def canonical_json(record: Mapping[str, object]) -> str:
    """Write a record in the one form that is hashed: sorted keys, no spaces, Unicode as it is."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def chained_sha256(previous_sha256: str, record: Mapping[str, object]) -> str:
    """Hash a vote together with the hash of the vote before it."""
    return hashlib.sha256((previous_sha256 + canonical_json(record)).encode()).hexdigest()
