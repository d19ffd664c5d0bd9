"""A server of the dashboard alone: `python -m tests.study.serve_admin PORT DATABASE_URL DATA_FOLDER`."""

import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from study.pages.researcher import mount_dashboard
from study.store import StudyStore
from study.visits import load_secret_key


def main() -> None:
    """Serve until killed."""
    port, database_url, data_folder = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    store = StudyStore(database_url, data_folder=data_folder)
    app = FastAPI()
    mount_dashboard(app, store=store, data_folder=data_folder, secret_key=load_secret_key(data_folder))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
