# ruff: noqa: N818  Named for what happened, as the study's other errors are.
"""What callers of the statistics act on."""


class NotConverged(RuntimeError):
    """An iterative fit found no answer; its last numbers mean nothing and are not handed out."""
