"""Researchers' accounts and the sessions that show a browser to be one of them.

Accounts live in a file of the data folder, readable by its owner alone, that holds argon2id hashes; nobody has an
account by default. A session is a signed claim that expires. It carries a fingerprint of the password's hash, so that
a new password or a removed account ends every session that stood on the old one.
"""

import hashlib
import hmac
import json
import os
import re
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from itsdangerous import BadSignature, URLSafeTimedSerializer

SESSION_LIFETIME_S = 12 * 3600
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024  # argon2 takes any length; a request must not choose how long we hash
_FILE = "researchers.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
# argon2-cffi's defaults are RFC 9106's low-memory profile: 64 MiB and about .05 s a password.
_HASHER = PasswordHasher()
_AT_ONCE = threading.BoundedSemaphore(2)  # bounds the memory that a flood of logins can take


class Accounts:
    """The accounts of one data folder; every call reads the file, so that a change needs no restart."""

    def __init__(self, data_folder: Path) -> None:
        self._path = data_folder / _FILE

    def names(self) -> tuple[str, ...]:
        """All accounts, sorted."""
        return tuple(sorted(self._read()))

    def add(self, name: str, password: str) -> None:
        """Make an account.

        Raises:
            ValueError: the name is taken or has other characters than letters, digits and `. _ @ -`, or the password
                is too short or too long.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"name {name!r}: use letters, digits and . _ @ -, at most 64, a letter or digit first")
        hashes = self._read()
        if name in hashes:
            raise ValueError(f"there is already an account named {name}; change its password by: account password")
        self._write({**hashes, name: _hashed(password)})

    def set_password(self, name: str, password: str) -> None:
        """Give an account a new password, which ends its sessions; raises ValueError for an unknown name."""
        self._write({**self._known(name), name: _hashed(password)})

    def remove(self, name: str) -> None:
        """Delete an account, which ends its sessions; raises ValueError for an unknown name."""
        self._write({other: kept for other, kept in self._known(name).items() if other != name})

    def verifies(self, name: str, password: str) -> bool:
        """Whether this is the account's password; takes as long for a name that has no account."""
        if len(password) > LONGEST_PASSWORD:
            return False
        stored = self._read().get(name)
        with _AT_ONCE:
            try:
                _HASHER.verify(stored or _hash_of_nobody(), password)
            except VerificationError:
                return False
        return stored is not None

    def fingerprint(self, name: str) -> str | None:
        """What a session of this account must carry; None where there is no such account."""
        stored = self._read().get(name)
        return None if stored is None else hashlib.sha256(stored.encode()).hexdigest()[:32]

    def _known(self, name: str) -> dict[str, str]:
        hashes = self._read()
        if name not in hashes:
            raise ValueError(f"there is no account named {name}; the accounts are: {', '.join(hashes) or 'none'}")
        return hashes

    def _read(self) -> dict[str, str]:
        if not self._path.exists():
            return {}
        accounts = json.loads(self._path.read_text(encoding="utf-8"))
        return {str(name): str(password_hash) for name, password_hash in accounts.items()}

    def _write(self, hashes: Mapping[str, str]) -> None:
        """Replace the file whole: a crash leaves the old accounts or the new ones."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f"{_FILE}.")  # mode 600
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(dict(sorted(hashes.items())), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(self._path)


def _hashed(password: str) -> str:
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ValueError(f"the password must have {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    return _HASHER.hash(password)


_nobody: list[str] = []


def _hash_of_nobody() -> str:
    """A hash with today's parameters that no password is known for, made once in a process."""
    if not _nobody:
        _nobody.append(_HASHER.hash(os.urandom(32)))
    return _nobody[0]


@dataclass(frozen=True)
class Researcher:
    """Who is logged in, and whether by a password of ours or by Hugging Face."""

    name: str
    by_hub: bool


class Sessions:
    """Signs and checks what the browser of a researcher shows."""

    def __init__(
        self,
        accounts: Accounts,
        *,
        secret_key: str,
        hub_names: frozenset[str] = frozenset(),
        lifetime_s: int = SESSION_LIFETIME_S,
    ) -> None:
        """Check sessions against accounts.

        Args:
            accounts: Those who log in by password.
            secret_key: Signs the sessions; at least 16 characters, equal in all processes behind one address.
            hub_names: Hugging Face users who may come in by its login.
            lifetime_s: Seconds from the login to its end.
        Raises:
            ValueError: the key is too short.
        """
        if len(secret_key) < 16:
            raise ValueError(f"secret_key must have at least 16 characters, got {len(secret_key)}")
        self._accounts = accounts
        self._hub_names = hub_names
        self._signer = URLSafeTimedSerializer(secret_key, salt="researcher")
        self.lifetime_s = lifetime_s

    def start(self, researcher: Researcher) -> str:
        """The signed claim for a browser whose login has succeeded."""
        return str(self._signer.dumps([researcher.name, researcher.by_hub, self._fingerprint(researcher)]))

    def check(self, claim: str | None) -> Researcher | None:
        """Who a claim proves; None for one that is missing, forged, expired, or of somebody who lost the access."""
        if claim is None:
            return None
        try:
            content = self._signer.loads(claim, max_age=self.lifetime_s)
        except BadSignature:
            return None
        if not isinstance(content, list) or len(content) != 3:
            return None
        researcher = Researcher(name=str(content[0]), by_hub=bool(content[1]))
        expected = self._fingerprint(researcher)
        return researcher if expected is not None and hmac.compare_digest(expected, str(content[2])) else None

    def _fingerprint(self, researcher: Researcher) -> str | None:
        if researcher.by_hub:
            return "hub" if researcher.name.lower() in self._hub_names else None
        return self._accounts.fingerprint(researcher.name)
