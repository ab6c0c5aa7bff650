"""The conformance kit."""

from __future__ import annotations


class AdapterTests:
    pass


class AsyncAdapterTests:
    pass
