"""Tells hatchling for which system the wheel is."""

import os

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PlatformTag(BuildHookInterface):
    """Any Python 3, on the platform that `cargo xtask package` has found out."""

    def initialize(self, version: str, build_data: dict) -> None:
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{os.environ['ENGINEHOUSE_WHEEL_PLATFORM']}"
