"""A rater's visit: who is asking, what comes next, what may be answered. Knows neither pages nor tables.

A rater is recognised by a signed cookie, one per study, that holds the rater's random id; a personal link holds the
same claim, for another device. Everything else about a visit lives in the store, so a reload, another tab, a pause or
a restart of the server change nothing.
"""

import base64
import hmac
import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from study.chain import text_sha256
from study.enrolment_limit import EnrolmentLimit
from study.errors import (
    ConsentChanged,
    ConsentNeeded,
    NotARater,
    UnknownInvitation,
    UnknownLink,
    UnknownPicture,
)
from study.records import Answer, Feedback, Screen, StudyRecord, StudyWords, VisitOutline, VisitState
from study.stimuli import mark_picture
from study.store import Enrolment, StudyStore

COOKIE_PREFIX = "rater_"
COOKIE_LIFETIME_S = 180 * 24 * 3600
_KEY_FILE = "secret.key"
_CODE_BYTES = 10  # 80 bits, 16 letters: nobody guesses it, and it can be written down


@dataclass(frozen=True)
class Visit:
    """A rater in a study, the cookie by which the browser shows it, and what only this rater may know.

    Attributes:
        link: Token of the personal link.
        withdrawal_code: For the rater to keep.
        feedback: To a practice answer just given.
    """

    study: StudyRecord
    cookie_name: str
    cookie_value: str
    link: str
    withdrawal_code: str
    state: VisitState
    feedback: Feedback | None = None


@dataclass(frozen=True)
class BeginRequest:
    """A rater agrees and begins.

    Attributes:
        study_name: The study asked for; None for the one opened last.
        language: The language of the consent that was read.
        consent_sha256: Hash of the consent that was agreed to.
        attempt: At least 128 random bits that the page made. A second request with them, sent because the reply to the
            first was lost, begins the same visit; without them it begins another.
        invitation: Token of the invitation's link.
        client: Where the request comes from, to limit enrolments; it is not kept.
    """

    study_name: str | None
    language: str | None
    consent_sha256: str | None
    attempt: str | None
    invitation: str | None
    client: str


class Visits:
    """All visits to the studies of one store. `cookies` is always what the browser sent, unchecked."""

    def __init__(self, store: StudyStore, *, secret_key: str, enrolments_per_hour: int | None = None) -> None:
        """Serve raters from a store.

        Args:
            store: Holds studies, raters and votes.
            secret_key: Signs cookies and links; at least 16 characters, equal in all processes that serve the store.
            enrolments_per_hour: Most raters that may begin from one network address; None for no limit.
        Raises:
            ValueError: the key is too short.
        """
        if len(secret_key) < 16:
            raise ValueError(f"secret_key must have at least 16 characters, got {len(secret_key)}")
        self._store = store
        self._signer = URLSafeTimedSerializer(secret_key, salt="rater")
        self._link_signer = URLSafeSerializer(secret_key, salt="personal link")
        self._invitation_signer = URLSafeSerializer(secret_key, salt="invitation")
        self._secret_key = secret_key.encode()
        self._limit = EnrolmentLimit(enrolments_per_hour)

    def study(self, name: str | None) -> StudyRecord:
        """The open study of this name, or the one opened last; raises NoStudyOpen, UnknownStudy or StudyClosed."""
        return self._store.open_study_for_raters(name)

    def words(self, study: StudyRecord, language: str | None) -> StudyWords:
        """What raters of a study read, in a language or else in the study's default one."""
        return self._store.words(study.name, language)

    def outline(self, study: StudyRecord) -> VisitOutline:
        """What raters are told of a visit before it begins."""
        return self._store.outline(study.name)

    def invite(
        self, study_name: str, *, max_uses: int | None = 1, days: int | None = None, simulated: bool = False
    ) -> str:
        """Make an invitation and return the token for its link, `/study/?study=NAME#invite=TOKEN`.

        Args:
            study_name: The study it lets in to.
            max_uses: How many raters it lets in; None for an open link.
            days: How long it is good; None for ever.
            simulated: Whether whoever comes by it is marked as made by the simulator.
        """
        invitation = self._store.add_invitation(study_name, max_uses=max_uses, days=days, simulated=simulated)
        return str(self._invitation_signer.dumps([study_name, invitation]))

    # Beginning

    def begin(self, cookies: Mapping[str, str], request: BeginRequest) -> Visit:
        """Begin a visit, or resume it where the cookie shows a rater of this study.

        Raises:
            ConsentNeeded, ConsentChanged: the rater did not agree, or to another text.
            TooManyEnrolments: too many began from this address.
            StudyFull, InvitationNeeded, InvitationUsed, InvitationExpired, UnknownInvitation: no visit can begin.
        """
        study = self.study(request.study_name)
        rater = self._rater(cookies, study.name)
        if rater is None:
            rater = self._enrol(study, request)
        return self._visit(study, rater)

    def _enrol(self, study: StudyRecord, request: BeginRequest) -> str:
        words = self.words(study, request.language)
        if request.consent_sha256 is None:
            raise ConsentNeeded("Please read what you agree to, and agree, before you begin.")
        if not hmac.compare_digest(request.consent_sha256.encode(), words.consent_sha256.encode()):
            raise ConsentChanged("What you agree to was changed meanwhile. Please read it again.")
        invitation = None if request.invitation is None else self._invitation_id(request.invitation, study)
        rater_id = secrets.token_urlsafe(16) if request.attempt is None else self._rater_id(request.attempt, study.name)
        is_simulated = invitation is not None and self._store.is_for_simulated(invitation)
        if not is_simulated and not self._store.has_rater(study.name, rater_id):
            self._limit.count(request.client)
        enrolment = replace(
            Enrolment.agreed(words, rater_id=rater_id),
            withdrawal_sha256=text_sha256(self._code(rater_id)),
            invitation_id=invitation,
        )
        return self._store.enrol_rater(study.name, enrolment)

    def resume_by_link(self, link: str) -> Visit:
        """Resume a visit on any device; raises UnknownLink, or what `study` raises."""
        try:
            claim = self._link_signer.loads(link)
        except BadSignature:
            claim = None
        study_name, rater = claim if isinstance(claim, list) and len(claim) == 2 else ("", "")
        if not self._store.has_rater(str(study_name), str(rater)):
            raise UnknownLink("This personal link is not known. Please copy it whole.")
        return self._visit(self.study(str(study_name)), str(rater))

    # During the visit

    def resume(self, cookies: Mapping[str, str], *, study_name: str | None) -> Visit | None:
        """The rater's visit to an open study, or None for a browser that has not begun."""
        study = self.study(study_name)
        rater = self._rater(cookies, study.name)
        return None if rater is None else self._visit(study, rater)

    def check_screen(self, cookies: Mapping[str, str], screen: Screen, *, study_name: str | None) -> Visit:
        """Keep what the browser says of its screen; raises NotARater."""
        study = self.study(study_name)
        rater = self._require_rater(cookies, study.name)
        self._store.record_screen(rater, screen)
        return self._visit(study, rater)

    def answer(self, cookies: Mapping[str, str], answer: Answer, *, trial_token: str) -> Visit:
        """Keep the rater's answer to their own trial and say what comes next; answering twice keeps the first answer.

        Raises:
            NotARater: no valid cookie for the trial's study.
            UnknownTrial: no such trial of this rater.
            StudyClosed, LeaseExpired, OffScale, Withdrawn: the answer is refused.
        """
        study_name = self._store.study_of_trial(trial_token)
        rater = self._require_rater(cookies, study_name)
        feedback = self._store.record_answer(answer, rater_id=rater, trial_token=trial_token)
        return replace(self._visit(self._store.study(study_name), rater), feedback=feedback)

    def undo(self, cookies: Mapping[str, str], *, trial_token: str) -> Visit:
        """Take back the rater's last answer.

        Raises:
            NotARater, StudyClosed: as `answer`.
            UnknownTrial: the trial is not this rater's last answered one.
        """
        study_name = self._store.study_of_trial(trial_token)
        rater = self._require_rater(cookies, study_name)
        self._store.undo_answer(rater_id=rater, trial_token=trial_token)
        return self._visit(self._store.study(study_name), rater)

    def withdraw(self, code: str) -> int:
        """Delete everything the rater with this code gave; return how many votes that were. Raises UnknownCode."""
        letters = "".join(letter for letter in code.upper() if letter.isalnum())
        self._store.give_codes(lambda rater: text_sha256(self._code(rater)))
        return self._store.withdraw(text_sha256(letters))

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
        return mark_picture(self._store.picture_bytes(stored.sha256), token=token)

    # Who it is

    def _visit(self, study: StudyRecord, rater: str) -> Visit:
        code = self._code(rater)
        return Visit(
            study=study,
            cookie_name=COOKIE_PREFIX + study.name,
            cookie_value=str(self._signer.dumps([study.name, rater])),
            link=str(self._link_signer.dumps([study.name, rater])),
            withdrawal_code="-".join(code[place : place + 4] for place in range(0, len(code), 4)),
            state=self._store.visit_state(rater),
        )

    def _require_rater(self, cookies: Mapping[str, str], study_name: str) -> str:
        rater = self._rater(cookies, study_name)
        if rater is None:
            raise NotARater("Your browser did not show who you are. Allow cookies for this page, then begin again.")
        return rater

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

    def _code(self, rater: str) -> str:
        """Derive a rater's withdrawal code, so that it need not be stored: 16 capital letters and digits."""
        digest = hmac.digest(self._secret_key, f"withdrawal/{rater}".encode(), "sha256")
        return base64.b32encode(digest[:_CODE_BYTES]).decode()

    def _invitation_id(self, token: str, study: StudyRecord) -> str:
        """The id of an invitation to this study; raises UnknownInvitation."""
        try:
            claim = self._invitation_signer.loads(token)
        except BadSignature as error:
            raise UnknownInvitation("This invitation is not known. Please copy the link whole.") from error
        if not isinstance(claim, list) or len(claim) != 2 or claim[0] != study.name:
            raise UnknownInvitation("This invitation is not for this study.")
        return str(claim[1])


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
