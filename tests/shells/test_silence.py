"""When nobody answers: what callers are told meanwhile, what is doubted, and how loud the log is."""

from __future__ import annotations

import logging

import pytest

from respool import BackendError, Fault, PoolTimeout
from respool.testing import ScriptedError, error, never, slow
from tests.shells.rig import Rig, eventually


def test_a_caller_who_waits_for_a_create_in_vain_is_told_so(rig: Rig) -> None:
    """Behaviours 36 and 48: nothing has failed yet, and still the error names its cause."""
    pool = rig.pool(rig.adapter(create=lambda call: never()), max_size=2)
    with pytest.raises(PoolTimeout, match="create has not returned for 0") as caught:
        pool.acquire(timeout=0.2)
    assert caught.value.phase == "create"
    assert isinstance(caught.value.__cause__, TimeoutError)
    pool.adapter.script("create", None)
    pool.adapter.release_all()


def test_a_check_that_the_driver_gives_up_itself_counts_as_unanswered(rig: Rig) -> None:
    """Behaviours 84 and 85: one caller pays the time of a check, once, whoever's clock was the faster."""
    pool = rig.pool(max_size=4, check_after=0, validate_timeout=1.0)
    leases = [pool.acquire() for _ in range(4)]
    for lease in leases:
        lease.release()
    pool.quiet()
    lost = error(ScriptedError("timed out", fault=Fault.RESOURCE_BROKEN))
    pool.adapter.script("validate", lambda call: slow(0.95, lost))
    pool.adapter.script("create", None)
    first = pool.begin(timeout=20)
    eventually(lambda: pool.stats().checking or first.done)
    first.result()
    assert pool.adapter.count("validate") <= 2
    pool.acquire(timeout=20)
    assert pool.adapter.count("create") >= 5
    pool.adapter.release_all()


@pytest.mark.parametrize(
    ("exc", "answer"), [(ConnectionError("no route"), PoolTimeout), (KeyError("typing error"), PoolTimeout)]
)
def test_a_benign_verdict_on_a_create_is_none(rig: Rig, exc: Exception, answer: type[Exception]) -> None:
    """A failed create has no resource that could be fine, whatever a classify made for leases says."""
    adapter = rig.adapter(create=lambda call: exc, abilities=["classify"])
    adapter.classify = lambda _: Fault.BENIGN
    pool = rig.pool(adapter, max_size=1)
    with pytest.raises(answer):
        pool.acquire(timeout=0.2)
    assert pool.stats().create_failures >= 2


def test_a_benign_verdict_on_a_bug_in_create_fails_at_once(rig: Rig) -> None:
    """Behaviour 46."""
    adapter = rig.adapter(create=lambda call: TypeError("a bug"), abilities=["classify"])
    adapter.classify = lambda _: Fault.BENIGN
    with pytest.raises(BackendError):
        rig.pool(adapter, max_size=1).acquire(timeout=30)


def test_creates_that_hang_are_one_trouble_and_one_warning(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "respool")
    pool = rig.pool(rig.adapter(create=lambda call: never()), max_size=2, create_timeout=0.1)
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.5)
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert ["outage began"] == [text.partition(": ")[2].partition(",")[0] for text in warned]
    pool.adapter.script("create", None)
    pool.adapter.release_all()


def test_an_outage_that_sessions_survive_ends_when_they_answer_again(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Behaviour 38: nobody needs another resource, and still the pool finds out that it could have one."""
    caplog.set_level(logging.DEBUG, "respool")
    pool = rig.pool(max_size=4, check_after=0, create_timeout=0.2)
    lease = pool.acquire()
    pool.adapter.script("create", lambda call: never())
    with pytest.raises(PoolTimeout):
        pool.acquire(timeout=0.5)
    pool.adapter.script("create", None)
    pool.adapter.release_all()
    lease.release()

    def told() -> list[str]:
        texts = [record.getMessage().partition(": ")[2].partition(",")[0] for record in caplog.records]
        return [text for text in texts if text.startswith("outage")]

    def served() -> bool:
        pool.acquire(timeout=20).release()
        return told() == ["outage began", "outage ended"]

    eventually(served, "the end of the outage")
    pool.quiet()
    pool.check()
