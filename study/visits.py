"""A rater's visit: who is asking, what comes next, what may be answered. Knows neither pages nor tables.

A rater is recognised by a signed cookie, one per study, that holds the rater's random id. Everything else about a
visit lives in the store, so a reload, another tab or a restart of the server change nothing.
"""

import base64
import hmac
import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from itsdangerous import BadSignature, URLSafeTimedSerializer

from study.design import Cell, plan_for_rater
from study.errors import NotARater, UnknownPicture
from study.records import Answer, StudyRecord, VisitState
from study.store import StudyStore

COOKIE_PREFIX = "rater_"
COOKIE_LIFETIME_S = 180 * 24 * 3600
_KEY_FILE = "secret.key"


@dataclass(frozen=True)
class Visit:
    """A rater in a study, and the cookie by which the browser shows it."""

    study: StudyRecord
    cookie_name: str
    cookie_value: str
    state: VisitState


class Visits:
    """All visits to the studies of one store. `cookies` is always what the browser sent, unchecked."""

    def __init__(self, store: StudyStore, *, secret_key: str) -> None:
        """Serve raters from a store.

        Args:
            store: Holds studies, raters and votes.
            secret_key: Signs the cookies; at least 16 characters, equal in all processes that serve the same store.
        Raises:
            ValueError: the key is too short.
        """
        if len(secret_key) < 16:
            raise ValueError(f"secret_key must have at least 16 characters, got {len(secret_key)}")
        self._store = store
        self._signer = URLSafeTimedSerializer(secret_key, salt="rater")
        self._secret_key = secret_key.encode()

    def study(self, name: str | None) -> StudyRecord:
        """The open study of this name, or the one opened last; raises NoStudyOpen, UnknownStudy or StudyClosed."""
        return self._store.open_study_for_raters(name)

    def begin(self, cookies: Mapping[str, str], *, study_name: str | None, attempt: str | None = None) -> Visit:
        """Begin a visit, or resume it where the cookie shows a rater of this study.

        Args:
            cookies: What the browser sent.
            study_name: The study asked for; None for the one opened last.
            attempt: At least 128 random bits that the page made. A second request with them, sent because the reply
                to the first was lost, begins the same visit; without them it begins another.
        """
        study = self.study(study_name)
        rater = self._rater(cookies, study.name)
        if rater is None:
            rater_id = None if attempt is None else self._rater_id(attempt, study.name)
            rater = self._store.enrol_rater(study.name, plan=_plan, rater_id=rater_id)
        return Visit(
            study=study,
            cookie_name=COOKIE_PREFIX + study.name,
            cookie_value=self._signed(rater, study.name),
            state=self._store.visit_state(rater),
        )

    def resume(self, cookies: Mapping[str, str], *, study_name: str | None) -> VisitState | None:
        """Where the rater stands in an open study, or None for a browser that has not begun."""
        rater = self._rater(cookies, self.study(study_name).name)
        return None if rater is None else self._store.visit_state(rater)

    def answer(self, cookies: Mapping[str, str], answer: Answer, *, trial_token: str) -> VisitState:
        """Keep the rater's answer to their own trial and say what comes next; answering twice keeps the first answer.

        Raises:
            NotARater: no valid cookie for the trial's study.
            UnknownTrial: no such trial of this rater.
            StudyClosed, OffScale: the vote is refused.
        """
        rater = self._rater(cookies, self._store.study_of_trial(trial_token))
        if rater is None:
            raise NotARater("Your browser did not show who you are. Allow cookies for this page, then begin again.")
        self._store.record_vote(answer, rater_id=rater, trial_token=trial_token)
        return self._store.visit_state(rater)

    def picture(self, cookies: Mapping[str, str], *, token: str) -> bytes:
        """The bytes of one of the rater's own pictures, while the study is open.

        Raises:
            UnknownPicture: no such picture, or another rater's: both look the same from outside.
            StudyClosed: the study has ended.
        """
        stored = self._store.picture_of(token)
        if self._rater(cookies, stored.study) != stored.rater:
            raise UnknownPicture("There is no such picture.")
        self.study(stored.study)
        return self._store.picture_bytes(stored.sha256)

    def _rater(self, cookies: Mapping[str, str], study_name: str) -> str | None:
        """The rater a cookie proves, or None: no cookie, not signed by us, for another study, or not in the store."""
        cookie = cookies.get(COOKIE_PREFIX + study_name)
        if cookie is None:
            return None
        try:
            claim = self._signer.loads(cookie, max_age=COOKIE_LIFETIME_S)
        except BadSignature:
            return None
        if not isinstance(claim, list) or len(claim) != 2 or claim[0] != study_name:
            return None
        rater = str(claim[1])
        return rater if self._store.has_rater(study_name, rater) else None

    def _rater_id(self, attempt: str, study_name: str) -> str:
        """Derive the id of the rater whom an attempt enrols: 128 bits that nobody can tell without our key."""
        digest = hmac.digest(self._secret_key, f"rater id/{study_name}/{attempt}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()

    def _signed(self, rater: str, study_name: str) -> str:
        """Sign the claim to be this rater of this study."""
        return str(self._signer.dumps([study_name, rater]))


def _plan(study: StudyRecord, ordinal: int) -> list[Cell]:
    """Lay out all trials of a rater."""
    return plan_for_rater(scenes=len(study.scenes), methods=len(study.methods), ordinal=ordinal, seed=study.seed)


def load_secret_key(data_folder: Path) -> str:
    """Read the key that signs raters' cookies, making it on the first start, readable by its owner alone."""
    path = data_folder / _KEY_FILE
    data_folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _make_secret_key(path)
    return path.read_text().strip()


def _make_secret_key(path: Path) -> None:
    """Write a new key under another name first: the key is there whole or not at all, even after a crash."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")  # mode 600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was faster: unlike a rename, a link keeps the first key
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()
