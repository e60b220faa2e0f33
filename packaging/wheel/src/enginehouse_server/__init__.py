"""The binary of Enginehouse, for programs that start a server or an engine of their own."""

from __future__ import annotations

import sysconfig
from pathlib import Path

__all__ = ["find_binary"]


def find_binary() -> Path:
    """Answer where this package has put the command `enginehouse`.

    It is found also where the folder of commands is not in the PATH, and in installations with ``--user`` and ``--prefix``.

    Raises:
        FileNotFoundError: The command was removed, or put where no Python would; the message lists where it should be.
    """
    schemes = (sysconfig.get_default_scheme(), sysconfig.get_preferred_scheme("user"))
    folders = [Path(sysconfig.get_path("scripts", scheme)) for scheme in schemes]
    # `pip install --target` and `--prefix`: beside the packages, or some levels above them.
    package = Path(__file__).resolve().parent
    folders += [parent / "bin" for parent in package.parents[:4]]
    for folder in folders:
        binary = folder / "enginehouse"
        if binary.is_file():
            return binary
    searched = ", ".join(str(folder) for folder in folders)
    raise FileNotFoundError(f"enginehouse is not in {searched}: install enginehouse-server again")
