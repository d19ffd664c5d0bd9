"""`python app.py`, but it may talk to this machine only: `python -m tests.demo.offline_entrance RECORD ARGUMENTS`.

What would leave the loopback is written to the file RECORD and refused.
"""

import runpy
import sys
from pathlib import Path

from tests.demo.offline_app import forbid_network


def main() -> None:
    """Serve until terminated."""
    record, *arguments = sys.argv[1:]
    forbid_network(Path(record))
    sys.argv = ["app.py", *arguments]
    runpy.run_path(str(Path(__file__).resolve().parents[2] / "app.py"), run_name="__main__")


if __name__ == "__main__":
    main()
