"""Credentials in addresses and arguments: known while the process runs, and on no record.

    put_aside("served:m@https://u:pw@host/x?key=abc")   # "served:m@https://u:***@host/x?key=***"
    whole("https://u:***@host/x?key=***")               # as it was given to this process
    redacted("curl -H 'Authorization: Bearer abc'")     # "curl -H 'Authorization: ***'"

What is asked of an audit is put aside at its door, so that its record, names, identities and logs
have nothing to hide: a key that is changed is no other reward model. Whoever opens an address asks
for the whole of it; a process that was not given it (`resume`, `eval`) takes it from ARGO_URLS.
"""

import os
import re
import shlex
from collections.abc import Callable, Sequence

from argo_audit.errors import UnavailableError

ENV = "ARGO_URLS"
"""Addresses with their credentials, blanks between, for what has them on no record."""

_HIDDEN = "***"
_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.\-]{0,30}://"
    r"(?:[^\s/?#\"<>]*@)?[^\s,'\"<>|\\]+"  # a password may hold what ends an address elsewhere
)
_SECRET = (
    r"(?:[\w.\-]*[_.\-])?(?:api)?key|[\w.\-]*(?:token|secret|passw(?:or)?d|signature|credential)s?"
)
_NAMES = rf"(?:{_SECRET}|pwd|pw|pass|sig|sas|auth(?:orization)?|code)"
_QUERY = re.compile(rf"(?<=[?&;#])({_NAMES})=([^&;#]*)", re.IGNORECASE)
_ARGUMENT = re.compile(rf"^(-*+{_NAMES})=(.+)$", re.IGNORECASE | re.DOTALL)
_OPTION = re.compile(rf"^-++{_NAMES}$", re.IGNORECASE)
_SAID = re.compile(
    r"(?i)\b((?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?)(?:(?:bearer|basic|token)\s+)?[^\s'\",}]+"
)
_NAMED = re.compile(
    r"(?i)\b((?:x-)?api[ _-]?key(?: provided)?['\"]?\s*[:=]\s*['\"]?)"
    r"(?=[^\s'\",}]*\d)[^\s'\",}]{8,}"
)
_BEARER = re.compile(r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/=\-]{6,}")
_TOKEN = re.compile(
    r"\b(?:(?:sk|pk|rk|xai|gsk|r8|nvapi)[-_](?=[A-Za-z_\-]{0,60}\d)[A-Za-z0-9_\-]{6,}"
    r"|(?:hf|ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{8,}|github_pat_\w{8,}|xox[abprs]-[\w\-]{8,}"
    r"|A[KS]IA[0-9A-Z]{12,}|AIza[0-9A-Za-z_\-]{20,}|eyJ[\w\-]{8,1000}\.[\w\-]{8,}\.[\w\-]+)"
)
_OF_ENVIRONMENT = re.compile(
    r"(?:^|_)(?:KEY|APIKEY|TOKEN|SECRET|PASSWORD|PASSWD|PWD)$", re.IGNORECASE
)
_SHORTEST = 8  # characters of a variable's value that is looked for: a shorter one may be a word

_known: dict[str, str] = {}


def put_aside(spec: str) -> str:
    """An address, or a spec that holds some, without credentials; `whole` has them again."""

    def hide(url: str) -> str:
        safe = _safe(url)
        if safe != url:
            _known[safe] = url
        return safe

    return _urls(spec, hide)


def whole(spec: str) -> str:
    """The inverse of `put_aside`: from what this process was given, else from ARGO_URLS.

    Raises UnavailableError for an address whose credential neither has.
    """
    given = {_safe(url): url for url in os.environ.get(ENV, "").split()}
    return _urls(spec, lambda url: _again(url, given))


def has_credential(url: str) -> bool:
    """Whether something in an address is for nobody's eyes."""
    return redacted(url) != url


def redacted(text: str) -> str:
    """Any text without this process's keys, and credentials that can be told from their form."""
    text = _SAID.sub(rf"\1{_HIDDEN}", _urls(_without_keys(text), _safe))
    text = _NAMED.sub(rf"\1{_HIDDEN}", text)
    return _TOKEN.sub(_HIDDEN, _BEARER.sub(rf"\1{_HIDDEN}", text))


def command_line(arguments: Sequence[str]) -> str:
    """A command line as it may be on record."""
    safe: list[str] = []
    for before, argument in zip(("", *arguments), arguments, strict=False):
        hidden = _HIDDEN if _OPTION.match(before) else redacted(argument)
        safe.append(_ARGUMENT.sub(rf"\1={_HIDDEN}", hidden))
    return shlex.join(safe)


def _without_keys(text: str) -> str:
    """A text without what variables such as OPENAI_API_KEY hold; a path is where a key lies."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and value[0] not in "/~." and _OF_ENVIRONMENT.search(name):
            text = text.replace(value, _HIDDEN)
    return text


def _urls(text: str, change: Callable[[str], str]) -> str:
    return _URL.sub(lambda found: change(found[0]), text)


def _again(url: str, given: dict[str, str]) -> str:
    if _HIDDEN not in url:
        return url
    found = _known.get(url) or given.get(url)
    if found is None:
        raise UnavailableError(
            f"{url}: its credential is on no record\n"
            f"  Remedy: give the whole address in the environment, as {ENV}='https://…', and "
            "repeat the command"
        )
    return found


def _safe(url: str) -> str:
    scheme, _, rest = url.partition("://")
    user, at, place = _authority(rest)
    name, colon, _ = user.partition(":")
    shown = f"{name}:{_HIDDEN}" if colon else _HIDDEN
    place = _QUERY.sub(rf"\1={_HIDDEN}", place)
    return f"{scheme}://{shown if at else ''}{at}{_TOKEN.sub(_HIDDEN, place)}"


def _authority(rest: str) -> tuple[str, str, str]:
    """What stands before the host, the @ after it, and the rest.

    A password may hold a slash, against the standard: what stands behind the colon is no port then.
    """
    until = re.search(r"[/?#]", rest)
    end = until.start() if until else len(rest)
    host, colon, port = rest[:end].rpartition(":")
    if "@" not in rest[:end] and colon and host and not port.isdigit() and "@" in rest:
        end = rest.rindex("@") + 1
    user, at, host = rest[:end].rpartition("@")
    return user, at, host + rest[end:]
