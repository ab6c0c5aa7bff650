"""Erlang C in floats: how long arrivals wait when c servers share one line (A. K. Erlang, 1917).

The exact twin, in rational arithmetic, is `respool.simulation`; tests hold the two together.
"""

from __future__ import annotations

import math

__all__ = ["erlang_c", "servers_for", "wait_tail"]


def next_blocking(blocking: float, load: float, servers: int) -> float:
    """Give Erlang B for ``servers`` from Erlang B for one less: the recursion that never overflows."""
    return load * blocking / (servers + load * blocking)


def waiting(blocking: float, load: float, servers: int) -> float:
    """Turn Erlang B into Erlang C, the probability of having to wait."""
    if load >= servers:
        return 1.0
    return blocking / (1.0 - load / servers * (1.0 - blocking))


def erlang_c(servers: int, load: float) -> float:
    """Return the probability that an arrival waits; ``load`` is arrival rate x mean hold, in erlangs."""
    blocking = 1.0
    for count in range(1, servers + 1):
        blocking = next_blocking(blocking, load, count)
    return waiting(blocking, load, servers)


def wait_tail(servers: int, rate: float, hold: float, wait: float) -> float:
    """Return P(W > wait) for Poisson arrivals at ``rate`` per second and exponential holds of ``hold`` s."""
    load = rate * hold
    return _tail(erlang_c(servers, load), servers, load, hold, wait)


def servers_for(rate: float, hold: float, wait: float, share: float, most: int) -> int:
    """Return the smallest number of servers, at most ``most``, with P(W > wait) <= share.

    0 when nothing arrives. One pass of the recursion: O(answer).
    """
    load = rate * hold
    if load <= 0.0:
        return 0
    blocking = 1.0
    for count in range(1, most + 1):
        blocking = next_blocking(blocking, load, count)
        if _tail(waiting(blocking, load, count), count, load, hold, wait) <= share:
            return count
    return most


def _tail(waits: float, servers: int, load: float, hold: float, wait: float) -> float:
    if load >= servers:
        return 1.0
    return waits * math.exp(-(servers - load) * wait / hold) if hold > 0.0 else 0.0
