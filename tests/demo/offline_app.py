"""An app that may talk to this machine only: `python -m tests.demo.offline_app PORT FOLDER`.

Every connection, name look-up and datagram that would leave the loopback is written to FOLDER/attempts.txt and refused.
"""

import sys
from pathlib import Path

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


def forbid_network(record: Path) -> None:
    """Watch Python's own audit events: there is no way around them in this process."""

    def watch(event: str, arguments: tuple) -> None:
        if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
            host = arguments[0]
        elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(arguments[1], tuple):
            host = arguments[1][0]
        else:
            return
        if host is not None and not str(host).startswith(LOOPBACK):
            with record.open("a") as file:
                file.write(f"{event} {host}\n")
            raise PermissionError(f"{event} to {host} leaves this machine")

    sys.addaudithook(watch)


def main() -> None:
    """Serve until terminated."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    forbid_network(folder / "attempts.txt")
    import uvicorn  # noqa: PLC0415  imported under watch, as everything else

    from app import Settings, build_app  # noqa: PLC0415
    from tests.demo.serving import MAX_UPLOAD_MEGABYTES  # noqa: PLC0415

    settings = Settings(
        port=port,
        examples=folder / "examples",
        example_study=folder / "study",
        data=folder / "var",
        max_upload_megabytes=MAX_UPLOAD_MEGABYTES,
    )
    # The stand-in for the network darkens, so that a test can tell a rendering from its photo.
    uvicorn.run(build_app(settings, render=lambda rgb: rgb // 2), port=port, log_level="warning")


if __name__ == "__main__":
    main()
