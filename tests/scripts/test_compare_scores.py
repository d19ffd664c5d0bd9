import pytest
import typer

from scripts import compare_scores

SCORES = """pair,method,psnr_db,ssim,focus_auc
a,Ours,30,0.9,0.8
b,Ours,20,0.8,
c,Ours,25,0.7,0.9
a,Theirs,29,0.9,0.7
b,Theirs,19,0.8,0.6
c,Theirs,24,0.7,0.9
d,Theirs,10,0.1,0.5
a,Truth,inf,1,1
b,Truth,inf,1,1
"""


@pytest.fixture
def scores(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(SCORES)
    return path


def test_methods_are_compared_pair_by_pair(scores, capsys):
    """Ours is 1 dB better on each of three pairs, though the pairs are 5 dB apart; the fourth has one method only."""
    compare_scores.main(scores, "Ours", "Theirs")
    printed = capsys.readouterr().out
    assert "| PSNR (dB) | 1.000 [1.000, 1.000] | 3 |" in printed
    assert "| SSIM | 0.00000 [0.00000, 0.00000] | 3 |" in printed


def test_a_pair_that_did_not_allow_a_measure_is_left_out(scores, capsys):
    compare_scores.main(scores, "Ours", "Theirs")
    assert "| Focus AUC | 0.0500 [0.0000, 0.1000] | 2 |" in capsys.readouterr().out


def test_the_ground_truth_has_no_psnr_to_compare(scores, capsys):
    compare_scores.main(scores, "Truth", "Ours")
    printed = capsys.readouterr().out
    assert "PSNR" not in printed
    assert "| SSIM | 0.15000" in printed


def test_an_unknown_method_is_answered_with_those_there_are(scores):
    with pytest.raises(typer.BadParameter, match="Ours, Theirs"):
        compare_scores.main(scores, "Hers", "Ours")
