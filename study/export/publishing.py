"""Publishing a study as a dataset on the Hugging Face Hub: a pseudonymous archive, its files and a data card."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from huggingface_hub import CommitOperationAdd, HfApi

from study.export.archive import README, export_files
from study.export.contents import StudyExport
from study.export.pseudonyms import RESPONSE_STEP_MS, pseudonymised
from study.export.zipping import zip_bytes

_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True)
class Publication:
    """What would be pushed: files by their path in the dataset repository `repository`."""

    repository: str
    files: Mapping[str, bytes]

    def write(self, folder: Path) -> None:
        """Write every file under a folder."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def describe(self) -> str:
        """Every file with its size, then the data card in full: exactly what the public would see."""
        width = max(map(len, self.files))
        listed = [f"  {name:<{width}}  {len(content):>10,} bytes" for name, content in self.files.items()]
        card = self.files[README].decode()
        return "\n".join([f"To the dataset repository {self.repository}:", *listed, "", f"{README}:", "", card])


def prepare_publication(export: StudyExport, *, repository: str, licence: str) -> Publication:
    """Make the pseudonymous copy and its data card.

    Args:
        export: The study as the researcher sees it.
        repository: `user/dataset` on the Hub.
        licence: The licence's id on the Hub, such as `cc-by-4.0`.
    Raises:
        ValueError: `repository` is no such name, or there are no votes to publish.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise ValueError(f"repository must look like user/dataset, got {repository}")
    if export.frame.empty:
        raise ValueError(f"{export.facts.name} has no votes to publish")
    copy = pseudonymised(export)
    files = export_files(copy)
    archive = zip_bytes(files)
    files[README] = _data_card(copy, files[README].decode(), licence=licence).encode()
    return Publication(repository, {**dict(sorted(files.items())), f"{copy.facts.name}.zip": archive})


def publish(publication: Publication, *, api: HfApi, private: bool) -> str:
    """Push everything as one commit, the repository made where it is missing, and return the commit's address."""
    api.create_repo(publication.repository, repo_type="dataset", private=private, exist_ok=True)
    commit = api.create_commit(
        publication.repository,
        operations=[CommitOperationAdd(name, content) for name, content in publication.files.items()],
        commit_message="Publish the study's votes, tables and archive",
        repo_type="dataset",
    )
    return commit.commit_url


def _data_card(export: StudyExport, readme: str, *, licence: str) -> str:
    """The archive's page under the metadata that the Hub reads, with what was done to the raters' data."""
    simulated, raters = len(export.simulated), export.frame["rater"].nunique()
    size = next((name for limit, name in _SIZES if len(export.frame) < limit), "1M<n<10M")
    metadata = {
        "license": licence,
        "pretty_name": export.facts.title,
        "size_categories": [size],
        "annotations_creators": ["machine-generated" if simulated == raters else "crowdsourced"],
        "tags": ["image-quality-assessment", "mean-opinion-score", "subjective-study", "bokeh"],
        "configs": [{"config_name": "votes", "data_files": "votes.csv"}],
    }
    title, rest = readme.split("\n", maxsplit=1)
    people = (
        f"**{simulated} of {raters} raters are simulated programs, not people.**"
        if simulated
        else f"{raters} people rated."
    )
    lines = ["---", yaml.safe_dump(metadata, sort_keys=False, allow_unicode=True).strip(), "---", title, ""]
    lines += [
        people,
        rest.rstrip(),
        "",
        "## How raters are protected",
        "",
        _PROTECTION.format(archive=f"{export.facts.name}.zip", step=RESPONSE_STEP_MS),
    ]
    return "\n".join(lines)


_PROTECTION = """\
- Raters are numbered anew, in an order that follows from the votes in `votes.csv` alone; no id of the study's database
  occurs.
- Moments are cut to the month and response times to {step} ms.
- The order in which votes arrived, the seed of the trial orders (it would tell that order), the hashes of the study's
  vote chain and the measures of window and screen are left out.
- Raters who withdrew, and answers that were taken back, are not in the data.

Numbers in the tables are the researcher's own, to the last digit. `scripts/study.py reproduce` on the archive
(`{archive}`) makes every table again from these votes.
"""
