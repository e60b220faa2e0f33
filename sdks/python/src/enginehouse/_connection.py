"""Where the server is and what a client proves itself with: from arguments, and from the environment as the command line reads it."""

from __future__ import annotations

import ipaddress
import os
import ssl
import stat
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from ._errors import ConfigurationError
from ._tls import CA, CERT, KEY, tls_context

DEFAULT_URL = "http://127.0.0.1:7420"
DEFAULT_PORT = 7420
_PAGES = ("v1", "docs", "openapi.json", "healthz", "readyz", "metrics", "problems")
_MAX_TOKEN_FILE = 4096


@dataclass(frozen=True, repr=False)
class Connection:
    """How a server is reached. Its token is never shown."""

    #: As people write it; without a slash at its end.
    url: str
    #: What paths are added to.
    base: str
    socket: str | None
    token: str | None
    ca: str | None
    certificate: tuple[str, str] | None

    @classmethod
    def of(cls, url: str | None, token: str | None) -> Connection:
        """The connection of these arguments, or else of the environment."""
        url = url or _variable("ENGINEHOUSE_URL") or DEFAULT_URL
        base, socket = server_address(url)
        cert, key = _variable(CERT), _variable(KEY)
        if (cert is None) != (key is None):
            raise ConfigurationError(f"{CERT} and {KEY} go together: set both, or neither")
        token = _token_of_environment() if token is None else checked_token(token, "the token")
        pair = (cert, key) if cert is not None and key is not None else None
        return cls(f"unix:{socket}" if socket else base, base, socket, token, _variable(CA), pair)

    def tls(self) -> ssl.SSLContext | bool:
        """What `https://` is spoken with."""
        if not self.base.startswith("https:"):
            return True
        return tls_context(self.ca, self.certificate)

    def shows_token(self) -> bool:
        """Whether a token is sent unencrypted to another machine."""
        parts = urlsplit(self.base)
        if self.token is None or parts.scheme != "http" or self.socket is not None:
            return False
        host = parts.hostname or ""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host != "localhost"
        mapped = getattr(address, "ipv4_mapped", None)
        return not (mapped or address).is_loopback


def _variable(name: str) -> str | None:
    return os.environ.get(name) or None


def server_address(text: str) -> tuple[str, str | None]:
    """Reads an address: `http://` or `https://` with a host, `HOST:PORT`, `HOST` or `:PORT`; or `unix:/PATH` of a socket."""
    text = text.strip()
    if text.startswith("unix:"):
        path = text.removeprefix("unix:")
        if not path.startswith("/") or path.startswith("//"):
            raise _bad(text, "a socket is named by its absolute path, as in unix:/run/enginehouse.sock")
        return "http://localhost", path
    is_short = "://" not in text
    try:
        parts = urlsplit(f"http://{'127.0.0.1' if text.startswith(':') else ''}{text}" if is_short else text)
        port = parts.port
    except ValueError:
        raise _bad(text, "it has to be http://HOST:PORT, https://HOST, HOST:PORT or unix:/PATH") from None
    if parts.scheme not in ("http", "https"):
        raise _bad(text, "it has to begin with http://, https:// or unix:/")
    if not parts.hostname:
        raise _bad(text, "it has to be http://HOST:PORT, https://HOST, HOST:PORT or unix:/PATH")
    if parts.username is not None or parts.password is not None:
        raise _bad(text, "a name or a password has no place in it; a token goes into ENGINEHOUSE_TOKEN")
    if parts.query or parts.fragment:
        raise _bad(text, "it has a query or a fragment")
    segments = [segment for segment in parts.path.split("/") if segment]
    page = next((segment for segment in segments if segment in _PAGES), None)
    if page is not None:
        raise _bad(text, f"leave out /{page} and what follows")
    netloc = f"{parts.netloc}:{DEFAULT_PORT}" if is_short and port is None else parts.netloc
    return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", "")), None


def _bad(text: str, reason: str) -> ConfigurationError:
    # What may be a secret is not shown: a password before the host, a token in a query.
    shown = text.partition("?")[0].partition("#")[0]
    if "@" in shown:
        shown = "…@" + shown.rpartition("@")[2]
    return ConfigurationError(f"{shown!r} is not the address of a server: {reason}")


def checked_token(text: str, what: str) -> str:
    """A token: one word. White space around it, such as the end of a line, is no part of it."""
    token = text.strip()
    if not token or not all("!" <= character <= "~" for character in token):
        raise ConfigurationError(f"{what}: a token is one word of letters, digits and signs of ASCII")
    return token


def _token_of_environment() -> str | None:
    token, file = _variable("ENGINEHOUSE_TOKEN"), _variable("ENGINEHOUSE_TOKEN_FILE")
    if token is not None and file is not None:
        raise ConfigurationError("ENGINEHOUSE_TOKEN and ENGINEHOUSE_TOKEN_FILE are both set: keep one of them")
    if token is not None:
        return checked_token(token, "ENGINEHOUSE_TOKEN")
    if file is None:
        return None
    what = f"ENGINEHOUSE_TOKEN_FILE: {file}"
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            if os.name == "posix" and mode & 0o007:
                raise ConfigurationError(f"{what}: everybody can read or write it (mode {mode:03o}): run chmod 600 on it")
            return checked_token(opened.read(_MAX_TOKEN_FILE), what)
    except OSError as error:
        raise ConfigurationError(f"{what}: cannot be read: {error.strerror}") from error
