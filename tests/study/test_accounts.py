"""Researchers' accounts, their sessions and the limit on failed logins."""

import stat
from pathlib import Path

import pytest
from itsdangerous import URLSafeTimedSerializer

from study.accounts import Accounts, Researcher, Sessions
from study.hub_login import read_hub_login
from study.login_limit import FAILURES_OF_A_NAME, FAILURES_OF_AN_ADDRESS, WINDOW_S, LoginLimit

KEY = "a key for tests only"
PASSWORD = "correct horse battery"
SPACE = {"OAUTH_CLIENT_ID": "id", "OAUTH_CLIENT_SECRET": "very-secret", "BGGAN_RESEARCHERS": " Ada, grace,"}


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    accounts = Accounts(tmp_path)
    accounts.add("ada", PASSWORD)
    return accounts


def test_nobody_has_an_account_by_default(tmp_path: Path) -> None:
    """A fresh installation lets nobody in, not even by an empty password."""
    fresh = Accounts(tmp_path / "var")
    assert fresh.names() == ()
    assert not fresh.verifies("admin", "")
    assert not fresh.verifies("admin", "admin")


def test_only_the_right_password_verifies(accounts: Accounts) -> None:
    """Neither another password nor another name."""
    assert accounts.verifies("ada", PASSWORD)
    assert not accounts.verifies("ada", PASSWORD + " ")
    assert not accounts.verifies("grace", PASSWORD)


def test_file_holds_argon2id_hashes_for_its_owner_alone(accounts: Accounts, tmp_path: Path) -> None:
    """The password itself is nowhere in it, and two equal passwords look different."""
    accounts.add("grace", PASSWORD)
    file = tmp_path / "researchers.json"
    text = file.read_text()
    assert text.count("$argon2id$") == 2
    assert PASSWORD not in text
    assert accounts.fingerprint("ada") != accounts.fingerprint("grace")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [
        ("ada", PASSWORD, "already"),
        ("", PASSWORD, "letters"),
        ("a b", PASSWORD, "letters"),
        ("grace", "short", "12 to 1024"),
        ("grace", "x" * 1025, "12 to 1024"),
    ],
)
def test_bad_accounts_are_refused(accounts: Accounts, name: str, password: str, says: str) -> None:
    """The message says what to do."""
    with pytest.raises(ValueError, match=says):
        accounts.add(name, password)
    assert accounts.names() == ("ada",)


def test_unknown_names_are_named(accounts: Accounts) -> None:
    """Changing or removing an account that is not there says which are."""
    with pytest.raises(ValueError, match="the accounts are: ada"):
        accounts.set_password("grace", PASSWORD)
    with pytest.raises(ValueError, match="no account named grace"):
        accounts.remove("grace")


def test_session_proves_its_researcher_until_it_expires(accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim is good for its lifetime and not a second longer."""
    sessions = Sessions(accounts, secret_key=KEY, lifetime_s=60)
    claim = sessions.start(Researcher("ada", by_hub=False))
    assert sessions.check(claim) == Researcher("ada", by_hub=False)
    began = URLSafeTimedSerializer(KEY, salt="researcher").make_signer().get_timestamp()
    monkeypatch.setattr("itsdangerous.timed.TimestampSigner.get_timestamp", lambda _self: began + 62)
    assert sessions.check(claim) is None


def test_forged_sessions_prove_nothing(accounts: Accounts, tmp_path: Path) -> None:
    """Nothing, noise, another key, a rater's cookie and a claim with another name are all refused."""
    sessions = Sessions(accounts, secret_key=KEY)
    claim = sessions.start(Researcher("ada", by_hub=False))
    other_key = Sessions(accounts, secret_key="another key altogether").start(Researcher("ada", by_hub=False))
    rater = str(URLSafeTimedSerializer(KEY, salt="rater").dumps(["ada", False, accounts.fingerprint("ada")]))
    for forged in (None, "", "noise", claim[:-1], other_key, rater, "x" + claim):
        assert sessions.check(forged) is None


def test_new_password_and_removal_end_sessions(accounts: Accounts) -> None:
    """Who was logged in by the old password is out at once."""
    sessions = Sessions(accounts, secret_key=KEY)
    claim = sessions.start(Researcher("ada", by_hub=False))
    accounts.set_password("ada", "another good password")
    assert sessions.check(claim) is None
    claim = sessions.start(Researcher("ada", by_hub=False))
    accounts.remove("ada")
    assert sessions.check(claim) is None
    accounts.add("ada", PASSWORD)
    assert sessions.check(claim) is None


def test_hub_session_ends_with_the_allow_list(accounts: Accounts) -> None:
    """Taken off the list, a Hugging Face user is out; one of that name by password is somebody else."""
    listed = Sessions(accounts, secret_key=KEY, hub_names=frozenset({"grace"}))
    claim = listed.start(Researcher("Grace", by_hub=True))
    assert listed.check(claim) == Researcher("Grace", by_hub=True)
    assert Sessions(accounts, secret_key=KEY).check(claim) is None
    assert listed.check(listed.start(Researcher("ada", by_hub=True))) is None


def test_short_key_is_refused(accounts: Accounts) -> None:
    """As for raters' cookies."""
    with pytest.raises(ValueError, match="at least 16"):
        Sessions(accounts, secret_key="short")


def test_hub_login_needs_client_and_allow_list() -> None:
    """Without any of the three nobody can come in by it; the secret is not printed."""
    hub = read_hub_login(SPACE)
    assert hub is not None
    assert hub.names == {"ada", "grace"}
    assert "very-secret" not in repr(hub)
    for missing in SPACE:
        assert read_hub_login({name: value for name, value in SPACE.items() if name != missing}) is None
    assert read_hub_login({**SPACE, "BGGAN_RESEARCHERS": " , "}) is None


def test_address_waits_after_five_failures() -> None:
    """The sixth try has to wait until the first failure is five minutes old; other addresses do not."""
    now = [0.0]
    limit = LoginLimit(clock=lambda: now[0])
    for second in range(FAILURES_OF_AN_ADDRESS):
        assert limit.wait_s(address="a", name="ada") == 0
        now[0] = float(second)
        limit.failed(address="a", name="ada")
    assert 0 < limit.wait_s(address="a", name="grace") <= WINDOW_S
    assert limit.wait_s(address="b", name="ada") == 0
    now[0] = WINDOW_S + 0.5
    assert limit.wait_s(address="a", name="ada") == 0


def test_name_is_guarded_against_many_addresses() -> None:
    """Guessing one account's password from ever new addresses ends too."""
    limit = LoginLimit(clock=lambda: 0.0)
    for number in range(FAILURES_OF_A_NAME):
        assert limit.wait_s(address=f"{number}", name="ada") == 0
        limit.failed(address=f"{number}", name="ada")
    assert limit.wait_s(address="new", name="ada") > 0
    assert limit.wait_s(address="new", name="grace") == 0
