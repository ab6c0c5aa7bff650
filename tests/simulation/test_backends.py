"""Backends in virtual time."""

from __future__ import annotations

import math
import random

import pytest

from respool.simulation import Brownout, Connect, Constant, Contention, Outage, SimulatedBackend

RNG = random.Random(1)


def test_a_plain_backend_connects_and_works_as_told() -> None:
    backend = SimulatedBackend(create=Constant(0.05))
    assert Connect(0.05, ok=True) == backend.connect(0.0, 3, RNG)
    assert backend.work(0.0, 0.02, 50) == 0.02


def test_contention_stretches_the_work_by_the_scalability_law() -> None:
    law = Contention(0.02, 0.01)
    assert law.factor(1) == 1.0
    assert math.isclose(1 + 0.02 * 9 + 0.01 * 90, law.factor(10))
    best = max(range(1, 100), key=lambda n: n / law.factor(n))
    assert abs(best - law.peak()) <= 1
    assert math.inf == Contention(0.1).peak()
    assert math.isclose(0.02 * law.factor(10), SimulatedBackend(contention=law).work(0.0, 0.02, 10))


def test_in_an_outage_creates_fail_quickly_and_open_resources_are_dead() -> None:
    backend = SimulatedBackend(create=Constant(0.05), outages=(Outage(10.0, 30.0),))
    assert Connect(0.001, ok=False) == backend.connect(15.0, 0, RNG)
    assert backend.connect(30.0, 0, RNG).ok
    assert not backend.alive(5.0, 10.0)
    assert not backend.alive(5.0, 40.0)
    assert backend.alive(5.0, 9.0)
    assert backend.alive(30.0, 40.0)


def test_an_outage_that_begins_during_a_create_ends_it() -> None:
    backend = SimulatedBackend(create=Constant(0.5), outages=(Outage(10.0, 30.0),))
    found = backend.connect(9.8, 0, RNG)
    assert not found.ok
    assert math.isclose(0.201, found.seconds)


def test_a_brownout_slows_creates_and_work() -> None:
    backend = SimulatedBackend(create=Constant(0.05), brownouts=(Brownout(10.0, 20.0, 4.0),))
    assert math.isclose(0.2, backend.connect(15.0, 0, RNG).seconds)
    assert math.isclose(0.08, backend.work(15.0, 0.02, 1))
    assert math.isclose(0.02, backend.work(20.0, 0.02, 1))


def test_a_full_backend_refuses_without_being_down() -> None:
    backend = SimulatedBackend(max_connections=3)
    assert backend.connect(0.0, 2, RNG).ok
    assert Connect(0.05, ok=False, refused=True) == backend.connect(0.0, 3, RNG)


def test_a_span_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="end is"):
        Outage(10.0, 5.0)
