"""Researchers' accounts for the dashboard at /admin: add, list, remove, change a password."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from study.accounts import SHORTEST_PASSWORD, Accounts

app = typer.Typer(help=__doc__, no_args_is_help=True)
AccountName = Annotated[str, typer.Argument(help="The name to log in with.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking twice.")
]
# The app's data folder, whatever the caller's folder is; as in scripts/study.py.
AccountFolder = Annotated[
    Path, typer.Option("--data", envvar="BGGAN_DATA", help="The app's data folder, where the accounts are kept.")
]
DEFAULT_DATA = Path(__file__).resolve().parent.parent / "var"


def register(study: typer.Typer) -> None:
    """Add the command `account` to the study's commands."""
    study.add_typer(app, name="account")


@app.command()
def add(name: AccountName, *, password_stdin: FromStdin = False, data: AccountFolder = DEFAULT_DATA) -> None:
    """Make an account. Nobody has one by default."""
    Accounts(data).add(name, _ask_password(from_stdin=password_stdin))
    typer.echo(f"{name} can log in at /admin.")


@app.command()
def password(name: AccountName, *, password_stdin: FromStdin = False, data: AccountFolder = DEFAULT_DATA) -> None:
    """Change a password; all sessions of the account end."""
    Accounts(data).set_password(name, _ask_password(from_stdin=password_stdin))
    typer.echo(f"{name} has a new password; who was logged in by the old one is not any more.")


@app.command()
def remove(name: AccountName, *, data: AccountFolder = DEFAULT_DATA) -> None:
    """Delete an account; all its sessions end."""
    Accounts(data).remove(name)
    typer.echo(f"{name} can no longer log in.")


@app.command("list")
def list_(data: AccountFolder = DEFAULT_DATA) -> None:
    """Name all accounts."""
    names = Accounts(data).names()
    for name in names:
        typer.echo(name)
    if not names:
        typer.echo("No accounts yet. Make one by: scripts/study.py account add NAME")


def _ask_password(*, from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    question = f"Password, at least {SHORTEST_PASSWORD} characters"
    return str(typer.prompt(question, hide_input=True, confirmation_prompt="The same again"))
