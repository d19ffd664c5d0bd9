# ruff: noqa: N818  Each name states the fact, as `UnknownStudy`; "Error" would say nothing more.
"""What can be in the way of a request, for callers who act on it."""


class StudyError(Exception):
    """A request that cannot be met for a reason the caller can act on; the message is fit for a rater's eyes."""


class UnknownStudy(StudyError):
    """No study of this name is offered."""


class StudyExists(StudyError):
    """A study of this name is already there."""


class NoStudyOpen(StudyError):
    """No study is open right now."""


class StudyClosed(StudyError):
    """The study has ended and takes no more votes."""


class UnknownTrial(StudyError):
    """This rater has no such trial, or it is not its turn yet."""


class UnknownPicture(StudyError):
    """There is no such picture for this rater."""


class OffScale(StudyError):
    """The answer is not on the study's scale."""


class NotARater(StudyError):
    """The browser showed no valid sign of being a rater of this study."""
