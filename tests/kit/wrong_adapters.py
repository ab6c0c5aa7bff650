"""Adapters that are wrong in one way each, the test that must find it, and what its message must say.

Not collected by itself: `test_wrong_adapters` runs the named tests of this file in a pytest of their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, ClassVar

import attrs

from respool import Fault, Timeouts
from tests.kit.echo import AsyncEchoAdapter, AsyncSession, EchoAdapter, Session, looks_alive
from tests.kit.echo_kits import AsyncEchoKit, EchoKit, server

__all__ = ["WRONGS", "server"]


@attrs.frozen
class Wrong:
    """One wrong adapter: the kit class that runs it, the test that fails, what its message says."""

    kit: str
    fails: str
    says: tuple[str, ...]


WRONGS: list[Wrong] = []

BOUNDS: dict[str, Any] = {
    "timeouts": Timeouts(create=0.5, validate=0.5, reset=0.5, destroy=0.5),
    "grace": 0.5,
    "patience": 1.0,
    "rounds": 5,
}


def wrong(fails: str, *says: str) -> Callable[[type], type]:
    """Have a wrong adapter run through the kit of its colour."""

    def enter(adapter: type) -> type:
        base = EchoKit if issubclass(adapter, EchoAdapter) else AsyncEchoKit
        kit = type(f"Test{adapter.__name__}", (base,), {"wrong": adapter, "__module__": __name__, **BOUNDS})
        globals()[kit.__name__] = kit
        WRONGS.append(Wrong(kit.__name__, fails, says))
        return adapter

    return enter


def wrong_door(fails: str, *says: str) -> Callable[[type], type]:
    """Run the right adapter through a kit whose author has got a back door wrong."""

    def enter(doors: type) -> type:
        base = AsyncEchoKit if doors.__name__.startswith("Async") else EchoKit
        kit = type(f"Test{doors.__name__}", (doors, base), {"__module__": __name__, **BOUNDS})
        globals()[kit.__name__] = kit
        WRONGS.append(Wrong(kit.__name__, fails, says))
        return doors

    return enter


# -- create ------------------------------------------------------------------------------------------------


@wrong("test_create_gives_distinct_live_resources", "same object twice", "make a new resource in every call")
class SharesOneConnection(EchoAdapter):
    """Its author thought that one was enough."""

    only: Session | None = None

    def create(self) -> Session:
        self.only = self.only or super().create()
        return self.only


@wrong("test_severing_one_resource_leaves_the_others_alone", "neighbour was severed", "return True")
class SharesOneSocket(EchoAdapter):
    """Distinct objects over the same socket."""

    first: Session | None = None

    def create(self) -> Session:
        self.first = self.first or super().create()
        return Session(self.first.sock, self.first.spare, self.first.port)


@wrong("test_several_creates_can_run_at_once", "create returned None", "return the resource")
@wrong("test_create_gives_distinct_live_resources", "create returned None", "return the resource")
class ForgetsToReturn(EchoAdapter):
    """No return statement."""

    def create(self) -> Session:  # type: ignore[return]
        super().create()


@wrong(
    "test_an_unreachable_backend_fails_in_time",
    "create with the backend unreachable did not return",
    "timeout",
)
class RetriesForEver(EchoAdapter):
    """Waits for the backend by itself, though the pool does that better."""

    def create(self) -> Session:
        while True:
            try:
                return super().create()
            except OSError:
                time.sleep(0.05)


@wrong("test_an_unreachable_backend_fails_in_time", "unreachable gave Session", "connect in create")
class ConnectsLater(EchoAdapter):
    """Gives an object that has not connected."""

    def create(self) -> Session:
        return Session(socket.socket(), socket.socket(), 0)


@wrong("test_a_failed_create_leaves_nothing_behind", "descriptors are left", "close in create")
class LeaksOnFailure(EchoAdapter):
    """Opens something before the step that fails."""

    opened: list[socket.socket] = []  # noqa: RUF012  # as its author would

    def create(self) -> Session:
        self.opened.append(socket.socket())
        return super().create()


@wrong("test_a_failed_create_leaves_nothing_behind", "threads are left", "end what was started")
class ThreadPerFailure(EchoAdapter):
    """Starts the heartbeat before it knows whether there is anything to beat for."""

    def create(self) -> Session:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        return super().create()


@wrong("test_several_creates_can_run_at_once", "one of four creates at once raised RuntimeError", "lock")
class CreatesOneAtATime(EchoAdapter):
    """Keeps what it is doing in the adapter."""

    busy = False

    def create(self) -> Session:
        if self.busy:
            raise RuntimeError("already connecting")
        self.busy = True
        time.sleep(0.3)
        self.busy = False
        return super().create()


# -- validate ----------------------------------------------------------------------------------------------


@wrong("test_validate_finds_a_severed_resource", "validate gave True for a severed", "do a round trip")
class TrustsBlindly(EchoAdapter):
    """The default, where a ping was needed."""

    def validate(self, session: Session, /) -> bool:
        return True


@wrong("test_validate_is_true_on_a_fresh_resource", "validate on a fresh resource gave None", "return True")
class ForgetsTheAnswer(EchoAdapter):
    """Pings and forgets to say so."""

    def validate(self, session: Session, /) -> bool:  # type: ignore[return]
        session.ask("PING")


@wrong(
    "test_validate_finds_a_severed_resource", "validate on a severed resource did not return", "read timeout"
)
class WaitsForTheDead(EchoAdapter):
    """Asks until an answer comes."""

    def validate(self, session: Session, /) -> bool:
        while True:
            try:
                return super().validate(session)
            except OSError:
                time.sleep(0.05)


@wrong("test_validate_changes_nothing", "validate left a clean resource unclean", "put back")
class ValidateSoils(EchoAdapter):
    """Its check leaves a trace, as one that opens a transaction does."""

    def validate(self, session: Session, /) -> bool:
        return session.ask("SET") == "OK"


@wrong("test_validate_can_be_repeated", "once more on the same resource gave False", "return True")
class ValidatesOnce(EchoAdapter):
    """Consumes what it looks at."""

    def validate(self, session: Session, /) -> bool:
        used, session.port = session.port, 0
        return used != 0


# -- reset -------------------------------------------------------------------------------------------------


@wrong("test_reset_cleans_or_refuses", "what soil() left is still there", "ResourceSpoiled")
class ForgetsToReset(EchoAdapter):
    """The default, where work was needed."""

    def reset(self, session: Session, /) -> None:
        session.soiled = False


@wrong("test_reset_can_be_repeated", "reset of a clean resource did not return within", "reset_timeout")
class ResetHangs(EchoAdapter):
    """Waits for an answer that the server does not give."""

    def reset(self, session: Session, /) -> None:
        session.sock.settimeout(None)
        session.ask("HANG")


@wrong(
    "test_reset_can_be_repeated", "reset of a clean resource raised ValueError", "whether there is anything"
)
class ResetsTheDirtyOnly(EchoAdapter):
    """Takes a clean resource for a mistake."""

    def reset(self, session: Session, /) -> None:
        if not session.soiled:
            raise ValueError("nothing to reset")
        super().reset(session)


@wrong("test_a_reset_resource_still_works", "after soil and reset raised", "return True")
class ResetBreaks(EchoAdapter):
    """Cleans by closing."""

    def reset(self, session: Session, /) -> None:
        session.sock.shutdown(socket.SHUT_RDWR)


@wrong("test_a_storm_through_a_pool_of_two", "a lease saw what an earlier one had left behind", "other tests")
class ResetsOnce(EchoAdapter):
    """Right for every test that uses a resource once."""

    resets = 0

    def reset(self, session: Session, /) -> None:
        self.resets += 1
        if self.resets <= 2:
            session.ask("CLEAR")
        session.soiled = False


@wrong("test_a_storm_through_a_pool_of_two", "a lease saw what an earlier one had left behind", "other tests")
class AsyncForgetsToReset(AsyncEchoAdapter):
    """The default, where work was needed."""

    async def reset(self, session: AsyncSession, /) -> None:
        session.soiled = False


@wrong("test_a_storm_through_a_pool_of_two", "a resource had two holders at once", "other tests")
class SharesOneConnectionSafely(EchoAdapter):
    """Its author knew that creates run beside each other, and not what for."""

    lock = threading.Lock()
    only: Session | None = None

    def create(self) -> Session:
        with self.lock:
            self.only = self.only or super().create()
            return self.only

    def probe(self, session: Session, /) -> bool:
        return True  # an answer to the other holder may be on its way, and says nothing

    def is_dirty(self, session: Session, /) -> bool:
        return False  # a reset would read the other holder's answer


@wrong(
    "test_each_method_works_on_the_resource_that_it_is_given",
    "reset did not clean the first of two",
    "use the argument of the method",
)
class ResetsTheLast(EchoAdapter):
    """Keeps the resource in its class."""

    last: ClassVar[Session]

    def create(self) -> Session:
        type(self).last = super().create()
        return self.last

    def reset(self, session: Session, /) -> None:
        super().reset(self.last)


@wrong(
    "test_each_method_works_on_the_resource_that_it_is_given",
    "destroy of the first of two resources broke the last",
    "use the argument of the method",
)
class DestroysTheLast(EchoAdapter):
    """Keeps the resource in itself."""

    last: Session

    def create(self) -> Session:
        self.last = super().create()
        return self.last

    def destroy(self, session: Session, /) -> None:
        super().destroy(self.last)


@wrong(
    "test_each_method_works_on_the_resource_that_it_is_given",
    "validate did not find that the first of two is severed",
    "use the argument of the method",
)
class AsyncValidatesTheLast(AsyncEchoAdapter):
    """Keeps the resource in itself, and asks how that one is."""

    last: AsyncSession

    async def create(self) -> AsyncSession:
        self.last = await super().create()
        return self.last

    async def validate(self, session: AsyncSession, /) -> bool:
        return await super().validate(self.last)


@wrong("test_a_storm_through_a_pool_of_two", "a caller got respool.BackendError", "other tests")
class HasRoomForOne(EchoAdapter):
    """Keeps in the adapter what belongs to a resource."""

    taken = False

    def create(self) -> Session:
        if self.taken:
            raise PermissionError("one at a time")
        self.taken = True
        return super().create()

    def destroy(self, session: Session, /) -> None:
        self.taken = False
        super().destroy(session)


@wrong("test_a_storm_through_a_pool_of_two", "a caller got respool.BackendError", "other tests")
class AsyncHasRoomForOne(AsyncEchoAdapter):
    """The same, on the loop."""

    taken = False

    async def create(self) -> AsyncSession:
        if self.taken:
            raise PermissionError("one at a time")
        self.taken = True
        return await super().create()

    async def destroy(self, session: AsyncSession, /) -> None:
        self.taken = False
        await super().destroy(session)


# -- destroy -----------------------------------------------------------------------------------------------


@wrong("test_destroy_copes_with_a_severed_resource", "destroy of a severed resource raised", "suppress")
class SaysGoodbyeToTheDead(EchoAdapter):
    """Destroys politely."""

    def destroy(self, session: Session, /) -> None:
        session.ask("PING")
        super().destroy(session)


@wrong("test_destroy_ends_a_fresh_resource", "destroy of a fresh resource did not return", "without waiting")
class DestroyHangs(EchoAdapter):
    """Waits for the server's goodbye."""

    def destroy(self, session: Session, /) -> None:
        session.sock.settimeout(None)
        session.ask("HANG")


@wrong("test_no_descriptor_is_left", "5 descriptors are left", "duplicates made for abort")
class LeaksADescriptor(EchoAdapter):
    """Forgets the duplicate."""

    kept: list[socket.socket] = []  # noqa: RUF012  # as its author would

    def destroy(self, session: Session, /) -> None:
        self.kept.append(session.spare)
        session.sock.shutdown(socket.SHUT_RDWR)
        session.sock.close()


@wrong("test_nothing_stays_open_at_the_backend", "still open at the backend", "close the resource in destroy")
class ForgetsToClose(EchoAdapter):
    """Trusts the collector, which cannot take what a holder still has."""

    def destroy(self, session: Session, /) -> None:
        pass


@wrong("test_nothing_is_left_of_severed_resources", "descriptors are left", "whatever becomes of a goodbye")
class LeaksWhenSevered(EchoAdapter):
    """Forgives a goodbye that fails, and then forgets to close."""

    def destroy(self, session: Session, /) -> None:
        with contextlib.suppress(OSError):
            session.ask("PING")
            super().destroy(session)


@wrong("test_nothing_is_left_of_soiled_resources", "resources open at the backend", "close in destroy")
class LeaksWhenSoiled(EchoAdapter):
    """Wants to leave alone what somebody began."""

    def destroy(self, session: Session, /) -> None:
        if not session.soiled:
            super().destroy(session)


@wrong("test_no_thread_is_left", "5 threads are left", "stop and join")
class LeaksAThread(EchoAdapter):
    """Starts a heartbeat per resource and never stops it."""

    def create(self) -> Session:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
        return super().create()


@wrong("test_a_resource_made_in_one_thread_works_in_another", "in another thread than create raised", "bound")
class BoundToItsThread(EchoAdapter):
    """As a plain SQLite connection is."""

    home = 0

    def create(self) -> Session:
        self.home = threading.get_ident()
        return super().create()

    def validate(self, session: Session, /) -> bool:
        if threading.get_ident() != self.home:
            raise RuntimeError("made in another thread")
        return super().validate(session)


# -- abilities ---------------------------------------------------------------------------------------------


@wrong("test_probe_is_true_on_a_fresh_resource_and_does_not_block", "probe on a fresh", "timeout of 0")
class ProbeBlocks(EchoAdapter):
    """Reads instead of polling."""

    def probe(self, session: Session, /) -> bool:
        session.sock.settimeout(None)
        return bool(session.sock.recv(1))


@wrong(
    "test_probe_is_true_on_a_fresh_resource_and_does_not_block",
    "probe on a fresh resource did not return",
    "timeout of 0",
)
class ProbeHangs(EchoAdapter):
    """Reads, and has taken the timeout away."""

    def probe(self, session: Session, /) -> bool:
        session.sock.settimeout(None)
        return bool(session.sock.recv(1))


@wrong("test_probe_is_true_on_a_fresh_resource_and_does_not_block", "probe took", "timeout of 0")
class ProbeAsks(EchoAdapter):
    """Asks the server, which is somewhat far away."""

    def probe(self, session: Session, /) -> bool:
        time.sleep(0.03)
        return session.ask("PING") == "OK"


@wrong("test_probe_is_not_true_on_a_severed_resource", "probe still gave True", "poll the socket")
class ProbeSeesNothing(EchoAdapter):
    """Looks at a flag that nobody sets."""

    def probe(self, session: Session, /) -> bool:
        return session.sock.fileno() >= 0


@wrong("test_probe_is_not_true_on_a_severed_resource", "glance gave None on a severed", "what probe sees")
class GlanceSeesNothing(EchoAdapter):
    """Its probe is right, and never asked."""

    def glance(self, session: Session, /) -> Callable[[int], object]:
        return lambda _: None


@wrong("test_probe_is_true_on_a_fresh_resource_and_does_not_block", "glance gave True on a fresh", "the poll")
class GlanceIsNoGlance(EchoAdapter):
    """Says whether the session is well, as a probe does, and not whether there is something to see."""

    def glance(self, session: Session, /) -> Callable[[int], object]:
        return lambda _: looks_alive(session.sock)


@wrong("test_probe_is_true_on_a_fresh_resource_and_does_not_block", "glance took", "select.poll()")
class GlanceWaits(EchoAdapter):
    """Polls with a timeout of its own."""

    def glance(self, session: Session, /) -> Callable[[int], object]:
        return lambda _: time.sleep(0.03)


@wrong("test_probe_is_true_on_a_fresh_resource_and_does_not_block", "glance gave []", "or None")
class GlanceLooksAtOnce(EchoAdapter):
    """Gives what it sees, where it should give what looks."""

    def glance(self, session: Session, /) -> Callable[[int], object]:
        return []  # type: ignore[return-value]  # the mistake


@wrong("test_is_dirty_is_true_on_a_soiled_resource", "gave False instead of True", "answer True")
class NeverDirty(EchoAdapter):
    """Saves every reset."""

    def is_dirty(self, session: Session, /) -> bool:
        return False


@wrong("test_is_dirty_is_false_on_a_clean_resource", "is_dirty on a fresh resource raised", "locally")
class DirtyRaises(EchoAdapter):
    """Asks for an attribute that a fresh resource has not got."""

    def is_dirty(self, session: Session, /) -> bool:
        return bool(session.transaction)  # type: ignore[attr-defined]


@wrong("test_is_dirty_is_false_on_a_clean_resource", "gave True instead of False", "locally")
class AlwaysDirty(EchoAdapter):
    """No return would ever be cheap."""

    def is_dirty(self, session: Session, /) -> bool:
        return True


@wrong("test_abort_ends_a_hung_call", "a hung call was still running", "shut the socket down")
class AbortDoesNothing(EchoAdapter):
    """Closes its own duplicate, which ends no call."""

    def abort(self, session: Session, /) -> None:
        session.spare.close()


class ImpatientSocket(socket.socket):
    """Has a read timeout that nobody can take from it."""

    def settimeout(self, value: float | None, /) -> None:
        super().settimeout(0.8)


@wrong("test_abort_ends_a_hung_call", "no sooner than one that was left alone", "shut the socket down")
class AbortWaitsForATimeout(EchoAdapter):
    """Does nothing, and takes the driver's own timeout for its success."""

    def create(self) -> Session:
        session = super().create()
        session.sock = ImpatientSocket(fileno=session.sock.detach())
        session.sock.settimeout(None)
        return session

    def abort(self, session: Session, /) -> None:
        pass


@wrong("test_abort_ends_a_hung_call", "a hung call was still running", "kill what it waits for")
class AsyncAbortDoesNothing(AsyncEchoAdapter):
    """A duty that was never done."""

    def abort(self, session: AsyncSession, /) -> None:
        pass


@wrong("test_abort_of_an_idle_or_dead_resource_is_harmless", "raised OSError", "suppress OSError")
class AbortRaises(EchoAdapter):
    """Expects the resource to be alive."""

    def abort(self, session: Session, /) -> None:
        session.spare.shutdown(socket.SHUT_RDWR)


@wrong(
    "test_abort_of_a_destroyed_resource_touches_no_other", "broke another one", "a duplicate that create made"
)
class AbortByNumber(EchoAdapter):
    """Keeps the descriptor's number, which by then is another one's."""

    numbers: dict[int, int] = {}  # noqa: RUF012  # as its author would

    def create(self) -> Session:
        session = super().create()
        self.numbers[id(session)] = session.sock.fileno()
        return session

    def abort(self, session: Session, /) -> None:
        try:
            sock = socket.socket(fileno=os.dup(self.numbers[id(session)]))
        except OSError:
            return
        with sock, contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


@wrong("test_abort_does_not_wait", "abort took", "wait for nothing")
class AbortWaits(EchoAdapter):
    """Gives the call a moment to end by itself."""

    def abort(self, session: Session, /) -> None:
        time.sleep(0.1)
        super().abort(session)


@wrong("test_abort_does_not_wait", "abort took", "wait for nothing")
class AsyncAbortWaits(AsyncEchoAdapter):
    """The same, on the loop."""

    def abort(self, session: AsyncSession, /) -> None:
        time.sleep(0.1)
        super().abort(session)


@wrong("test_classify_never_raises", "classify of Exception raised IndexError", "getattr")
class ClassifyRaises(EchoAdapter):
    """Takes the first argument for granted."""

    def classify(self, exc: BaseException, /) -> Fault:
        return Fault.RESOURCE_BROKEN if exc.args[0] == 32 else super().classify(exc)


@wrong("test_classify_never_raises", "classify of _Mute raised RuntimeError", "getattr")
class ClassifyReads(EchoAdapter):
    """Looks for a word in the text, which some error cannot give."""

    def classify(self, exc: BaseException, /) -> Fault:
        return Fault.RESOURCE_BROKEN if "closed" in str(exc) else super().classify(exc)


@wrong("test_classify_takes_the_users_own_errors_for_benign", "the user's own ValueError", "Fault.BENIGN")
class CallsEverythingBroken(EchoAdapter):
    """Every failing test of a user's costs a connection."""

    def classify(self, exc: BaseException, /) -> Fault:
        return Fault.RESOURCE_BROKEN


@wrong("test_classify_knows_the_errors_of_a_severed_resource", "BENIGN for what a severed", "RESOURCE_BROKEN")
class CallsEverythingBenign(EchoAdapter):
    """Broken resources go back among the idle ones."""

    def classify(self, exc: BaseException, /) -> Fault:
        return Fault.BENIGN


@wrong("test_classify_knows_an_unreachable_backend", "with the backend unreachable", "BACKEND_DOWN")
class TakesAnOutageForABrokenResource(EchoAdapter):
    """Nothing to break yet."""

    def classify(self, exc: BaseException, /) -> Fault:
        return Fault.RESOURCE_BROKEN if isinstance(exc, OSError) else Fault.BENIGN


@wrong("test_classify_never_raises", "which is no Fault", "Fault.BENIGN")
class ClassifyGivesAWord(EchoAdapter):
    """Gives the value instead of the member."""

    def classify(self, exc: BaseException, /) -> Fault:
        return "benign"  # type: ignore[return-value]


# -- form --------------------------------------------------------------------------------------------------


@wrong("test_no_secret_is_shown", "a secret is shown by ShowsItsPassword", "repr=False")
@attrs.define(eq=False)
class ShowsItsPassword(EchoAdapter):
    """The repr that a dataclass writes."""

    def __repr__(self) -> str:
        return f"ShowsItsPassword(password={self.password!r})"


@wrong("test_no_secret_is_shown", "a secret is shown by ConnectionError", "messages of errors")
class TellsItsPassword(EchoAdapter):
    """Wants to be helpful."""

    def create(self) -> Session:
        try:
            return super().create()
        except OSError as exc:
            raise ConnectionError(f"cannot log in with {self.password}") from exc


@wrong(
    "test_its_methods_have_the_right_names_colours_and_arguments", "has a method destory", "call it destroy"
)
class Misspelt(EchoAdapter):
    """The default destroy does nothing, and nobody sees it."""

    def destory(self, session: Session, /) -> None:
        session.sock.close()


@wrong(
    "test_its_methods_have_the_right_names_colours_and_arguments",
    "does not take the arguments of the contract (missing a required argument: 'host')",
    "def create(self)",
)
class WantsAnArgument(EchoAdapter):
    """A pool has nothing to give."""

    def create(self, host: str) -> Session:  # type: ignore[override]
        return super().create()


@wrong(
    "test_its_methods_have_the_right_names_colours_and_arguments",
    "create is a coroutine function, it must be: def create(self)",
)
class HalfAsync(EchoAdapter):
    """Async for sync."""

    async def create(self) -> Session:  # type: ignore[override]
        return super().create()


@wrong(
    "test_its_methods_have_the_right_names_colours_and_arguments",
    "create is a generator (it has a yield), it must be: def create(self)",
)
class YieldsLikeAFixture(EchoAdapter):
    """What a fixture or a context manager would do."""

    def create(self) -> Any:
        session = super().create()
        yield session
        super().destroy(session)


@wrong(
    "test_validate_is_true_on_a_fresh_resource", "validate gave a coroutine, but this is a blocking", "async"
)
class PassesACoroutineOn(EchoAdapter):
    """A plain method that calls a coroutine function and forgets that it is one."""

    def validate(self, session: Session, /) -> Any:
        return AsyncEchoAdapter.validate(self, session)  # type: ignore[arg-type]


@wrong("test_its_kind_is_one_word", "kind is 'my echo server'", "give one word")
class KindIsASentence(EchoAdapter):
    """It would stand in every metric."""

    kind = "my echo server"


# -- back doors ---------------------------------------------------------------------------------------------


@wrong_door("test_nothing_stays_open_at_the_backend", "says 5 with two resources open, and 5 with one", "ask")
class CountsNothing:
    """Tells what it once was."""

    def count_open(self) -> int:
        return 5


@wrong_door("test_nothing_stays_open_at_the_backend", "gave None, it must be an int", "return the count")
class CountsAndForgets:
    """No return statement."""

    def count_open(self) -> None:
        pass


@wrong_door("test_nothing_stays_open_at_the_backend", "gave None, it must be an int", "return the count")
class AsyncCountsAndForgets:
    """No return statement."""

    async def count_open(self) -> None:
        pass


@wrong_door("test_reset_cleans_or_refuses", "is_clean() gave None", "return the answer")
class LooksAndForgets:
    """No return statement."""

    def is_clean(self, session: Session, /) -> None:
        pass


@wrong_door("test_an_unreachable_backend_fails_in_time", "gave None, it must be an Adapter", "like the one")
class UnreachableForgets:
    """No return statement."""

    def unreachable(self) -> None:
        pass


@wrong_door(
    "test_a_failed_create_leaves_nothing_behind", "gave None, it must be an AsyncAdapter", "like the one"
)
class AsyncUnreachableForgets:
    """No return statement."""

    def unreachable(self) -> None:
        pass


@wrong_door("test_an_unreachable_backend_fails_in_time", "gave Session", "mend unreachable()")
class ReachableAfterAll:
    """Gives the adapter under test itself."""

    def unreachable(self) -> EchoAdapter:
        return EchoAdapter(self.server.port)  # type: ignore[attr-defined]  # of the kit


# -- asyncio -----------------------------------------------------------------------------------------------


@wrong("test_cancellation_of_create_is_not_swallowed", "instead of raising CancelledError", "catch Exception")
class SwallowsCancellation(AsyncEchoAdapter):
    """Takes being cancelled for a failed try."""

    async def create(self) -> AsyncSession:
        try:
            await asyncio.sleep(0.1)
        except BaseException:
            pass
        return await super().create()


@wrong(
    "test_cancellation_of_create_is_not_swallowed", "was still running 1 s after it was cancelled", "wait for"
)
class TakesItsTimeWhenCancelled(AsyncEchoAdapter):
    """Says goodbye at leisure."""

    async def create(self) -> AsyncSession:
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            await asyncio.sleep(3)
            raise
        return await super().create()


@wrong("test_cancellation_of_the_other_methods_is_not_swallowed", "it gave False instead", "catch Exception")
class TakesCancellationForDeath(AsyncEchoAdapter):
    """A bare except."""

    async def validate(self, session: AsyncSession, /) -> bool:
        try:
            await asyncio.sleep(0.1)
            return await super().validate(session)
        except:  # noqa: E722  # that is what is wrong with it
            return False


@wrong("test_cancelling_create_leaves_nothing", "left after cancelled creates", "except BaseException")
class LeaksWhenCancelled(AsyncEchoAdapter):
    """Connects, and cleans up after failures but not after cancellation."""

    opened: list[Any] = []  # noqa: RUF012  # as its author would

    async def create(self) -> AsyncSession:
        session = await super().create()
        self.opened.append(session)
        await asyncio.sleep(0.1)
        return session


@wrong("test_create_does_not_block_the_loop", "create and destroy kept the event loop", "in_threads")
class BlocksTheLoop(AsyncEchoAdapter):
    """A blocking call under a coroutine's name."""

    async def create(self) -> AsyncSession:
        time.sleep(0.3)
        return await super().create()


@wrong("test_validate_and_reset_do_not_block_the_loop", "validate kept the event loop", "in_threads")
class ValidateBlocksTheLoop(AsyncEchoAdapter):
    """A blocking ping of a library that has no other."""

    async def validate(self, session: AsyncSession, /) -> bool:
        time.sleep(0.3)
        return await super().validate(session)


@wrong("test_validate_and_reset_do_not_block_the_loop", "reset kept the event loop", "in_threads")
class ResetBlocksTheLoop(AsyncEchoAdapter):
    """A blocking reset, where there is anything to reset."""

    async def reset(self, session: AsyncSession, /) -> None:
        if session.soiled:
            time.sleep(0.3)
        await super().reset(session)


@wrong(
    "test_validate_finds_a_severed_resource",
    "did not return within 1 s and blocked the event loop",
    "timeout",
)
class BlocksTheLoopForGood(AsyncEchoAdapter):
    """Waits in place for one that is gone."""

    async def validate(self, session: AsyncSession, /) -> bool:
        try:
            return await super().validate(session)
        except OSError:
            threading.Event().wait()
            return False


@wrong("test_no_task_is_left", "5 tasks are left", "cancel and await the tasks")
class LeaksATask(AsyncEchoAdapter):
    """Starts a heartbeat per resource and never stops it."""

    heartbeats: list[Any] = []  # noqa: RUF012  # as its author would

    async def create(self) -> AsyncSession:
        session = await super().create()
        self.heartbeats.append(asyncio.create_task(asyncio.sleep(3600)))
        return session


@wrong("test_a_failed_create_leaves_nothing_behind", "tasks are left", "end what was started")
class TaskPerFailure(AsyncEchoAdapter):
    """Starts the heartbeat before it knows whether there is anything to beat for."""

    heartbeats: list[Any] = []  # noqa: RUF012  # as its author would

    async def create(self) -> AsyncSession:
        self.heartbeats.append(asyncio.create_task(asyncio.sleep(3600)))
        return await super().create()


@wrong("test_destroy_ends_a_fresh_resource", "destroy of a fresh resource did not return", "without waiting")
class AsyncDestroyHangs(AsyncEchoAdapter):
    """Waits for the server's goodbye."""

    async def destroy(self, session: AsyncSession, /) -> None:
        await session.ask("HANG")


@wrong(
    "test_a_reset_said_to_be_local_does_not_wait", "yet reset awaits something", "leave reset_is_local out"
)
class SaysItIsLocal(AsyncEchoAdapter):
    """Claims what it does not do."""

    reset_is_local = True


@wrong(
    "test_its_methods_have_the_right_names_colours_and_arguments",
    "create is a plain function, it must be: async def create(self)",
)
class HalfSync(AsyncEchoAdapter):
    """Sync for async."""

    def create(self) -> AsyncSession:  # type: ignore[override]
        raise AssertionError("never called")


@wrong(
    "test_its_methods_have_the_right_names_colours_and_arguments",
    "probe is a coroutine function, it must be: def probe(self, resource, /)",
)
class AsyncProbe(AsyncEchoAdapter):
    """A probe that would have to be awaited at every hand-out."""

    async def probe(self, session: AsyncSession, /) -> bool:  # type: ignore[override]
        return True
