"""The page that lies in every archive: the main table, and what every file is."""

from study.export.cells import markdown_cell
from study.export.contents import StudyExport, Tables
from study.export.documents import frame_markdown

_FILES = """\
| File | What it is |
|---|---|
| `votes.csv` | every vote, one a line, UTF-8; `data-dictionary.csv` explains the columns |
| `tables/` | every table as CSV and JSON (all columns, 8 significant digits), Markdown and LaTeX (booktabs) |
| `figures/` | the figures as SVG, PDF and PNG |
| `other-tools/` | the same votes for sureal (ratings) or pwcmp (comparisons; it knows no ties, so those are left out) |
| `manifest.json` | study hash, analysis with seed and screening rule, versions, sha256 of every file |

Text that a spreadsheet would run as a formula (it begins with = + - @) has an apostrophe before it in CSV files.
`metrics.csv`, where it is there, holds metrics of the stimuli that the tables were made with.

Every table follows from `votes.csv`, `metrics.csv` and `manifest.json` alone:

```sh
.venv/bin/python scripts/study.py reproduce ARCHIVE.zip   # makes them again and names each difference
```
"""


def readme(export: StudyExport, tables: Tables) -> str:
    """The page as Markdown."""
    frame, form = tables["methods" if export.facts.mode == "rating" else "scale"]
    lines = [f"# {markdown_cell(export.facts.title)}", ""]
    if export.question:
        lines += [f"Question: {markdown_cell(export.question)}", ""]
    lines += [f"Votes from {markdown_cell(export.origin)}.", "", frame_markdown(frame, form), "## Files", "", _FILES]
    return "\n".join(lines)
