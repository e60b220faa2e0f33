"""What `https://` is spoken with: the files that the environment names, besides what the system trusts."""

from __future__ import annotations

import os
import ssl
import stat

from ._errors import ConfigurationError

CA = "ENGINEHOUSE_TLS_CA"
CERT = "ENGINEHOUSE_CLIENT_CERT"
KEY = "ENGINEHOUSE_CLIENT_KEY"


def tls_context(ca: str | None, certificate: tuple[str, str] | None) -> ssl.SSLContext:
    """What connections are made with: of a file of CAs to trust, and of the files of the client's own certificate and its key.

    Raises:
        ConfigurationError: A file cannot be used; the message names it, and its variable.
    """
    context = ssl.create_default_context()
    if ca is not None:
        _check_certificates(CA, ca)
        try:
            context.load_verify_locations(ca)
        except ssl.SSLError as error:
            raise _bad(CA, ca, f"is not a PEM file: {_reason(error)}") from error
    if certificate is not None:
        cert, key = certificate
        _check_certificates(CERT, cert)
        _check_key(KEY, key)
        try:
            # An encrypted key would have OpenSSL ask for its password on the terminal.
            context.load_cert_chain(cert, key, password="")
        except ssl.SSLError as error:
            raise ConfigurationError(f"{CERT}: {cert}, {KEY}: {key}: cannot be used together: {_reason(error)}") from error
    return context


def advice(reason: str) -> str | None:
    """What to do about a connection that failed for this reason, if the reason tells."""
    if "CERTIFICATE_VERIFY_FAILED" in reason and any(one in reason for one in ("issuer certificate", "self-signed", "self signed")):
        return f"name a file with the certificate of its CA in {CA} if it is to be trusted"
    if any(one in reason for one in ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")):
        return "it does not speak TLS there: try http://"
    return None


def _check_certificates(variable: str, path: str) -> None:
    if "-----BEGIN CERTIFICATE-----" not in _text(variable, path):
        raise _bad(variable, path, "holds no certificate in PEM")


def _check_key(variable: str, path: str) -> None:
    text = _text(variable, path, is_secret=True)
    if "PRIVATE KEY-----" not in text or "ENCRYPTED" in text:
        raise _bad(variable, path, "holds no private key in PEM, or an encrypted one: decrypt it")


def _text(variable: str, path: str, *, is_secret: bool = False) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            if is_secret:
                _check_permissions(variable, path, os.fstat(file.fileno()))
            return file.read()
    except OSError as error:
        raise _bad(variable, path, f"cannot be read: {error.strerror}") from error


def _check_permissions(variable: str, path: str, status: os.stat_result) -> None:
    """As with libpq, the owner of a key alone may be able to read it, or, of one of root's, also a group."""
    mode = stat.S_IMODE(status.st_mode)
    too_much = 0o037 if status.st_uid == 0 else 0o077
    if os.name == "posix" and stat.S_ISREG(status.st_mode) and mode & too_much:
        raise _bad(variable, path, f"may be read by others: let only its owner read it, as with chmod 600 (it is {mode:03o})")


def _bad(variable: str, path: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{variable}: {path}: {why}")


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or error.strerror or "OpenSSL does not say why").replace("_", " ").lower()
