"""The simulator looks at what it is given when it is given: errors name the thing, its value, the rule."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

import pytest

from respool.simulation import (
    Batches,
    ClosedLoop,
    Constant,
    Diurnal,
    ErlangC,
    Exponential,
    Outage,
    Poisson,
    Recorded,
    Retries,
    SimulatedBackend,
    Trace,
    Workload,
    curve,
    pollaczek_khinchine,
    recommend,
    simulate,
    what_if,
)

LOAD = Workload(arrivals=Poisson(5), hold=Constant(0.02), duration=5)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Trace([0], [math.nan]), "holds[0] is nan, it must be a finite number"),
        (lambda: Trace([0, 1], [0.1, -1]), "holds[1] is -1, it must be a finite number, 0 or more"),
        (lambda: Trace([0, math.nan, 2]), "at[1] is nan, it must be a finite number"),
        (lambda: Trace([-5, 1]), "at[0] is -5, it must be a finite number, 0 or more"),
        (lambda: Trace([], []), "at is (), it must hold at least one arrival"),
        (lambda: Workload(arrivals=Poisson(5), hold=Constant(1), timeout=-1), "timeout is -1"),
        (lambda: Workload(arrivals=Poisson(5), hold=Constant(1), timeout=math.nan), "timeout is nan"),
        (lambda: Poisson(10**400), "it must be a finite number more than 0"),
        (lambda: Batches(5, 0), "size is 0, it must be at least 1"),
        (lambda: ErlangC(2, math.inf), "load is inf, it must be a finite number"),
        (lambda: ErlangC(2, 1, math.nan), "hold is nan, it must be a finite number"),
        (lambda: ErlangC(2, 1, 0), "hold is 0, it must be more than 0"),
        (lambda: Diurnal(5, swing=1.5), "swing is 1.5, it must be at most 1"),
        (lambda: Diurnal(5, swing=-0.1), "swing is -0.1, it must be a finite number, 0 or more"),
        (lambda: what_if(LOAD, seeds=()), "seeds is (), it must hold at least one"),
        (lambda: recommend(LOAD, most=0), "most is 0, it must be at least 1"),
    ],
)
def test_a_wrong_value_is_a_value_error(make: Callable[[], object], told: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  # the text is looked at below
        make()
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Poisson("5"), "rate is '5', it must be a number"),  # type: ignore[arg-type]
        (lambda: Trace(["0"]), "at[0] is '0', it must be a number"),  # type: ignore[list-item]
        (
            lambda: Workload(arrivals=Poisson(5), hold=0.02),  # type: ignore[arg-type]
            "hold is 0.02, it must be a distribution, such as Constant(0.05)",
        ),
        (lambda: Workload(arrivals=Poisson(5), hold=Exponential), "hold is <class"),  # type: ignore[arg-type]
        (lambda: Workload(arrivals=50, hold=Constant(1)), "arrivals is 50, it must be an arrival process"),  # type: ignore[arg-type]
        (
            lambda: Workload(arrivals=Poisson(5), hold=Constant(1), timeout="1"),  # type: ignore[arg-type]
            "timeout is '1', it must be a number",
        ),
        (
            lambda: Workload(arrivals=Poisson(5), hold=Constant(1), retries=3),  # type: ignore[arg-type]
            "retries is 3, it must be of type Retries",
        ),
        (lambda: Retries(pause=0.1), "pause is 0.1, it must be a distribution"),  # type: ignore[arg-type]
        (lambda: ClosedLoop(3, 1.0), "think is 1.0, it must be a distribution"),  # type: ignore[arg-type]
        (lambda: SimulatedBackend(create=-1), "create is -1, it must be a distribution"),  # type: ignore[arg-type]
        (lambda: SimulatedBackend(close=0.1), "close is 0.1, it must be a distribution"),  # type: ignore[arg-type]
        (lambda: SimulatedBackend(contention=2), "contention is 2, it must be of type"),  # type: ignore[arg-type]
        (lambda: SimulatedBackend(outages=Outage(1, 2)), "it must be a tuple of Outage"),  # type: ignore[arg-type]
        (lambda: SimulatedBackend(brownouts=(Outage(1, 2),)), "a tuple of Brownout"),  # type: ignore[arg-type]
        (lambda: Poisson(True), "rate is True, it must be a number"),
        (lambda: Constant(Decimal("0.1")), "mean is Decimal('0.1'), it must be a number"),  # type: ignore[arg-type]
        (lambda: Recorded(5), "5 was given for a series of numbers"),  # type: ignore[arg-type]
        (lambda: Recorded(["1"]), "a value is '1', it must be a number"),  # type: ignore[list-item]
        (lambda: Batches(5, 2.5), "size is 2.5, it must be an int"),  # type: ignore[arg-type]
        (lambda: ClosedLoop(True, Constant(1)), "callers is True, it must be an int"),
        (lambda: Retries("3"), "attempts is '3', it must be an int"),  # type: ignore[arg-type]
        (lambda: SimulatedBackend(max_connections="9"), "max_connections is '9', it"),  # type: ignore[arg-type]
        (lambda: Workload(arrivals=Poisson(5), hold=Constant(1), name=5), "name is 5"),  # type: ignore[arg-type]
        (lambda: ErlangC(2, "1"), "load is '1', it must be a number"),  # type: ignore[arg-type]
        (lambda: pollaczek_khinchine("1", 0, 0), "rate is '1', it must be a number"),  # type: ignore[arg-type]
        (lambda: simulate(LOAD, seed="x"), "seed is 'x', it must be an int"),  # type: ignore[arg-type]
        (lambda: what_if(5), "workload is 5, it must be a Workload"),  # type: ignore[arg-type]
        (lambda: what_if(LOAD, backend=False), "backend is False, it must be a"),  # type: ignore[arg-type]
        (lambda: recommend(5), "workload is 5, it must be a Workload"),  # type: ignore[arg-type]
        (lambda: recommend(LOAD, most=math.inf), "most is inf, it must be an int"),  # type: ignore[arg-type]
        (lambda: curve(LOAD, sizes=[2], seeds="12"), "seeds is '12', it must be a seq"),  # type: ignore[arg-type]
        (lambda: curve(LOAD, sizes=[2], progress=None), "progress is None, it must be"),  # type: ignore[arg-type]
        (lambda: simulate(Poisson(5)), "it must be a Workload"),  # type: ignore[arg-type]
        (lambda: simulate(LOAD, backend=0.05), "backend is 0.05, it must be a Simul"),  # type: ignore[arg-type]
    ],
)
def test_a_thing_of_a_wrong_kind_is_a_type_error(make: Callable[[], object], told: str) -> None:
    with pytest.raises(TypeError) as refused:
        make()
    assert told in str(refused.value)
