"""Login by Hugging Face, as a Space offers it: OpenID Connect with an allow-list of user names.

A Space whose README says `hf_oauth: true` gets the client's id and secret in its environment. Whoever logs in there is
known to Hugging Face; only those named in BGGAN_RESEARCHERS are let in here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]  # ships no types

_DEFAULT_PROVIDER = "https://huggingface.co"
_TIMEOUT_S = 20


@dataclass(frozen=True)
class HubLogin:
    """The client that Hugging Face made for this Space, and who may come in.

    Attributes:
        client_id, client_secret: From the Space's environment.
        provider: Address of the OpenID provider, without a slash at the end.
        names: Hugging Face user names in small letters.
    """

    client_id: str
    client_secret: str = field(repr=False)
    provider: str
    names: frozenset[str]

    async def authorization_url(self, *, redirect_uri: str, state: str) -> str:
        """Where the browser is sent to log in."""
        async with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(f"{self.provider}/oauth/authorize", state=state)
        return cast(str, url)

    async def user_name(self, *, redirect_uri: str, code: str) -> str:
        """The name of the user who logged in, from the code the browser came back with.

        Raises:
            OAuthError: Hugging Face does not accept the code.
            httpx.HTTPError: it cannot be reached or answers with an error.
        """
        async with self._client(redirect_uri) as client:
            await client.fetch_token(f"{self.provider}/oauth/token", code=code)
            answer = await client.get(f"{self.provider}/oauth/userinfo")
            answer.raise_for_status()
            return str(answer.json()["preferred_username"])

    def _client(self, redirect_uri: str) -> Any:
        return AsyncOAuth2Client(
            self.client_id,
            self.client_secret,
            scope="openid profile",
            redirect_uri=redirect_uri,
            timeout=_TIMEOUT_S,
        )


def read_hub_login(environment: Mapping[str, str]) -> HubLogin | None:
    """Read a Space's login from its environment; None where Hugging Face gave none or nobody is allowed in by it."""
    client_id, secret = environment.get("OAUTH_CLIENT_ID"), environment.get("OAUTH_CLIENT_SECRET")
    names = frozenset(name.strip().lower() for name in environment.get("BGGAN_RESEARCHERS", "").split(","))
    names -= {""}
    if not (client_id and secret and names):
        return None
    provider = environment.get("OPENID_PROVIDER_URL", _DEFAULT_PROVIDER).rstrip("/")
    return HubLogin(client_id, secret, provider, names)
