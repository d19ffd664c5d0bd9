"""How far raters agree with each other and with themselves."""

import pandas as pd

from study.statistics.agreement import (
    Agreement,
    RetestAgreement,
    mean_rater_agreement,
    rater_agreements,
    retest_agreement,
)
from study.statistics.intraclass import intraclass_correlations
from study.statistics.krippendorff import krippendorff_alpha
from study.tables.basis import BASIS, COUNTS, basis, counts, ends, frame_of, joined
from study.tables.screening import screened
from study.tables.votes import Analysis, StudyVotes


def agreement(votes: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """Krippendorff's alpha, ICC(2,1) and ICC(2,k), raters against the MOS, and test-retest on repeated trials."""
    analysis = analysis or Analysis()
    ratings, rule = screened(votes, analysis)
    alpha = krippendorff_alpha(
        ratings, confidence=analysis.confidence, seed=analysis.seed, resamples=analysis.resamples
    )
    intraclass = intraclass_correlations(ratings, confidence=analysis.confidence)
    measures = (alpha, *intraclass, mean_rater_agreement(ratings, confidence=analysis.confidence))
    shared = {"n_scenes": counts(ratings)["n_scenes"]}
    rows = [{**_measure_row(measure), **shared, **_basis(votes, analysis, measure, rule)} for measure in measures]
    retest = retest_agreement(votes.rated)
    retest_basis = basis(votes, analysis, ci_method="none", screening="none, every repeated trial counts")
    rows += [{**row, **counts(votes.rated), **retest_basis} for row in _retest_rows(retest)]
    words = ("measure", *BASIS[1:])
    numbers = ("value", "ci_low", "ci_high", "n_pairs", "n_stimuli")
    return frame_of(rows, words=words, columns=("measure", *numbers, *COUNTS, *BASIS))


def _measure_row(measure: Agreement) -> dict[str, object]:
    return {
        "measure": measure.name,
        "value": measure.value,
        **ends(measure.interval),
        "n_stimuli": measure.n_stimuli,
        "n_raters": measure.n_raters,
        "n_votes": measure.n_votes,
        "message": joined(measure.message, measure.interval.message),
    }


def _basis(votes: StudyVotes, analysis: Analysis, measure: Agreement, rule: str) -> dict[str, object]:
    return basis(votes, analysis, ci_method=measure.interval.method, screening=rule)


def _retest_rows(retest: RetestAgreement) -> list[dict[str, object]]:
    """Each number of the repeated trials as a row of its own."""
    values = {
        "test-retest correlation r": retest.r,
        "test-retest share of equal answers": retest.exact_share,
        "test-retest mean difference (second - first)": retest.mean_difference,
        "test-retest within-rater SD": retest.within_sd,
    }
    message = retest.message or ""
    return [
        {"measure": name, "value": value, "n_pairs": retest.n_pairs, "message": message}
        for name, value in values.items()
    ]


def rater_correlations(votes: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """Every rater's correlation with the MOS of all and with the MOS of the others."""
    analysis = analysis or Analysis()
    ratings, rule = screened(votes, analysis)
    rows = [
        {
            "rater": score.rater,
            "rater_kind": "simulated" if score.rater in votes.simulated else "person",
            "r": score.r,
            "r_others": score.r_others,
            "n_votes": score.n_votes,
            **basis(votes, analysis, ci_method="none", screening=rule),
            "message": score.message or "",
        }
        for score in rater_agreements(ratings)
    ]
    words = ("rater", "rater_kind", *BASIS[1:])
    return frame_of(rows, words=words, columns=("rater", "rater_kind", "r", "r_others", "n_votes", *BASIS))
