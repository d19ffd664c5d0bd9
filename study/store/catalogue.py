"""The slice of the store that keeps studies: made, opened, closed, looked at by researchers."""

import secrets
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from study.chain import ChainReport, text_sha256, verify_chain
from study.definition import StudyDefinition
from study.errors import NoStudyOpen, StudyChanged, StudyExists
from study.freezing import freeze_pictures
from study.records import (
    CellCount,
    ChainedVote,
    RaterRecord,
    StudyProgress,
    StudyRecord,
    StudyStatus,
    StudyWords,
)
from study.schema import (
    CellRow,
    InvitationRow,
    MethodRow,
    RaterRow,
    SceneRow,
    StimulusRow,
    StudyRow,
    TrialRow,
    VoteRow,
)
from study.store.columns import VoteColumns
from study.store.database import Database
from study.store.ledger import read_entries, read_votes
from study.store.rows import add_contents, find_study, new_study, new_token, require_open, study_record, study_words


class StudyCatalogue(Database):
    """All studies of one database, for those who run them."""

    def create_study(self, definition: StudyDefinition, *, seed: int | None = None) -> StudyRecord:
        """Freeze a definition: copy its pictures, store its words. The study is a draft until it is opened.

        Args:
            definition: Read by `read_study` or `read_study_file`.
            seed: Of the trial orders; left out, a random one.
        Raises:
            StudyExists: the name is taken.
            ValueError: a source picture changed since the definition was read.
        """
        stored = freeze_pictures(definition, self._stimuli)
        try:
            with Session(self._writing) as session, session.begin():
                seed = secrets.randbits(31) if seed is None else seed
                study = new_study(definition, seed=seed, created_at=self._now())
                session.add(study)
                session.flush()
                add_contents(session, study, definition, stored)
                return study_record(session, study)
        except IntegrityError as error:
            taken = [study for study in self.studies() if study.name == definition.name]
            if taken:
                same = "it is this very study" if taken[0].sha256 == definition.sha256 else "with other contents"
                raise StudyExists(f"There is already a study named {definition.name}, {same}.") from error
            raise

    def open_study(self, name: str) -> None:
        """Let raters in. A closed study may be opened again; its votes stay.

        Raises:
            UnknownStudy: there is none of this name.
            StudyChanged: its words or pictures are not those that were frozen.
        """
        problems = self.frozen_problems(name)
        if problems:
            raise StudyChanged(f"{name} is not what was frozen, and stays closed:\n- " + "\n- ".join(problems))
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
                    update(StudyRow).where(StudyRow.id == study.id).values({"status": status, moment: self._now()})
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
            newest = select(StudyRow).where(StudyRow.status == "open")
            newest = newest.order_by(StudyRow.opened_at.desc(), StudyRow.id.desc()).limit(1)
            study = session.scalar(newest)
            if study is None:
                raise NoStudyOpen("No study is open right now.")
            return study_record(session, study)

    def words(self, name: str, language: str | None = None) -> StudyWords:
        """What raters of a study read, in a language or else in the study's default one."""
        with Session(self._engine) as session:
            return study_words(find_study(session, name), language)

    # How far it is

    def progress(self, name: str) -> StudyProgress:
        """Count raters, raters who answered everything, and votes that stand; withdrawn raters are not counted."""
        counts = VoteColumns(self._engine).rater_counts(self.study(name))
        with Session(self._engine) as session:
            votes = select(func.count(VoteRow.id)).where(VoteRow.study_id == find_study(session, name).id)
            standing = session.scalar(votes.where(VoteRow.undone_by.is_(None)))
        return StudyProgress(raters=counts.began, finished_raters=counts.finished, votes=standing or 0)

    def raters(self, name: str) -> list[RaterRecord]:
        """All raters of a study in the order of arrival."""
        votes = select(TrialRow.rater_id, func.count(VoteRow.id).label("answered"))
        votes = votes.join(VoteRow, (VoteRow.trial_id == TrialRow.id) & VoteRow.undone_by.is_(None))
        with Session(self._engine) as session:
            study = find_study(session, name)
            answered = votes.where(TrialRow.study_id == study.id).group_by(TrialRow.rater_id).subquery()
            rows = session.execute(
                select(RaterRow, func.coalesce(answered.c.answered, 0).label("answered"))
                .outerjoin(answered, answered.c.rater_id == RaterRow.id)
                .where(RaterRow.study_id == study.id)
                .order_by(RaterRow.ordinal)
            )
            return [
                RaterRecord(
                    rater=rater.id,
                    ordinal=rater.ordinal,
                    language=rater.language,
                    began_at=rater.began_at,
                    answered=count,
                    assigned=count + rater.outstanding,
                    withdrawn_at=rater.withdrawn_at,
                    simulated=rater.simulated,
                )
                for rater, count in rows
            ]

    def cell_counts(self, name: str) -> list[CellCount]:
        """How full every cell of the design is, scene by scene."""
        other, other_method = aliased(StimulusRow), aliased(MethodRow)
        names = (
            select(CellRow.id, SceneRow.name, MethodRow.name, other_method.name)
            .join(SceneRow, SceneRow.id == CellRow.scene_id)
            .join(StimulusRow, StimulusRow.id == CellRow.stimulus_id)
            .join(MethodRow, MethodRow.id == StimulusRow.method_id)
            .outerjoin(other, other.id == CellRow.other_stimulus_id)
            .outerjoin(other_method, other_method.id == other.method_id)
        )
        state = (VoteRow.id.is_not(None), RaterRow.lease_until > self._now())
        counts = (
            select(TrialRow.cell_id, *state, func.count(TrialRow.id))
            .join(RaterRow, RaterRow.id == TrialRow.rater_id)
            .outerjoin(VoteRow, (VoteRow.trial_id == TrialRow.id) & VoteRow.undone_by.is_(None))
            .where(TrialRow.purpose == "main", TrialRow.released_at.is_(None))
            .group_by(TrialRow.cell_id, *state)
        )
        with Session(self._engine) as session:
            study = find_study(session, name)
            found: dict[tuple[int | None, str], int] = {}
            for cell_id, answered, is_live, count in session.execute(counts.where(TrialRow.study_id == study.id)):
                kind = "answered" if answered else "leased" if is_live and study.status == "open" else "lapsed"
                found[cell_id, kind] = found.get((cell_id, kind), 0) + count
            cells = session.execute(names.where(CellRow.study_id == study.id).order_by(CellRow.id))
            return [
                CellCount(scene, method, right, *(found.get((cell, kind), 0) for kind in _KINDS))
                for cell, scene, method, right in cells
            ]

    def votes(self, study_name: str) -> list[ChainedVote]:
        """All votes of a study that stand, in the order of the chain: neither undone nor withdrawn."""
        with Session(self._engine) as session:
            return read_votes(session, find_study(session, study_name), VoteRow.undone_by.is_(None))

    def pictures(self, name: str) -> list[tuple[str, str | None, str]]:
        """Every picture as (scene, method, sha256 of the stored file); method None is the ground truth."""
        with Session(self._engine) as session:
            study = find_study(session, name)
            truths = select(SceneRow.name, SceneRow.ground_truth_sha256).where(SceneRow.study_id == study.id)
            stimuli = (
                select(SceneRow.name, MethodRow.name, StimulusRow.sha256)
                .join(SceneRow, SceneRow.id == StimulusRow.scene_id)
                .join(MethodRow, MethodRow.id == StimulusRow.method_id)
                .where(StimulusRow.study_id == study.id)
            )
            of_truth = [(scene, None, sha256) for scene, sha256 in session.execute(truths.order_by(SceneRow.id))]
            of_methods = session.execute(stimuli.order_by(StimulusRow.id))
            return [*of_truth, *((scene, method, sha256) for scene, method, sha256 in of_methods)]

    # Integrity

    def frozen_problems(self, name: str) -> list[str]:
        """What is stored of a study but is not what was frozen: its words, or the bytes of its pictures."""
        with Session(self._engine) as session:
            study = find_study(session, name)
            stored = {
                *session.scalars(select(SceneRow.ground_truth_sha256).where(SceneRow.study_id == study.id)),
                *session.scalars(select(StimulusRow.sha256).where(StimulusRow.study_id == study.id)),
            }
            # Before form 2 the hash covered a content that is not stored.
            is_old = '"form":1' in study.content
            words = [] if is_old or text_sha256(study.content) == study.sha256 else ["the definition was changed"]
        return words + [
            f"picture {sha256} is missing or was changed"
            for sha256 in sorted(stored)
            if not self._stimuli.holds(sha256)
        ]

    def verify(self, name: str, *, head: str | None = None) -> ChainReport:
        """Check the whole chain of a study against the votes and the journals, and the frozen study itself.

        Args:
            name: The study.
            head: A last hash noted earlier: where it is gone, the chain was cut at its end.
        """
        with Session(self._engine) as session:
            study = find_study(session, name)
            entries = read_entries(session, study)
            undone = select(VoteRow.ordinal, VoteRow.undone_by).where(VoteRow.study_id == study.id)
            marked = {vote: by for vote, by in session.execute(undone) if by is not None}
            sha256 = study.sha256
        known = self._journal.hashes(sha256) | (set() if head in {None, sha256} else {str(head)})
        report = verify_chain(entries, study_sha256=sha256, undone=marked, known=sorted(known))
        return ChainReport(
            report.entries,
            report.votes,
            report.withdrawn,
            report.head,
            (*report.problems, *self.frozen_problems(name)),
        )

    # Invitations

    def add_invitation(
        self, name: str, *, max_uses: int | None, days: int | None = None, simulated: bool = False
    ) -> str:
        """Make an invitation and return its id.

        Args:
            name: The study.
            max_uses: How many raters it lets in; None for no limit.
            days: How long it is good; None for ever.
            simulated: Whether whoever comes by it is marked as made by the simulator.
        Raises:
            UnknownStudy: there is no study of this name.
            ValueError: `max_uses` or `days` is below 1.
        """
        if max_uses is not None and max_uses < 1:
            raise ValueError(f"max_uses must be at least 1, got {max_uses}")
        if days is not None and days < 1:
            raise ValueError(f"days must be at least 1, got {days}")
        with Session(self._writing) as session, session.begin():
            study = find_study(session, name)
            expires_at = None if days is None else self._now() + timedelta(days=days)
            invitation = InvitationRow(
                id=new_token(),
                study_id=study.id,
                max_uses=max_uses,
                uses=0,
                simulated=simulated,
                created_at=self._now(),
                expires_at=expires_at,
            )
            session.add(invitation)
            return invitation.id


_KINDS = ("answered", "leased", "lapsed")
