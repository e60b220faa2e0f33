"""A call as the process of this engine: in its session."""

from __future__ import annotations

from typing import Any

from .running import RunningEngine


async def call(engine: RunningEngine, operation: str, arguments: dict[str, Any], answer: Any) -> Any:
    """Makes a call about this engine."""
    arguments = {"engine_id": engine.settings.engine_id, "session": engine.session.now.token, **arguments}
    return await engine.client.call_typed(operation, arguments, answer)
