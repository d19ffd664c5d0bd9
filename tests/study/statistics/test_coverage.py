"""Over simulated studies with a known truth the two-way interval holds it as often as it says, the naive one not."""

import pytest
from scipy import stats

from scripts.interval_coverage import FAINT, SCENARIOS, simulate_coverage

FAST = SCENARIOS[:6]


@pytest.mark.parametrize("scenario", FAST, ids=lambda scenario: scenario.label.replace("\n", ", "))
def test_coverage_of_few_studies_is_not_below_what_95_allows(scenario):
    """250 studies: fewer held than the binomial's 0.1 % quantile at 93.5 % would refute 95 ± 1.5 %."""
    result = simulate_coverage(scenario, studies=250, seed=11)
    naive, minimum, satterthwaite = result.held
    lower, upper = (stats.binom.ppf(tail, 250, p) / 250 for tail, p in ((0.001, 0.935), (0.999, 0.965)))
    assert lower <= satterthwaite <= upper
    assert minimum >= satterthwaite
    assert naive < 0.85


@pytest.mark.long
@pytest.mark.parametrize(
    "scenario",
    [scenario for scenario in SCENARIOS if scenario.variances != FAINT],
    ids=lambda scenario: scenario.label.replace("\n", ", "),
)
def test_the_two_way_interval_covers_95_percent_in_2000_studies(scenario):
    naive, _, satterthwaite = simulate_coverage(scenario, studies=2000, seed=5).held
    assert satterthwaite == pytest.approx(0.95, abs=0.015)
    assert naive < 0.85


@pytest.mark.long
def test_small_studies_with_faint_effects_are_covered_too_often_not_too_rarely():
    """8 raters, 8 scenes, 80 % noise: variances near zero are floored there, which costs up to 2 points."""
    scenario = next(scenario for scenario in SCENARIOS if scenario.variances == FAINT)
    naive, _, satterthwaite = simulate_coverage(scenario, studies=2000, seed=5).held
    assert 0.945 < satterthwaite < 0.975
    assert naive < 0.85
