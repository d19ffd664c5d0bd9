"""The slice of the store that keeps answers, takes them back and deletes them."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from study.definition.words import OUTSIDE_EXPECTED, WITHIN_EXPECTED
from study.errors import LeaseExpired, OffScale, UnknownCode, UnknownTrial, Withdrawn
from study.records import Answer, ChainedVote, Feedback
from study.schema import (
    CellRow,
    ChoiceRow,
    ItemRow,
    LedgerRow,
    PracticeAnswerRow,
    RaterRow,
    ScalePointRow,
    ScreenCheckRow,
    StudyRow,
    TrialRow,
    VoteRow,
)
from study.store.database import Database
from study.store.ledger import (
    chain_event,
    chain_vote,
    read_votes,
    read_withdrawals,
    votes_of_rater,
    withdrawn_hashes,
)
from study.store.planning import new_tokens, renew_lease, uncount
from study.store.rows import lock_study, require_open
from study.store.visiting import is_accepted


class VoteStore(Database):
    """Answers to trials."""

    def study_of_trial(self, token: str) -> str:
        """Name the study a trial belongs to; raises UnknownTrial."""
        of_trial = select(StudyRow.name).join(TrialRow, TrialRow.study_id == StudyRow.id)
        with Session(self._engine) as session:
            name = session.scalar(of_trial.where(TrialRow.token == token))
            if name is None:
                raise UnknownTrial("There is no such trial.")
            return name

    def record_answer(self, answer: Answer, *, rater_id: str, trial_token: str) -> Feedback | None:
        """Keep a rater's answer; when this returns, a vote is on disk in the database and in the journal.

        A trial answered before keeps its first answer: sending an answer again is safe. It is also what puts a vote
        into the journal whose first call ended between the database and the journal, by a crash or a full disk.

        Returns:
            Feedback to a practice answer, which is no vote; None else.
        Raises:
            UnknownTrial: not this rater's trial, or never presented.
            StudyClosed: the study has ended.
            LeaseExpired: the trial was no longer reserved for this rater.
            OffScale: the answer is none of the study's.
            OSError: the journal could not be written; the vote is in the database, and this call must be repeated.
        """
        with Session(self._writing) as session, session.begin():
            study, rater, trial = _lock(session, rater_id=rater_id, trial_token=trial_token)
            if trial.presented_at is None:
                raise UnknownTrial("There is no such trial.")
            if trial.purpose == "practice":
                return self._practice(session, study, rater, trial, answer)
            earlier = read_votes(session, study, VoteRow.trial_id == trial.id, VoteRow.undone_by.is_(None))
            vote = earlier[0] if earlier else self._vote(session, study, rater, trial, answer)
        # After the commit: the journal never holds a vote the database refused.
        append = self._journal.append_if_absent if earlier else self._journal.append
        try:
            append(vote.content())
        finally:  # a failed write, too, may have left the line
            if self._has_withdrawn(rater_id):
                # Since the commit: the withdrawal may have looked into the journals before this line was there.
                self._journal.forget({vote.sha256})
        return None

    def _has_withdrawn(self, rater_id: str) -> bool:
        with Session(self._engine) as session:
            return session.get_one(RaterRow, rater_id).withdrawn_at is not None

    def _vote(self, session: Session, study: StudyRow, rater: RaterRow, trial: TrialRow, answer: Answer) -> ChainedVote:
        now = self._now()
        require_open(study)
        if trial.released_at is not None or rater.lease_until <= now:
            raise LeaseExpired("This question waited too long and was put back. Please look at it again.")
        _require_on_scale(session, study, answer)
        vote = chain_vote(session, study, trial, answer, now=now)
        rater.outstanding -= 1
        renew_lease(session, study, rater, now=now)
        return vote

    def _practice(
        self, session: Session, study: StudyRow, rater: RaterRow, trial: TrialRow, answer: Answer
    ) -> Feedback:
        """Keep a practice answer, the first one, and say how it compares."""
        item = session.get_one(ItemRow, trial.item_id)
        row = session.get(PracticeAnswerRow, trial.id)
        if row is None:
            require_open(study)
            _require_on_scale(session, study, answer)
            given = answer.value if answer.choice is None else answer.choice
            row = PracticeAnswerRow(
                trial_id=trial.id,
                study_id=study.id,
                value=answer.value,
                choice=answer.choice,
                within_expected=is_accepted(item, trial, _given(given), json.loads(item.accepted)),
                answered_at=self._now(),
            )
            session.add(row)
        own = json.loads(study.content)["words"][rater.language]["feedback"][item.ordinal]
        usual = (WITHIN_EXPECTED if row.within_expected else OUTSIDE_EXPECTED).get(rater.language, "")
        return Feedback(row.within_expected, own or usual)

    def undo_answer(self, *, rater_id: str, trial_token: str) -> None:
        """Take back a rater's last answer: the vote stays in the chain, marked, and the question is asked again.

        The trial gets new tokens, so that a late copy of the first answer finds nothing to answer.

        Raises:
            UnknownTrial: not this rater's, not the last one answered, or the last act was an undo already.
            StudyClosed: the study has ended.
        """
        with Session(self._writing) as session, session.begin():
            study, rater, trial = _lock(session, rater_id=rater_id, trial_token=trial_token)
            require_open(study)
            now = self._now()
            votes = votes_of_rater(session, rater)
            last_undo = max((vote.undone_by for vote in votes if vote.undone_by is not None), default=-1)
            last = max(votes, key=lambda vote: vote.ordinal, default=None)
            is_last = last is not None and last.trial_id == trial.id and last.undone_by is None
            if last is None or not is_last or last_undo > last.ordinal or rater.lease_until <= now:
                raise UnknownTrial("There is no answer to take back.")
            line = chain_event(session, study, "undo", {"undone": last.ordinal}, now=now)
            last.undone_by = int(str(line["ordinal"]))
            for name, token in new_tokens(two=trial.right_stimulus_id is not None).items():
                setattr(trial, name, token)
            trial.presented_at = None
            rater.outstanding += 1
        self._journal.append(line)

    def give_codes(self, hash_of: Callable[[str], str]) -> None:
        """Store the hash of a withdrawal code for each rater who began before there were codes.

        Args:
            hash_of: Hash of the code of the rater with this id.
        """
        without = select(RaterRow).where(RaterRow.withdrawal_sha256.is_(None))
        with Session(self._writing) as session, session.begin():
            for rater in session.scalars(without).all():
                rater.withdrawal_sha256 = hash_of(rater.id)

    def withdraw(self, withdrawal_sha256: str) -> int:
        """Delete everything a rater gave, in the journals and in the database, and return how many votes stood.

        The chain keeps the votes' hashes and gets an entry that says which were withdrawn. Withdrawing again returns 0,
        and puts the entry into the journal where the first call was killed before it could.

        Args:
            withdrawal_sha256: Hash of the rater's code.
        Raises:
            UnknownCode: no rater has this code.
            OSError: a journal could not be written; this call must be repeated.
        """
        of_code = select(RaterRow).where(RaterRow.withdrawal_sha256 == withdrawal_sha256)
        with Session(self._writing) as session, session.begin():
            rater = session.scalar(of_code)
            if rater is None:
                raise UnknownCode("This withdrawal code is not known. Please check it letter by letter.")
            study = lock_study(session, rater.study_id)
            session.refresh(rater)
            is_first = rater.withdrawn_at is None
            if is_first:
                votes = votes_of_rater(session, rater)
                standing = sum(vote.undone_by is None for vote in votes)
                ordinals = [vote.ordinal for vote in votes]
                withdrawals = [_delete_rater(session, study, rater, ordinals, now=self._now())]
            else:
                standing, withdrawals = 0, read_withdrawals(session, study)
            hashes = withdrawn_hashes(session, study, withdrawals)
            if is_first:
                # Before the commit: killed here, no rater has withdrawn whose votes are still in a journal.
                self._journal.forget(hashes)
        # And after it, for votes that reached the database before the withdrawal and the journal only now.
        self._journal.forget(hashes)
        append = self._journal.append if is_first else self._journal.append_if_absent
        for line in withdrawals:
            append(line)
        return standing


def _lock(session: Session, *, rater_id: str, trial_token: str) -> tuple[StudyRow, RaterRow, TrialRow]:
    """Lock the study of a rater's own trial and read both as they are then.

    Raises:
        UnknownTrial: no such trial of this rater.
        Withdrawn: the rater has withdrawn.
    """
    by_token = select(TrialRow).where(TrialRow.token == trial_token, TrialRow.rater_id == rater_id)
    trial = session.scalar(by_token)
    if trial is None:
        raise UnknownTrial("There is no such trial.")
    study = lock_study(session, trial.study_id)
    # Another request may have changed the trial while this one waited for the lock.
    trial = session.scalar(by_token.execution_options(populate_existing=True))
    if trial is None:
        raise UnknownTrial("There is no such trial.")
    rater = session.get_one(RaterRow, rater_id, populate_existing=True)
    if rater.withdrawn_at is not None:
        raise Withdrawn("You have withdrawn from this study.")
    return study, rater, trial


def _given(answer: int | str | None) -> int | str:
    if answer is None:
        raise OffScale("The answer is empty.")
    return answer


def _require_on_scale(session: Session, study: StudyRow, answer: Answer) -> None:
    """Raise OffScale unless the answer is one of the study's: a value of its scale, or one of its choices."""
    if study.mode == "rating":
        known = answer.value is not None and session.get(ScalePointRow, (study.id, answer.value)) is not None
        if not known or answer.choice is not None:
            raise OffScale(f"The value {answer.value} is not on the scale.")
    else:
        known = answer.choice is not None and session.get(ChoiceRow, (study.id, answer.choice)) is not None
        if not known or answer.value is not None:
            raise OffScale(f"The choice {answer.choice} is not offered.")


def _delete_rater(
    session: Session, study: StudyRow, rater: RaterRow, ordinals: Sequence[int], *, now: datetime
) -> dict[str, object]:
    """Delete all rows of a rater but the rater's own, give the cells free, and put the withdrawal into the chain.

    Args:
        ordinals: Of the rater's votes, whose nonces go too.
    Returns:
        The withdrawal as a journal's line.
    """
    trials = select(TrialRow.id).where(TrialRow.rater_id == rater.id).scalar_subquery()
    counted = select(TrialRow).where(
        TrialRow.rater_id == rater.id, TrialRow.purpose == "main", TrialRow.released_at.is_(None)
    )
    for trial in session.scalars(counted).all():
        uncount(session.get_one(CellRow, trial.cell_id), trial)
    session.flush()
    session.execute(delete(VoteRow).where(VoteRow.trial_id.in_(trials)))
    session.execute(delete(PracticeAnswerRow).where(PracticeAnswerRow.trial_id.in_(trials)))
    session.execute(delete(ScreenCheckRow).where(ScreenCheckRow.rater_id == rater.id))
    session.execute(delete(TrialRow).where(TrialRow.rater_id == rater.id))
    entries = (LedgerRow.study_id == study.id, LedgerRow.ordinal.in_(ordinals))
    session.execute(update(LedgerRow).where(*entries).values(nonce=None))
    rater.withdrawn_at, rater.outstanding = now, 0
    return chain_event(session, study, "withdrawal", {"withdrawn": ordinals}, now=now)
