"""What somebody sees who is not logged in: one page without a script, an asset or any word about a study."""

from html import escape
from pathlib import Path
from string import Template

from starlette.responses import HTMLResponse

_STATIC = Path(__file__).parents[1] / "static"


def login_response(
    *, action: str, has_accounts: bool, has_hub: bool, message: str = "", status: int = 401
) -> HTMLResponse:
    """The login page.

    Args:
        action: Path the form is sent to; Hugging Face's login is below it.
        has_accounts: Whether anybody could log in by a password; if not, the page says how to make an account.
        has_hub: Whether Hugging Face's login is offered.
        message: What went wrong with the last try; empty for none.
        status: HTTP status of the page.
    """
    parts = []
    if message:
        parts.append(f'<p class="message" role="alert">{escape(message)}</p>')
    if has_accounts:
        parts.append(_form(action))
    if has_hub:
        parts.append(f'<a class="hub" href="{escape(action)}/huggingface">Log in with Hugging Face</a>')
    if not has_accounts and not has_hub:
        parts.append(_NO_ACCOUNT)
    page = Template((_STATIC / "researcher-login.html").read_text(encoding="utf-8"))
    return HTMLResponse(page.substitute(content="\n".join(parts)), status)


def _form(action: str) -> str:
    return f"""<form method="post" action="{escape(action)}">
<label>Name<input name="name" autocomplete="username" autocapitalize="none" required maxlength="64" autofocus></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required maxlength="1024"></label>
<button>Log in</button>
</form>"""


_NO_ACCOUNT = """<p>Nobody can log in yet: there is no account. Whoever runs this server makes one by</p>
<pre>.venv/bin/python scripts/study.py account add NAME</pre>
<p>in the folder of the program, and then reloads this page. On a Hugging Face Space, set <code>hf_oauth: true</code>
in its README and name the researchers' user names in the variable <code>BGGAN_RESEARCHERS</code>.</p>"""
