# ruff: noqa: N818  Each name states the fact, as `UnknownStudy`; "Error" would say nothing more.
"""What can be in the way of a request, for callers who act on it."""


class StudyError(Exception):
    """A request that cannot be met for a reason the caller can act on; the message is fit for a rater's eyes."""


class UnknownStudy(StudyError):
    """No study of this name is offered."""


class StudyExists(StudyError):
    """A study of this name is already there."""


class StudyChanged(StudyError):
    """What is stored of a study is not what was frozen."""


class NoStudyOpen(StudyError):
    """No study is open right now."""


class StudyClosed(StudyError):
    """The study has ended and takes no more votes."""


class StudyFull(StudyError):
    """All votes the study wants are given or being given."""


class InvitationNeeded(StudyError):
    """Only invited raters can begin this study."""


class UnknownInvitation(StudyError):
    """The invitation is not one of this study's."""


class InvitationUsed(StudyError):
    """The invitation has let in as many raters as it may."""


class InvitationExpired(StudyError):
    """The invitation was good until a moment that is over."""


class ConsentNeeded(StudyError):
    """The rater has not agreed to anything."""


class ConsentChanged(StudyError):
    """The rater agreed to another text than the study's."""


class TooManyEnrolments(StudyError):
    """Too many raters began from one address within the last hour."""

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class UnknownLink(StudyError):
    """The personal link is not one we gave."""


class UnknownCode(StudyError):
    """The withdrawal code belongs to no rater."""


class Withdrawn(StudyError):
    """The rater has withdrawn from the study."""


class UnknownTrial(StudyError):
    """This rater has no such trial, or it is not its turn yet."""


class LeaseExpired(StudyError):
    """The answer came so late that the trial was no longer reserved for the rater."""


class UnknownPicture(StudyError):
    """There is no such picture for this rater."""


class OffScale(StudyError):
    """The answer is not one of the study's."""


class NotARater(StudyError):
    """The browser showed no valid sign of being a rater of this study."""
