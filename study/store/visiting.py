"""The slice of the store that a rater's visit needs, up to the answers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from study.errors import (
    InvitationExpired,
    InvitationNeeded,
    InvitationUsed,
    NotARater,
    StudyFull,
    UnknownInvitation,
    UnknownPicture,
)
from study.records import Screen, Stage, StoredPicture, StudyWords, Trial, VisitOutline, VisitState
from study.schema import (
    InvitationRow,
    ItemRow,
    PracticeAnswerRow,
    RaterRow,
    SceneRow,
    ScreenCheckRow,
    StimulusRow,
    StudyRow,
    TrialRow,
    VoteRow,
)
from study.store.database import Database
from study.store.planning import begin_visit, renew_lease, unanswered
from study.store.rows import find_study, lock_study, new_token, require_open

FIRST_GUESS_S = 12  # per trial, before a rater has a pace of their own
LONGEST_PACE_S = 120  # a pause is no pace
RECENT_VOTES = 10


@dataclass(frozen=True)
class Enrolment:
    """Who begins: `rater_id` is 22 unguessable characters, `withdrawal_sha256` the hash of the withdrawal code."""

    rater_id: str
    language: str
    consent_version: str
    consent_sha256: str
    withdrawal_sha256: str
    invitation_id: str | None = None

    @classmethod
    def agreed(cls, words: StudyWords, *, rater_id: str | None = None) -> "Enrolment":
        """An enrolment of a rater who agreed to these words, with a random id and a code that nobody knows."""
        return cls(
            rater_id=rater_id or new_token(),
            language=words.language,
            consent_version=words.consent_version,
            consent_sha256=words.consent_sha256,
            withdrawal_sha256=new_token(),
        )


class VisitStore(Database):
    """Raters and where they stand."""

    def enrol_rater(self, study_name: str, enrolment: Enrolment) -> str:
        """Add a rater with all their trials and return the rater's id. Enrolling an id twice is enrolling it once.

        Raises:
            UnknownStudy, StudyClosed, StudyFull: raters cannot begin.
            InvitationNeeded, UnknownInvitation, InvitationUsed, InvitationExpired: this rater cannot.
        """
        with Session(self._writing) as session, session.begin():
            study = require_open(lock_study(session, find_study(session, study_name).id))
            if session.get(RaterRow, enrolment.rater_id) is not None:
                return enrolment.rater_id
            now = self._now()
            invitation = _use_invitation(session, study, enrolment.invitation_id, now=now)
            ordinal = session.scalar(select(func.count(RaterRow.id)).where(RaterRow.study_id == study.id)) or 0
            rater = RaterRow(
                id=enrolment.rater_id,
                study_id=study.id,
                ordinal=ordinal,
                began_at=now,
                language=enrolment.language,
                consent_version=enrolment.consent_version,
                consent_sha256=enrolment.consent_sha256,
                invitation_id=enrolment.invitation_id,
                lease_until=now + timedelta(minutes=study.lease_minutes),
                outstanding=0,
                withdrawal_sha256=enrolment.withdrawal_sha256,
                simulated=invitation is not None and invitation.simulated,
            )
            session.add(rater)
            session.flush()
            if not begin_visit(session, study, rater, now=now).slots:
                raise StudyFull("The study has all the votes it needs. Thank you for your interest.")
            return rater.id

    def outline(self, study_name: str) -> VisitOutline:
        """What raters are told of a visit before it begins."""
        with Session(self._engine) as session:
            study = find_study(session, study_name)
            practice = session.scalar(
                select(func.count(ItemRow.id)).where(ItemRow.study_id == study.id, ItemRow.purpose == "practice")
            )
            trials = study.trials_per_visit + study.gold_per_visit + study.repeats_per_visit
            return VisitOutline(
                practice=practice or 0,
                trials=trials,
                minutes=math.ceil((trials + (practice or 0)) * FIRST_GUESS_S / 60),
                invitation_required=study.invitation_required,
            )

    def has_rater(self, study_name: str, rater_id: str) -> bool:
        """Whether this id belongs to a rater of this study."""
        of_study = select(RaterRow.id).join(StudyRow, StudyRow.id == RaterRow.study_id)
        with Session(self._engine) as session:
            return session.scalar(of_study.where(RaterRow.id == rater_id, StudyRow.name == study_name)) is not None

    def is_for_simulated(self, invitation_id: str) -> bool:
        """Whether raters who come by this invitation are the simulator's."""
        with Session(self._engine) as session:
            invitation = session.get(InvitationRow, invitation_id)
            return invitation is not None and invitation.simulated

    def record_screen(self, rater_id: str, screen: Screen) -> None:
        """Keep what a rater's browser says of its screen; every check is kept."""
        with Session(self._writing) as session, session.begin():
            rater = session.get_one(RaterRow, rater_id)
            if rater.withdrawn_at is None:
                session.add(
                    ScreenCheckRow(
                        study_id=rater.study_id,
                        rater_id=rater.id,
                        checked_at=self._now(),
                        screen_width=screen.screen_width,
                        screen_height=screen.screen_height,
                        viewport_width=screen.viewport_width,
                        viewport_height=screen.viewport_height,
                        device_pixel_ratio=float(screen.device_pixel_ratio),
                        zoom=float(screen.zoom),
                        color_gamut=screen.color_gamut,
                        pointer=screen.pointer,
                        dark_room=screen.dark_room,
                    )
                )

    def visit_state(self, rater_id: str) -> VisitState:
        """Where a rater stands; asking reserves the rater's trials for another while.

        The current trial counts as presented from the first time it is asked for.
        """
        with Session(self._writing) as session, session.begin():
            rater = session.get(RaterRow, rater_id)
            if rater is None:
                raise NotARater("You have not begun this study.")
            now = self._now()
            study = session.get_one(StudyRow, rater.study_id)
            if rater.withdrawn_at is None and study.status == "open":
                if rater.lease_until <= now:
                    lock_study(session, study.id)
                    session.refresh(rater)
                renew_lease(session, study, rater, now=now)
                session.flush()
            return _visit_state(session, rater, now=now)

    def picture_of(self, token: str) -> StoredPicture:
        """Find whose picture a token names; raises UnknownPicture."""
        # Aliases of this call's own: threads that shared them met a half-built one on a server's first pictures.
        left, right = aliased(StimulusRow), aliased(StimulusRow)
        pictures = (
            (TrialRow.stimulus_token, left.sha256),
            (TrialRow.right_token, right.sha256),
            (TrialRow.ground_truth_token, SceneRow.ground_truth_sha256),
        )
        with Session(self._engine) as session:
            for column, sha256 in pictures:
                found = (
                    select(StudyRow.name, TrialRow.rater_id, sha256)
                    .select_from(TrialRow)
                    .join(SceneRow, SceneRow.id == TrialRow.scene_id)
                    .join(StudyRow, StudyRow.id == TrialRow.study_id)
                    .join(left, left.id == TrialRow.stimulus_id)
                    .outerjoin(right, right.id == TrialRow.right_stimulus_id)
                    .where(column == token)
                )
                row = session.execute(found).one_or_none()
                if row is not None:
                    return StoredPicture(*row)
        raise UnknownPicture("There is no such picture.")

    def picture_bytes(self, sha256: str) -> bytes:
        """The stored file of a picture."""
        return self._stimuli.read(sha256)


def _use_invitation(
    session: Session, study: StudyRow, invitation_id: str | None, *, now: datetime
) -> InvitationRow | None:
    """Count one use of an invitation, or raise what is in the way; None where none is needed and none was given."""
    if invitation_id is None:
        if study.invitation_required:
            raise InvitationNeeded("This study is for invited raters: please use the link in your invitation.")
        return None
    invitation = session.scalar(
        select(InvitationRow)
        .where(InvitationRow.id == invitation_id, InvitationRow.study_id == study.id)
        .with_for_update()
    )
    if invitation is None:
        raise UnknownInvitation("This invitation is not for this study.")
    if invitation.expires_at is not None and invitation.expires_at <= now:
        raise InvitationExpired("This invitation is no longer good.")
    if invitation.max_uses is not None and invitation.uses >= invitation.max_uses:
        raise InvitationUsed("This invitation was used already. To continue a visit, use your personal link.")
    invitation.uses += 1
    return invitation


def _visit_state(session: Session, rater: RaterRow, *, now: datetime) -> VisitState:
    """Put a rater's state together, marking the current trial as presented."""
    practice_answered, practice_total = _practice_counts(session, rater)
    votes = _standing_votes(session, rater)
    waiting = _waiting(session, rater)
    stage = _stage(session, rater, waiting)
    if stage not in {"practice", "trials"}:
        waiting = []
    if waiting and waiting[0][0].presented_at is None:
        waiting[0][0].presented_at = now
    trials = [_trial_record(trial, scene) for trial, scene in waiting]
    is_live = stage in {"trials", "finished"} and rater.lease_until > now
    return VisitState(
        stage=stage,
        language=rater.language,
        answered=len(votes),
        total=len(votes) + rater.outstanding,
        practice_answered=practice_answered,
        practice_total=practice_total,
        current=trials[0] if trials else None,
        upcoming=trials[1] if len(trials) > 1 else None,
        undo_token=_undo_token(session, rater, votes) if is_live else None,
        seconds_left=round(_pace_s(votes) * rater.outstanding),
    )


def _practice_counts(session: Session, rater: RaterRow) -> tuple[int, int]:
    """Answered and all practice trials."""
    practice = select(func.count(PracticeAnswerRow.trial_id), func.count(TrialRow.id)).select_from(TrialRow)
    practice = practice.outerjoin(PracticeAnswerRow, PracticeAnswerRow.trial_id == TrialRow.id)
    answered, total = session.execute(
        practice.where(TrialRow.rater_id == rater.id, TrialRow.purpose == "practice")
    ).one()
    return answered, total


def _standing_votes(session: Session, rater: RaterRow) -> Sequence[VoteRow]:
    """The rater's votes that stand, in the order in which they were given."""
    of_rater = select(VoteRow).join(TrialRow, TrialRow.id == VoteRow.trial_id)
    standing = of_rater.where(TrialRow.rater_id == rater.id, VoteRow.undone_by.is_(None))
    return session.scalars(standing.order_by(VoteRow.ordinal)).all()


def _waiting(session: Session, rater: RaterRow) -> list[tuple[TrialRow, SceneRow]]:
    """The next two unanswered trials, practice included."""
    of_rater = (
        select(TrialRow, SceneRow)
        .join(SceneRow, SceneRow.id == TrialRow.scene_id)
        .outerjoin(PracticeAnswerRow, PracticeAnswerRow.trial_id == TrialRow.id)
        .where(
            TrialRow.rater_id == rater.id,
            TrialRow.released_at.is_(None),
            PracticeAnswerRow.trial_id.is_(None),
            unanswered(),
        )
        .order_by(TrialRow.position)
        .limit(2)
    )
    return [(row.TrialRow, row.SceneRow) for row in session.execute(of_rater)]


def _stage(session: Session, rater: RaterRow, waiting: Sequence[tuple[TrialRow, SceneRow]]) -> Stage:
    """What the rater's page shows."""
    if rater.withdrawn_at is not None:
        return "withdrawn"
    if not waiting:
        return "finished"
    if session.scalar(select(ScreenCheckRow.id).where(ScreenCheckRow.rater_id == rater.id).limit(1)) is None:
        return "screen"
    return "practice" if waiting[0][0].purpose == "practice" else "trials"


def _undo_token(session: Session, rater: RaterRow, votes: Sequence[VoteRow]) -> str | None:
    """The last answered trial's token, unless an undo was the last thing the rater did."""
    undone = select(func.max(VoteRow.undone_by)).join(TrialRow, TrialRow.id == VoteRow.trial_id)
    last_undo = session.scalar(undone.where(TrialRow.rater_id == rater.id))
    if not votes or (last_undo is not None and last_undo > votes[-1].ordinal):
        return None
    return session.get_one(TrialRow, votes[-1].trial_id).token


def _pace_s(votes: Sequence[VoteRow]) -> float:
    """Seconds per trial of the last votes, from question to answer."""
    if not votes:
        return FIRST_GUESS_S
    spans = [(vote.voted_at - vote.presented_at).total_seconds() for vote in votes[-RECENT_VOTES:]]
    return sum(min(span, LONGEST_PACE_S) for span in spans) / len(spans)


def _trial_record(trial: TrialRow, scene: SceneRow) -> Trial:
    """What a rater's browser may know about a trial."""
    tokens = (trial.stimulus_token,) if trial.right_token is None else (trial.stimulus_token, trial.right_token)
    return Trial(
        token=trial.token,
        is_practice=trial.purpose == "practice",
        ground_truth_token=trial.ground_truth_token,
        picture_tokens=tokens,
        width=scene.width,
        height=scene.height,
    )


def is_accepted(item: ItemRow, trial: TrialRow, answer: int | str, accepted: Sequence[int | str]) -> bool:
    """Whether an answer to an item's trial is accepted; sides that were swapped swap the choices."""
    if trial.stimulus_id != item.stimulus_id:
        mirrored = {"left": "right", "right": "left"}
        answer = mirrored.get(str(answer), answer)
    return answer in accepted
