"""The whole app, with leaks that a request may ask for: `python -m tests.study.serve_leaky PORT DATA_FOLDER`."""

import sys
from pathlib import Path

import uvicorn

from app import Settings, build_app
from tests.study.leaks import leaky


def main() -> None:
    """Serve demo, study and dashboard; the demo's renderer returns the photo as it is."""
    port, data = int(sys.argv[1]), Path(sys.argv[2])
    app = build_app(Settings(data=data, example_study=None, enrolments_per_hour=0), render=lambda photo: photo)
    uvicorn.run(leaky(app), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
