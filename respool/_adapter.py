"""The adapter contract: what a pool must be told about one kind of resource.

Four methods, of which only ``create`` is required, and five optional abilities. Nothing in here does any
work; the abilities are looked up once, when the pool is made, as in Go's ``database/sql``.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Adapter",
    "AsyncAdapter",
    "Fault",
    "SupportsAbort",
    "SupportsClassify",
    "SupportsDirty",
    "SupportsGlance",
    "SupportsProbe",
]

T = TypeVar("T")
R_contra = TypeVar("R_contra", contravariant=True)


class Fault(enum.Enum):
    """What an exception says about the resource or the backend."""

    RESOURCE_BROKEN = "resource_broken"
    """This resource is of no more use (reset by peer, protocol out of step, read-only after failover)."""
    BACKEND_DOWN = "backend_down"
    """Nobody answers: every resource made before now is suspect and is checked before it is used again."""
    CAPACITY = "capacity"
    """The backend refuses one more ("too many connections"): no outage, the pool lowers its own ceiling."""
    CONFIG = "config"
    """Waiting cannot help: wrong password, unknown database, bad parameter."""
    BENIGN = "benign"
    """Says nothing about the resource: a syntax error, a duplicate key, any exception of the user's own."""


class Adapter(ABC, Generic[T]):
    """Tells a `Pool` how to make, check, clean and end one kind of resource.

    Methods run one at a time per resource, though possibly on different threads, and never while the pool
    holds a lock. The pool bounds each call by its phase timeout (``create_timeout`` and so on): one that
    takes longer is aborted where the adapter can (`SupportsAbort`) and otherwise given up.
    """

    kind: str = ""
    """One word for logs, metrics and the pool's default name; taken from the class's name if empty."""

    noun: str = "resource"
    """What errors call a resource: "no connection from pool 'orders' within 2.0 s"."""

    reset_is_local: bool = False
    """True when ``reset`` does no I/O and is quick: it then runs in place, in the releasing thread."""

    @abstractmethod
    def create(self) -> T:
        """Make one resource, ready for use.

        Called on a thread of the pool's own, several at once (at most ``max_creating``). The only method
        whose exception may reach a caller. Returning None is an error.
        """

    def validate(self, resource: T, /) -> bool:
        """Check fully whether the resource still works; may do I/O.

        False or an exception means: destroy it and replace it. So does None, which is reported as a mistake:
        a check that only raises needs a ``return True`` after it. The default returns True.
        """
        return True

    def reset(self, resource: T, /) -> None:
        """Clean the resource after use, before anyone else can see it; raise to give it up.

        Where it needs a round trip (``reset_is_local`` is False) the releasing caller does not wait for it.
        """

    def destroy(self, resource: T, /) -> None:
        """End the resource; called exactly once per successful ``create``, never beside another call on it.

        Exceptions are reported and swallowed. The default does nothing.
        """


class AsyncAdapter(ABC, Generic[T]):
    """The same contract for an `AsyncPool`: the four methods are coroutines that run on the pool's loop.

    A call past its phase timeout is cancelled, with a message that begins with ``respool:``; any other
    cancellation means that the loop is ending. Cancelling a caller never cancels an adapter call.
    The abilities (`SupportsProbe` and so on) stay plain functions that do not block.
    """

    kind: str = ""
    """One word for logs, metrics and the pool's default name; taken from the class's name if empty."""

    noun: str = "resource"
    """What errors call a resource: "no connection from pool 'orders' within 2.0 s"."""

    reset_is_local: bool = False
    """True when ``reset`` never really waits for anything: it then runs to its end in the releasing caller.

    It then runs in no task: ``asyncio.timeout``, ``asyncio.TaskGroup`` and whatever else asks for the current
    task raise there, and the resource would be given up at each release.
    """

    @abstractmethod
    async def create(self) -> T:
        """Make one resource, ready for use; see `Adapter.create`."""

    async def validate(self, resource: T, /) -> bool:
        """Check fully whether the resource still works; see `Adapter.validate`."""
        return True

    async def reset(self, resource: T, /) -> None:
        """Clean the resource before anyone else can see it; see `Adapter.reset`."""

    async def destroy(self, resource: T, /) -> None:
        """End the resource; see `Adapter.destroy`."""


@runtime_checkable
class SupportsProbe(Protocol[R_contra]):
    """Can tell for free, without a round trip, whether a resource looks alive."""

    def probe(self, resource: R_contra, /) -> bool:
        """Look at the resource without blocking; called at **every** hand-out, by the acquiring caller.

        True: hand it out. False: suspect, the full ``validate`` decides (a readable idle socket may be a
        hang-up or a mere notification). An exception: dead, destroy and replace it.
        """
        ...


@runtime_checkable
class SupportsGlance(SupportsProbe[R_contra], Protocol[R_contra]):
    """Can give a cheaper call that stands in for the probe as long as it sees nothing."""

    def glance(self, resource: R_contra, /) -> Callable[[int], object] | None:
        """Give a callable for this resource, which each hand-out calls first; asked once, after ``create``.

        It is called with 0, the time that it may take. While what it returns is false, the resource is handed
        out without ``probe``; otherwise ``probe`` decides. An exception means what one from ``probe`` means:
        dead. None: always ask the probe.

        It is for speed alone: a callable in C, such as the ``poll`` of a ``select.poll()``, saves the call of
        a Python function at every hand-out. It must notice whatever ``probe`` would, except what ``is_dirty``
        has looked at already at the release. Where a subclass overrides ``probe`` or ``is_dirty`` and not
        ``glance``, the probe is always called.
        """
        ...


@runtime_checkable
class SupportsDirty(Protocol[R_contra]):
    """Knows locally whether ``reset`` has any work to do."""

    def is_dirty(self, resource: R_contra, /) -> bool:
        """Tell, without I/O, whether the resource needs ``reset``; called at every release, by the releaser.

        False lets a clean return skip ``reset`` altogether. An exception counts as True.
        """
        ...


@runtime_checkable
class SupportsAbort(Protocol[R_contra]):
    """Can end a call that hangs on a resource, from another thread."""

    def abort(self, resource: R_contra, /) -> None:
        """Make the call that now runs on the resource end soon; never block, never raise for a dead one.

        Typically ``shutdown`` of the socket, on a descriptor duplicated when the resource was created and
        never on a number looked up later: that number may be somebody else's by now. ``destroy`` still
        follows, once the hung call has returned. With an `AsyncAdapter` it is also the last resort when the
        loop is closed.

        Callers of a `Pool` who wait may carry out a reset themselves, and rely on this: a reset that goes on
        for half a second after its abort makes that caller late, and from then on only workers reset.
        """
        ...


@runtime_checkable
class SupportsClassify(Protocol):
    """Knows what the driver's exceptions mean."""

    def classify(self, exc: BaseException, /) -> Fault:
        """Give the fault that an exception stands for; do no I/O and never raise.

        Called with what ``create``, ``validate`` and ``reset`` raised, and with what left a ``with`` block or
        ``run``: users' own exceptions too, which are `Fault.BENIGN`. An exception group, as a ``TaskGroup``
        raises it, is taken apart: the call is about each of its members.
        """
        ...
