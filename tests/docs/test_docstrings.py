"""The examples in docstrings run too."""

from __future__ import annotations

import doctest
import importlib

import pytest

from tests.house.sources import modules

WITH_EXAMPLES = [name for name, path in modules().items() if ">>>" in path.read_text()]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_run(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert 0 < result.attempted
    assert 0 == result.failed
