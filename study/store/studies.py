"""The store of studies and votes.

Writers of one study come one after the other, which the ordinals of raters and the chain of votes need: on SQLite by
BEGIN IMMEDIATE, on other databases by a lock on the study's row.
"""

import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from study.definition import StudyDefinition
from study.errors import NoStudyOpen, OffScale, StudyExists, UnknownPicture, UnknownTrial
from study.freezing import freeze_pictures
from study.journal import VoteJournal
from study.records import (
    Answer,
    ChainedVote,
    StoredPicture,
    StudyProgress,
    StudyRecord,
    StudyStatus,
    VisitState,
)
from study.schema import Base, RaterRow, ScalePointRow, SceneRow, StimulusRow, StudyRow, TrialRow, VoteRow
from study.stimuli import StimulusFolder
from study.store.engine import open_engine
from study.store.rows import (
    add_cells,
    chain_vote,
    find_study,
    lock_study,
    new_token,
    new_trials,
    now,
    read_votes,
    require_open,
    study_record,
    trial_record,
)

Plan = Callable[[StudyRecord, int], Sequence[tuple[int, int]]]


class StudyStore:
    """All studies of one database, their pictures and the journal of their votes."""

    def __init__(self, url: str, *, data_folder: Path) -> None:
        """Open the database, making it and its tables where they are missing.

        Args:
            url: Any SQLAlchemy URL, such as `sqlite:///var/study.db`.
            data_folder: Holds `stimuli/` and the journals.
        """
        data_folder.mkdir(parents=True, exist_ok=True)
        self._engine = open_engine(url)
        self._writing = self._engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        self._stimuli = StimulusFolder(data_folder / "stimuli")
        self._journal = VoteJournal(data_folder)
        Base.metadata.create_all(self._writing)

    def close(self) -> None:
        """Let go of the database and the journal."""
        self._journal.close()
        self._engine.dispose()

    # Studies

    def create_study(self, definition: StudyDefinition, *, seed: int | None = None) -> StudyRecord:
        """Freeze a definition: copy its pictures, store its words. The study is a draft until it is opened.

        Args:
            definition: Read by `read_study`.
            seed: Of the trial orders; left out, a random one.
        Raises:
            StudyExists: the name is taken.
            ValueError: a source picture changed since the definition was read.
        """
        stored = freeze_pictures(definition, self._stimuli)
        try:
            with Session(self._writing) as session, session.begin():
                study = StudyRow(
                    name=definition.name,
                    title=definition.title,
                    question=definition.question,
                    sha256=definition.sha256,
                    seed=secrets.randbits(31) if seed is None else seed,
                    created_at=now(),
                )
                session.add(study)
                session.flush()
                add_cells(session, study_id=study.id, definition=definition, stored=stored)
                return study_record(session, study)
        except IntegrityError as error:
            if any(study.name == definition.name for study in self.studies()):
                raise StudyExists(f"There is already a study named {definition.name}.") from error
            raise

    def open_study(self, name: str) -> None:
        """Let raters in. A closed study may be opened again; its votes stay."""
        self._set_status(name, status="open")

    def close_study(self, name: str) -> None:
        """Take no more votes."""
        self._set_status(name, status="closed")

    def _set_status(self, name: str, *, status: StudyStatus) -> None:
        moment = {"open": "opened_at", "closed": "closed_at"}[status]
        with Session(self._writing) as session, session.begin():
            study = find_study(session, name)
            if study.status != status:
                session.execute(
                    update(StudyRow).where(StudyRow.id == study.id).values({"status": status, moment: now()})
                )

    def studies(self) -> list[StudyRecord]:
        """All studies in the order of creation."""
        with Session(self._engine) as session:
            return [study_record(session, study) for study in session.scalars(select(StudyRow).order_by(StudyRow.id))]

    def study(self, name: str) -> StudyRecord:
        """One study by its name, whatever its status; raises UnknownStudy."""
        with Session(self._engine) as session:
            return study_record(session, find_study(session, name))

    def open_study_for_raters(self, name: str | None = None) -> StudyRecord:
        """The open study of this name, or the one opened last where no name is given.

        Raises:
            NoStudyOpen: no name was given and none is open.
            UnknownStudy: no such study; drafts are unknown to raters.
            StudyClosed: the named study has ended.
        """
        with Session(self._engine) as session:
            if name is not None:
                return study_record(session, require_open(find_study(session, name)))
            newest = select(StudyRow).where(StudyRow.status == "open").order_by(StudyRow.opened_at.desc()).limit(1)
            study = session.scalar(newest)
            if study is None:
                raise NoStudyOpen("No study is open right now.")
            return study_record(session, study)

    def progress(self, name: str) -> StudyProgress:
        """Count raters, raters who rated everything, and votes."""
        with Session(self._engine) as session:
            study = find_study(session, name)
            answered = (
                select(
                    TrialRow.rater_id, func.count(VoteRow.id).label("votes"), func.count(TrialRow.id).label("trials")
                )
                .outerjoin(VoteRow, VoteRow.trial_id == TrialRow.id)
                .where(TrialRow.study_id == study.id)
                .group_by(TrialRow.rater_id)
            )
            rows = session.execute(answered).all()
            return StudyProgress(
                raters=len(rows),
                finished_raters=sum(row.votes == row.trials for row in rows),
                votes=sum(row.votes for row in rows),
            )

    # Raters

    def enrol_rater(self, study_name: str, *, plan: Plan, rater_id: str | None = None) -> str:
        """Add a rater with all their trials and return the rater's id.

        Args:
            study_name: An open study.
            plan: Gives (scene, method) indices in the order of trials for the study and the rater's ordinal.
            rater_id: 22 unguessable characters; left out, random ones. Enrolling an id twice is enrolling it once.
        Raises:
            UnknownStudy, StudyClosed: raters cannot begin.
        """
        with Session(self._writing) as session, session.begin():
            study = require_open(lock_study(session, find_study(session, study_name).id))
            if rater_id is not None and session.get(RaterRow, rater_id) is not None:
                return rater_id
            ordinal = session.scalar(select(func.count(RaterRow.id)).where(RaterRow.study_id == study.id)) or 0
            rater = RaterRow(id=rater_id or new_token(), study_id=study.id, ordinal=ordinal, began_at=now())
            session.add(rater)
            session.flush()
            cells = plan(study_record(session, study), ordinal)
            session.add_all(new_trials(session, rater, cells))
            return rater.id

    def has_rater(self, study_name: str, rater_id: str) -> bool:
        """Whether this id belongs to a rater of this study."""
        of_study = select(RaterRow.id).join(StudyRow, StudyRow.id == RaterRow.study_id)
        with Session(self._engine) as session:
            return session.scalar(of_study.where(RaterRow.id == rater_id, StudyRow.name == study_name)) is not None

    def visit_state(self, rater_id: str) -> VisitState:
        """Where a rater stands. The current trial counts as presented from the first time it is asked for."""
        with Session(self._writing) as session, session.begin():
            of_rater = select(TrialRow, SceneRow).where(TrialRow.rater_id == rater_id)
            of_rater = of_rater.join(StimulusRow, StimulusRow.id == TrialRow.stimulus_id)
            of_rater = of_rater.join(SceneRow, SceneRow.id == StimulusRow.scene_id)
            unanswered = of_rater.outerjoin(VoteRow, VoteRow.trial_id == TrialRow.id).where(VoteRow.id.is_(None))
            waiting = session.execute(unanswered.order_by(TrialRow.position).limit(2)).all()
            if waiting and waiting[0].TrialRow.presented_at is None:
                waiting[0].TrialRow.presented_at = now()
            total = session.scalar(select(func.count(TrialRow.id)).where(TrialRow.rater_id == rater_id)) or 0
            votes = select(func.count(VoteRow.id)).join(TrialRow, TrialRow.id == VoteRow.trial_id)
            answered = session.scalar(votes.where(TrialRow.rater_id == rater_id)) or 0
            trials = [trial_record(row.TrialRow, row.SceneRow) for row in waiting] + [None, None]
            return VisitState(answered=answered, total=total, current=trials[0], upcoming=trials[1])

    def picture_of(self, token: str) -> StoredPicture:
        """Find whose picture a token names; raises UnknownPicture."""
        trial_of = select(TrialRow, StimulusRow, SceneRow, StudyRow.name)
        trial_of = trial_of.join(StimulusRow, StimulusRow.id == TrialRow.stimulus_id)
        trial_of = trial_of.join(SceneRow, SceneRow.id == StimulusRow.scene_id)
        trial_of = trial_of.join(StudyRow, StudyRow.id == TrialRow.study_id)
        with Session(self._engine) as session:
            row = session.execute(
                trial_of.where((TrialRow.stimulus_token == token) | (TrialRow.ground_truth_token == token))
            ).one_or_none()
            if row is None:
                raise UnknownPicture("There is no such picture.")
            is_stimulus = row.TrialRow.stimulus_token == token
            sha256 = row.StimulusRow.sha256 if is_stimulus else row.SceneRow.ground_truth_sha256
            return StoredPicture(study=row.name, rater=row.TrialRow.rater_id, sha256=sha256)

    def picture_bytes(self, sha256: str) -> bytes:
        """The stored file of a picture."""
        return self._stimuli.read(sha256)

    # Votes

    def study_of_trial(self, token: str) -> str:
        """Name the study a trial belongs to; raises UnknownTrial."""
        of_trial = select(StudyRow.name).join(TrialRow, TrialRow.study_id == StudyRow.id)
        with Session(self._engine) as session:
            name = session.scalar(of_trial.where(TrialRow.token == token))
            if name is None:
                raise UnknownTrial("There is no such trial.")
            return name

    def record_vote(self, answer: Answer, *, rater_id: str, trial_token: str) -> bool:
        """Keep a rater's answer to a trial; when this returns, the vote is on disk in the database and in the journal.

        A trial answered before keeps its first answer: sending an answer again is safe. It is also what puts a vote
        into the journal whose first call ended between the database and the journal, by a crash or a full disk.

        Returns:
            Whether this call recorded the vote; False where the trial had one.
        Raises:
            UnknownTrial: not this rater's trial, or never presented.
            StudyClosed: the study has ended.
            OffScale: the value is none of the study's answers.
            OSError: the journal could not be written; the vote is in the database, and this call must be repeated.
        """
        with Session(self._writing) as session, session.begin():
            trial = session.scalar(select(TrialRow).where(TrialRow.token == trial_token))
            if trial is None or trial.rater_id != rater_id or trial.presented_at is None:
                raise UnknownTrial("There is no such trial.")
            study = lock_study(session, trial.study_id)
            earlier = read_votes(session, study, VoteRow.trial_id == trial.id)
            if not earlier:
                require_open(study)
                if session.get(ScalePointRow, (study.id, answer.value)) is None:
                    raise OffScale(f"The value {answer.value} is not on the scale.")
            vote = earlier[0] if earlier else chain_vote(session, study=study, trial=trial, answer=answer)
        # After the commit: the journal never holds a vote the database refused.
        if earlier:
            self._journal.append_if_absent(vote)
        else:
            self._journal.append(vote)
        return not earlier

    def votes(self, study_name: str) -> list[ChainedVote]:
        """All votes of a study in the order of the chain."""
        with Session(self._engine) as session:
            return read_votes(session, find_study(session, study_name))
