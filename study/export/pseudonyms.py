"""The copy of a study that may leave the house: nobody in it can be led back to a stored rater.

- Raters are numbered anew in the order of what they voted, which follows from the published votes alone. The ids of the
  store, by which cookies and withdrawals know a rater, do not occur.
- Moments are cut to the month, response times to tenths of a second.
- Left out are the order in which votes arrived, the hashes and nonces of the chain (they would let anybody who saw a
  vote's row in the store confirm whose it is), and the measures of window and screen, by which a device is known again.
- So is the seed of the trial orders: who plans visits again from it, one place of arrival after the other, finds by the
  scenes and positions of a visit when its rater came.
- Lines are sorted by rater and the rater's own order of trials.

Raters who withdrew, and answers that were taken back, are not among the votes to begin with. The tables come out as
they do for the researcher, to the last digit, but for the raters' names.
"""

from dataclasses import replace

from study.export.contents import StudyExport
from study.export.zipping import sha256

RESPONSE_STEP_MS = 100
_LEFT_OUT = (
    *("ordinal", "form", "nonce", "previous_sha256", "sha256"),
    *("viewport_width", "viewport_height", "device_pixel_ratio"),
)
_MOMENTS = ("presented_at", "voted_at")
_MONTH = len("2026-11")


def pseudonymised(export: StudyExport) -> StudyExport:
    """The published copy of an export."""
    frame = export.frame.drop(columns=[name for name in _LEFT_OUT if name in export.frame])
    numbers = _numbers(export)
    frame = frame.assign(rater=[numbers[rater] for rater in frame["rater"]])
    for name in _MOMENTS:
        if name in frame:
            frame[name] = [moment[:_MONTH] for moment in frame[name]]
    if "response_ms" in frame:
        frame["response_ms"] = (frame["response_ms"] + RESPONSE_STEP_MS // 2) // RESPONSE_STEP_MS * RESPONSE_STEP_MS
    by = ["rater", *(["position"] if "position" in frame else [])]
    return replace(export, seed=None, frame=frame.sort_values(by, kind="stable", ignore_index=True))


def _numbers(export: StudyExport) -> dict[str, str]:
    """A new name for every rater: those of the tables in the tables' order, then those with gold answers alone."""
    known = list(export.votes().arrays.raters)
    others = sorted(set(export.frame["rater"]) - set(known), key=lambda rater: sha256(rater.encode()))
    width = len(str(len(known) + len(others)))
    return {rater: f"rater-{number:0{width}d}" for number, rater in enumerate([*known, *others], start=1)}
