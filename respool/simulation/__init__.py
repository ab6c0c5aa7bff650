"""Pools in virtual time: workloads, backends and the exact formulas to measure against."""

from __future__ import annotations

from ._simulate import simulate
from ._tally import Moment, Result
from .advice import Case, Point, Recommendation, curve, recommend, what_if
from .arrivals import Arrivals, Batches, Bursts, ClosedLoop, Diurnal, FlashCrowd, OnOff, Poisson, Trace
from .backends import Brownout, Connect, Contention, Outage, SimulatedBackend
from .distributions import BoundedPareto, Constant, Distribution, Exponential, Lognormal, Recorded
from .erlang import ErlangC, pollaczek_khinchine
from .recording import RecordedCall, RecordedPool, TraceError, read_recording
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
    "RecordedCall",
    "RecordedPool",
    "Result",
    "Retries",
    "SimulatedBackend",
    "Trace",
    "TraceError",
    "Workload",
    "curve",
    "pollaczek_khinchine",
    "read_recording",
    "recommend",
    "simulate",
    "what_if",
]
