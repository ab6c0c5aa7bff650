"""The conformance kit: what every adapter must do, as tests that an author inherits."""

from __future__ import annotations

from ._colours import AdapterTests, AsyncAdapterTests

__all__ = ["AdapterTests", "AsyncAdapterTests"]
