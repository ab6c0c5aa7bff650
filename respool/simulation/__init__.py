"""Pools in virtual time: workloads, backends and the exact formulas to measure against."""

from __future__ import annotations

from ._simulate import simulate
from ._tally import Moment, Result
from .arrivals import Arrivals, Batches, Bursts, ClosedLoop, Diurnal, FlashCrowd, OnOff, Poisson, Trace
from .backends import Brownout, Connect, Contention, Outage, SimulatedBackend
from .distributions import BoundedPareto, Constant, Distribution, Exponential, Lognormal, Recorded
from .erlang import ErlangC, pollaczek_khinchine
from .workload import Call, Retries, Workload

__all__ = [
    "Arrivals",
    "Batches",
    "BoundedPareto",
    "Brownout",
    "Bursts",
    "Call",
    "ClosedLoop",
    "Connect",
    "Constant",
    "Contention",
    "Distribution",
    "Diurnal",
    "ErlangC",
    "Exponential",
    "FlashCrowd",
    "Lognormal",
    "Moment",
    "OnOff",
    "Outage",
    "Poisson",
    "Recorded",
    "Result",
    "Retries",
    "SimulatedBackend",
    "Trace",
    "Workload",
    "pollaczek_khinchine",
    "simulate",
]
