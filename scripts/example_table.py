"""Write docs/example-study.md: the finished example study's table beside Table 1 of the paper."""

import sys
from pathlib import Path
from typing import Annotated

# Run as a file, Python puts scripts/ first on the path, where study.py hides the package `study`.
if sys.path[0] == str(Path(__file__).resolve().parent):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import typer

from bggan_core.evaluation.tables import PAPER_TABLE_1
from study.export import StudyExport, read_archive
from study.export.documents import frame_markdown
from study.export.overview import methods_overview

ROOT = Path(__file__).resolve().parent.parent
ARCHIVE = ROOT / "examples" / "example-study.zip"


def main(
    archive: Annotated[Path, typer.Option(help="The study's archive.")] = ARCHIVE,
    to: Annotated[Path | None, typer.Option(help="File to write; left out, the page is printed.")] = None,
) -> None:
    """Print or write the page; the table is made anew from the archive's votes."""
    page = example_page(read_archive(archive).export)
    if to is None:
        typer.echo(page, nl=False)
    else:
        to.write_text(page, encoding="utf-8")


def example_page(export: StudyExport) -> str:
    """The page as Markdown."""
    frame, form = methods_overview(export.votes(), export.metrics, export.analysis)
    raters, simulated = export.frame["rater"].nunique(), len(export.simulated)
    paper = [
        f"| {method} | {psnr:.2f} | {ssim:.4f} | {'' if mos is None else mos} |"
        for method, psnr, ssim, mos in PAPER_TABLE_1
    ]
    return "\n".join(
        [
            "# The example study, finished",
            "",
            f"**{simulated} of {raters} raters are simulated programs, not people.** They judge by structural "
            "similarity to the ground truth, with biases, noise and bad days. The table shows that the path from vote "
            "to table works; it says nothing about how the methods look to people, and that SSIM agrees with it says "
            "nothing about SSIM.",
            "",
            frame_markdown(frame, form),
            "## Table 1 of the paper, for the form",
            "",
            "Other pictures (EBB! test set), other raters, no interval and no number of raters given: not to be "
            "compared with the numbers above.",
            "",
            "| Method | PSNR | SSIM | MOS |",
            "|---|---:|---:|---:|",
            *paper,
            "",
            "Qian et al., ECCVW 2020, Table 1.",
            "",
            "## Made by",
            "",
            "```sh",
            ".venv/bin/python -m scripts.make_simulated_study --to SIMULATED",
            ".venv/bin/python scripts/study.py metrics --from examples/study --to metrics.csv",
            ".venv/bin/python scripts/study.py export example-simulated --data SIMULATED --metrics metrics.csv \\",
            "    --to examples/example-study.zip",
            ".venv/bin/python scripts/study.py reproduce examples/example-study.zip",
            ".venv/bin/python -m scripts.example_table --to docs/example-study.md",
            "```",
            "",
        ]
    )


if __name__ == "__main__":
    typer.run(main)
