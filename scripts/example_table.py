"""Write docs/example-study.md: the finished example study's table beside Table 1 of the paper."""

import sys
from pathlib import Path
from typing import Annotated

# Run as a file, Python puts scripts/ first on the path, where study.py hides the package `study`.
if sys.path[0] == str(Path(__file__).resolve().parent):
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import typer

from study.export import StudyExport, read_archive
from study.export.documents import frame_markdown
from study.export.overview import methods_overview

ROOT = Path(__file__).resolve().parent.parent
ARCHIVE = ROOT / "examples" / "example-study.zip"
# Qian et al. 2020, Table 1: EBB! test set; the MOS are one organiser's user study on the same 0-5 scale.
TABLE_1 = (
    ("Dutta et al.", "22.14", "0.8778", ""),
    ("xuehuapiaopiao-team", "22.97", "0.8758", "4.1"),
    ("Terminator", "23.04", "0.8756", "4.1"),
    ("CET_CVLab", "23.05", "0.8591", "3.2"),
    ("Team Horizon", "23.27", "0.8818", "3.2"),
    ("PyNET", "23.28", "0.8780", "4.1"),
    ("Zheng et al.", "23.44", "0.8874", ""),
    ("AIA-Smart", "23.55", "0.8829", "3.8"),
    ("IPCV_IITM", "23.77", "0.8866", "2.5"),
    ("BGGAN (the paper's network)", "23.58", "0.8770", "4.2"),
)


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
    paper = [f"| {method} | {psnr} | {ssim} | {mos} |" for method, psnr, ssim, mos in TABLE_1]
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
