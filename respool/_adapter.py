"""The adapter contract: what a pool must be told about one kind of resource.

Four methods, of which only ``create`` is required, and five optional abilities. Nothing in here does any
work; shells look the abilities up once, when the pool is made, as Go's ``database/sql`` does.
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
    """One word for logs, metrics and the pool's default name; empty means: from the class's name."""

    noun: str = "resource"
    """What errors call one of them: "no connection from pool 'orders' within 2.0 s"."""

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

        False or an exception means: destroy it and replace it. The default trusts.
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
    """Tells an `AsyncPool` the same; the four methods are coroutines that run on the pool's loop.

    A call past its phase timeout is cancelled, with a message that begins with ``respool:``; any other
    cancellation is the end of the loop. Cancellation of a caller never reaches an adapter call.
    The abilities (`SupportsProbe` and so on) stay plain functions that do not block.
    """

    kind: str = ""
    """One word for logs, metrics and the pool's default name; empty means: from the class's name."""

    noun: str = "resource"
    """What errors call one of them: "no connection from pool 'orders' within 2.0 s"."""

    reset_is_local: bool = False
    """True when ``reset`` never really awaits: it then runs to its end in place, in the releasing caller.

    There it is in no task: ``asyncio.timeout``, ``asyncio.TaskGroup`` and all else that asks for the current
    task raise in it, and the resource is given up at each release.
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
        """Look at the resource without blocking; run at **every** hand-out, by the acquiring caller.

        True: hand it out. False: suspect, the full ``validate`` decides (a readable idle socket may be a
        hang-up or a mere notification). An exception: dead, destroy and replace it.
        """
        ...


@runtime_checkable
class SupportsGlance(SupportsProbe[R_contra], Protocol[R_contra]):
    """Can say, of one resource, what to call in place of the probe for as long as that sees nothing."""

    def glance(self, resource: R_contra, /) -> Callable[[], object] | None:
        """Give what each hand-out of this resource calls first; asked once, after ``create``.

        While its answer is false the resource is handed out without ``probe``; otherwise ``probe`` decides.
        An exception is as good as one of the probe's: dead. It is for speed alone: a callable in C, such as
        ``functools.partial(poll, 0)``, spares a Python function at every hand-out. So it must see all that
        ``probe`` sees, but for what ``is_dirty`` has seen at the release. None: always ask the probe. Where
        a subclass writes one of these two anew and not this, the probe is always asked.
        """
        ...


@runtime_checkable
class SupportsDirty(Protocol[R_contra]):
    """Knows locally whether ``reset`` has any work to do."""

    def is_dirty(self, resource: R_contra, /) -> bool:
        """Tell, without I/O, whether the resource needs ``reset``; run at every release, by the releaser.

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
        follows, once the hung call has returned. For `AsyncAdapter` it is what remains when the loop is gone.

        Callers of a `Pool` carry resets out themselves and rely on it. Where one goes on for half a second
        after its abort, that caller is late, and none of this pool's callers does it again.
        """
        ...


@runtime_checkable
class SupportsClassify(Protocol):
    """Knows what the driver's exceptions mean."""

    def classify(self, exc: BaseException, /) -> Fault:
        """Give the fault that an exception stands for; no I/O, never raises.

        Gets what ``create``, ``validate`` and ``reset`` raised, and what left a ``with`` block or ``run``:
        the user's own exceptions as well, which are `Fault.BENIGN`.
        """
        ...
