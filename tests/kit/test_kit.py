"""The kit as its user meets it: in a project of his own, with few back doors, and with deviations."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from respool import Timeouts
from respool.testing import AdapterTests, AsyncAdapterTests
from tests.kit.environment import HANG

pytestmark = pytest.mark.timeout(3 * HANG)

BARE = """
    import pytest
    from respool import Adapter, AsyncAdapter
    from respool.testing import AdapterTests, AsyncAdapterTests

    class Lists(Adapter[list]):
        def create(self):
            return []

    class AsyncLists(AsyncAdapter[list]):
        async def create(self):
            return []

    class TestLists(AdapterTests[list]):
        @pytest.fixture
        def adapter(self):
            return Lists()

    class TestAsyncLists(AsyncAdapterTests[list]):
        @pytest.fixture
        def adapter(self):
            return AsyncLists()
"""

DEVIATES = """
    import pytest
    from respool import Adapter
    from respool.testing import AdapterTests

    class One(Adapter[list]):
        only = []
        def create(self):
            return self.only

    class TestOne(AdapterTests[list]):
        deviations = {
            "test_create_gives_distinct_live_resources": "there is but one license",
            "test_several_creates_can_run_at_once": "there is but one license",
            "test_validate_is_true_on_a_fresh_resource": "thought to fail",
        }
        @pytest.fixture
        def adapter(self):
            return One()

    class TestUntouched(AdapterTests[list]):
        @pytest.fixture
        def adapter(self):
            return One()
"""


SHARED = """
    import pytest
    from respool import Adapter, AsyncAdapter
    from respool.testing import AdapterTests, AsyncAdapterTests

    class Lists(Adapter[list]):
        def create(self):
            return []
        def reset(self, resource, /):
            resource.clear()

    class AsyncLists(AsyncAdapter[list]):
        async def create(self):
            return []
        async def reset(self, resource, /):
            resource.clear()

    class Doors:
        def soil(self, resource):
            resource.append(1)
        def is_clean(self, resource):
            return not resource
        def use(self, resource):
            len(resource)

    class TestLists(Doors, AdapterTests[list]):
        @pytest.fixture
        def adapter(self):
            return Lists()

    class TestAsyncLists(Doors, AsyncAdapterTests[list]):
        @pytest.fixture
        def adapter(self):
            return AsyncLists()
"""


def run_stranger(folder: Path, text: str, *options: str) -> list[str]:
    """Run a test file in a project that knows nothing of this one; give the lines of the report."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    indent = len(text.strip("\n")) - len(text.strip("\n").lstrip())
    (folder / "test_it.py").write_text("\n".join(line[indent:] for line in text.splitlines()))
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-rA", "-W", "error", *options]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=HANG
    ).stdout.splitlines()


def test_an_adapter_without_back_doors_passes_and_what_is_missing_is_skipped_by_name(tmp_path: Path):
    lines = run_stranger(tmp_path, BARE)
    assert not [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    assert len([line for line in lines if line.startswith("PASSED")]) >= 2 * 12
    skipped = "\n".join(line for line in lines if line.startswith("SKIPPED"))
    for door in (
        "sever(resource)",
        "soil(resource)",
        "count_open()",
        "unreachable()",
        "secrets = (",
    ):
        assert f"give `{door}" in skipped
    for ability in ("probe", "is_dirty", "abort", "classify"):
        assert f"give the adapter `{ability}`" in skipped


def test_a_deviation_is_an_expected_failure_and_one_that_passes_fails(tmp_path: Path):
    report = "\n".join(run_stranger(tmp_path, DEVIATES, "-k", "create or fresh"))
    assert "XFAIL test_it.py::TestOne::test_create_gives_distinct_live_resources" in report
    assert "there is but one license" in report
    assert "FAILED test_it.py::TestOne::test_validate_is_true_on_a_fresh_resource" in report
    assert "[XPASS(strict)] thought to fail" in report
    assert "FAILED test_it.py::TestUntouched::test_create_gives_distinct_live_resources" in report


def test_a_deviation_must_name_a_test_and_give_a_reason():
    with pytest.raises(TypeError, match="no test of the kit, did you mean 'test_validate_can_be_repeated'"):
        type("TestX", (AdapterTests,), {"deviations": {"test_validate_can_be_repeatd": "why"}})
    with pytest.raises(TypeError, match="must say why"):
        type("TestX", (AdapterTests,), {"deviations": {"test_validate_can_be_repeated": " "}})


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"timeouts": 5}, r"TestX\.timeouts is 5, it must be Timeouts, such as Timeouts\(create=5\)"),
        ({"rounds": 0}, r"TestX\.rounds is 0, it must be a whole number, 1 or more"),
        ({"grace": -1}, r"TestX\.grace is -1, it must be a number of seconds, 0 or more"),
        ({"patience": "3"}, r"TestX\.patience is '3', it must be a number of seconds, 0 or more"),
        ({"secrets": "hunter2"}, r"TestX\.secrets is of the wrong kind, it must be a tuple of strings"),
        (
            {"secrets": ("",)},
            r"TestX\.secrets is of the wrong kind, it must be a tuple of strings that are not",
        ),
        (
            {"deviations": ["test_x"]},
            r"TestX\.deviations is \['test_x'\], it must be a dict of tests and reasons",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_any_test(given: dict[str, object], told: str):
    with pytest.raises(TypeError, match=told):
        type("TestX", (AdapterTests,), given)


@pytest.mark.parametrize(
    "given", [{"secrets": frozenset(["hunter2"])}, {"timeouts": property(lambda self: Timeouts(create=5))}]
)
def test_any_collection_of_secrets_will_do_and_what_is_computed_is_not_judged(given: dict[str, object]):
    type("TestX", (AdapterTests,), given)


def test_a_test_of_the_kit_cannot_be_replaced_unseen():
    with pytest.raises(TypeError, match=r"deviations = {'test_validate_can_be_repeated': 'why'}"):
        type("TestX", (AdapterTests,), {"test_validate_can_be_repeated": lambda self: None})


def test_plain_back_doors_serve_both_colours(tmp_path: Path):
    """A resource that is soiled by a plain call is so in a coroutine too."""
    report = run_stranger(tmp_path, SHARED)
    assert not [line for line in report if line.startswith(("FAILED", "ERROR"))]
    for name in ("TestLists", "TestAsyncLists"):
        for test in ("test_reset_cleans_or_refuses", "test_a_storm_through_a_pool_of_two"):
            assert f"PASSED test_it.py::{name}::{test}" in report


def test_a_back_door_of_the_wrong_colour_is_refused():
    async def sever(self, resource):
        return None

    with pytest.raises(TypeError, match=r"TestX\.sever must be written with def, not async def"):
        type("TestX", (AdapterTests,), {"sever": sever})
    with pytest.raises(TypeError, match=r"TestX\.unreachable must be written with def, not async def"):
        type("TestX", (AsyncAdapterTests,), {"unreachable": sever})
    with pytest.raises(TypeError, match=r"TestX\.hang must be written with async def"):
        type("TestX", (AsyncAdapterTests,), {"hang": lambda self, resource: None})


def test_the_kit_has_some_forty_tests_and_all_are_documented():
    for kit in (AdapterTests, AsyncAdapterTests):
        tests = [name for name in dir(kit) if name.startswith("test_")]
        assert 25 <= len(tests) <= 50
        assert [name for name in tests if not getattr(kit, name).__doc__] == []
