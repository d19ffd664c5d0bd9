"""Statistics of votes: pure functions of arrays, results as frozen dataclasses.

What does not exist (an interval of one vote, a scale of methods never compared) is None beside a message that says
why; NaN never leaves these functions.
"""

from study.statistics.agreement import (
    Agreement,
    RaterAgreement,
    RetestAgreement,
    mean_rater_agreement,
    rater_agreements,
    retest_agreement,
)
from study.statistics.annex_e import RaterModel, fit_rater_model, p910_view, screening_views
from study.statistics.bradley_terry import bradley_terry
from study.statistics.data import Comparisons, Ratings
from study.statistics.davidson import davidson
from study.statistics.differential import (
    DifferentialScore,
    differential_method_scores,
    differential_stimulus_scores,
)
from study.statistics.errors import NotConverged
from study.statistics.existence import strong_components, tie_matrix, win_matrix
from study.statistics.intervals import Interval, bca_interval, t_interval, z_interval
from study.statistics.intraclass import intraclass_correlations, intraclass_table
from study.statistics.krippendorff import krippendorff_alpha
from study.statistics.letters import RankGroup, compact_letters, rank_groups
from study.statistics.method_tests import FriedmanTest, PairedTest, block_means, friedman_test, wilcoxon_tests
from study.statistics.metric_agreement import Estimate, Logistic, MetricAgreement, fit_logistic, metric_agreement
from study.statistics.multiplicity import holm
from study.statistics.one_scale import UnifiedScale, UnifiedScore, unify_scales
from study.statistics.opinion import MeanOpinionScore, StimulusScore, mean_opinion_score, stimulus_scores
from study.statistics.pairwise_scale import PairwiseScale, ScoreDifference
from study.statistics.planning import (
    PairsNeeded,
    Plan,
    Spread,
    pairs_for_power,
    pilot_difference_spread,
    pilot_spread,
    plan_half_width,
    plan_power,
    raters_for_half_width,
    two_way_half_width,
    two_way_power,
)
from study.statistics.scaling import BootstrappedScale, PairwiseModel, bootstrap_scale, scale_of
from study.statistics.screening import (
    RankChange,
    RaterVerdict,
    ScreeningView,
    ViewMethodScore,
    bt500_view,
    p913_view,
    rank_changes,
    unscreened_view,
)
from study.statistics.sides import SideBias, side_bias
from study.statistics.simulation import SimulatedPlan, simulate_plan
from study.statistics.thurstone import JOD_SIGMA, thurstone
from study.statistics.two_way import MethodScore, VarianceComponents, method_scores, two_way_score, variance_components

__all__ = [
    "JOD_SIGMA",
    "Agreement",
    "BootstrappedScale",
    "Comparisons",
    "DifferentialScore",
    "Estimate",
    "FriedmanTest",
    "Interval",
    "Logistic",
    "MeanOpinionScore",
    "MethodScore",
    "MetricAgreement",
    "NotConverged",
    "PairedTest",
    "PairsNeeded",
    "PairwiseModel",
    "PairwiseScale",
    "Plan",
    "RankChange",
    "RankGroup",
    "RaterAgreement",
    "RaterModel",
    "RaterVerdict",
    "Ratings",
    "RetestAgreement",
    "ScoreDifference",
    "ScreeningView",
    "SideBias",
    "SimulatedPlan",
    "Spread",
    "StimulusScore",
    "UnifiedScale",
    "UnifiedScore",
    "VarianceComponents",
    "ViewMethodScore",
    "bca_interval",
    "block_means",
    "bootstrap_scale",
    "bradley_terry",
    "bt500_view",
    "compact_letters",
    "davidson",
    "differential_method_scores",
    "differential_stimulus_scores",
    "fit_logistic",
    "fit_rater_model",
    "friedman_test",
    "holm",
    "intraclass_correlations",
    "intraclass_table",
    "krippendorff_alpha",
    "mean_opinion_score",
    "mean_rater_agreement",
    "method_scores",
    "metric_agreement",
    "p910_view",
    "p913_view",
    "pairs_for_power",
    "pilot_difference_spread",
    "pilot_spread",
    "plan_half_width",
    "plan_power",
    "rank_changes",
    "rank_groups",
    "rater_agreements",
    "raters_for_half_width",
    "retest_agreement",
    "scale_of",
    "screening_views",
    "side_bias",
    "simulate_plan",
    "stimulus_scores",
    "strong_components",
    "t_interval",
    "thurstone",
    "tie_matrix",
    "two_way_half_width",
    "two_way_power",
    "two_way_score",
    "unify_scales",
    "unscreened_view",
    "variance_components",
    "wilcoxon_tests",
    "win_matrix",
    "z_interval",
]
