"""Comparisons in the columns of pwcmp's examples (mantiuk/pwcmp).

Observer, Session, Scene, Condition_1, Condition_2, and Selection: 1 or 2. pwcmp knows no ties, so tied votes are left
out there; `votes.csv` has them all. `read_csv_votes` reads this form back.
"""

import pandas as pd

from study.export.documents import frame_csv

_SELECTION = {"left": 1, "right": 2}


def pwcmp_csv(frame: pd.DataFrame) -> str:
    """Tidy comparisons as pwcmp's CSV, gold trials and ties left out; a rater's repeats are session 2."""
    decided = frame[(frame["purpose"] != "gold") & frame["choice"].isin(list(_SELECTION))]
    sessions = {"main": 1, "repeat": 2}
    return frame_csv(
        pd.DataFrame(
            {
                "Observer": decided["rater"],
                "Session": [sessions[purpose] for purpose in decided["purpose"]],
                "Scene": decided["scene"],
                "Condition_1": decided["left_method"],
                "Condition_2": decided["right_method"],
                "Selection": [_SELECTION[choice] for choice in decided["choice"]],
            }
        )
    )
