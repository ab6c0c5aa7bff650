"""One way to drive the blocking and the asynchronous adapter, so that each expectation is written once."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any


class ColouredHand:
    """Makes adapters of one colour on one server, calls them, and puts away what it made."""

    kinds: tuple[Any, Any]
    """The adapter that blocks, and the one for asyncio."""

    def __init__(self, colour: str, url: str) -> None:
        self.colour = colour
        self.url = url
        self._runner = asyncio.Runner()
        self._runner.get_loop()  # now, and not when a test counts descriptors
        self.made: list[tuple[Any, Any]] = []

    def run(self, outcome: Any) -> Any:
        """Give a result, awaited where it needs to be."""
        if not inspect.isawaitable(outcome):
            return outcome

        async def awaited() -> Any:
            return await outcome

        return self._runner.run(awaited())

    def adapter(self, source: Any = None, **options: Any) -> Any:
        """Make an adapter of this colour, on the server or on another source."""
        kind = self.kinds[self.colour == "async"]
        return kind(self.url if source is None else source, **options)

    def create(self, adapter: Any) -> Any:
        """Create, and remember to destroy."""
        resource = self.run(adapter.create())
        self.made.append((adapter, resource))
        return resource

    def put_away(self) -> None:
        """Destroy what was created."""
        while self.made:
            adapter, resource = self.made.pop(0)
            self.run(adapter.destroy(resource))

    def close(self) -> None:
        """Destroy what was created, and end the loop."""
        self.put_away()
        self._runner.close()
