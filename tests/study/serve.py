"""A server to be killed: `python -m tests.study.serve PORT DATABASE_URL DATA_FOLDER [page]`."""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from study.api import build_router
from study.store import StudyStore
from study.visits import Visits, load_secret_key


def main() -> None:
    """Serve the routes alone, or with the rater's page."""
    port, database_url, data_folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    store = StudyStore(database_url, data_folder=data_folder)
    key = load_secret_key(data_folder)
    app = FastAPI()
    if sys.argv[4:] == ["page"]:
        from study.pages import mount_study  # noqa: PLC0415  Gradio takes seconds to import, and few tests need it

        mount_study(app, store=store, secret_key=key)
    else:
        app.include_router(build_router(Visits(store, secret_key=key)))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
