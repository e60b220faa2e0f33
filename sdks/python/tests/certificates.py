"""Certificates for tests, made with openssl as docs/tls.md has it."""

from __future__ import annotations

import subprocess
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")


class TestCa:
    """A CA whose files lie in a folder."""

    __test__ = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "ca.pem"
        self.key = folder / "ca.key"
        extensions = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
        _openssl("req", "-x509", *_KEY, "-days", "2", "-keyout", self.key, "-out", self.file, "-subj", "/CN=Test CA", *extensions)

    def sign(self, name: str, names: str) -> tuple[Path, Path]:
        """The files of a certificate and its key, for what has these names."""
        cert, key, request, extensions = (self.folder / f"{name}.{ending}" for ending in ("pem", "key", "csr", "ext"))
        extensions.write_text(f"subjectAltName={names}\n")
        _openssl("req", *_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        ca = ("-CA", self.file, "-CAkey", self.key, "-CAcreateserial")
        _openssl("x509", "-req", "-in", request, *ca, "-days", "2", "-extfile", extensions, "-out", cert)
        return cert, key


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
