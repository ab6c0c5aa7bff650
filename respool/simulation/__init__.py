"""Pools in virtual time: workloads, backends and the exact formulas to measure against."""

from __future__ import annotations

from ._simulate import simulate
from ._tally import Moment, Result
from .advice import Case, Point, Recommendation, curve, recommend, what_if
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
    "Case",
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
    "Point",
    "Poisson",
    "Recommendation",
    "Recorded",
    "Result",
    "Retries",
    "SimulatedBackend",
    "Trace",
    "Workload",
    "curve",
    "pollaczek_khinchine",
    "recommend",
    "simulate",
    "what_if",
]
