"""Everything a session of Redis can carry: soil it, reset, look again; both products, both colours."""

from __future__ import annotations

import contextlib
import gc
import random
from typing import TYPE_CHECKING, Any

import pytest
from redis import exceptions as errors

from respool import Fault, ResourceSpoiled
from tests.adapters.redis.hand import is_old_redis_py

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.adapters.redis.hand import Hand

CLEANED: dict[str, tuple[tuple[Any, ...], ...]] = {
    "MULTI": (("MULTI",),),
    "a queued command": (("MULTI",), ("SET", "queued", "1")),
    "a failed MULTI": (("MULTI",), ("MULTI",)),
    "WATCH": (("WATCH", "kept"),),
    "WATCH and MULTI": (("WATCH", "kept"), ("MULTI",)),
    "SELECT": (("SELECT", 7),),
    "select in small letters": (("select", 7),),
    "SELECT in bytes": ((b"SELECT", 7),),
    "SELECT in a transaction": (("MULTI",), ("SELECT", 7), ("EXEC",)),
    "CLIENT SETNAME": (("CLIENT", "SETNAME", "soiled"),),
    "CLIENT SETNAME joined": (("CLIENT SETNAME", "soiled"),),
    "CLIENT NO-EVICT": (("CLIENT", "NO-EVICT", "ON"),),
    "CLIENT NO-TOUCH": (("CLIENT", "NO-TOUCH", "ON"),),
    "READONLY": (("READONLY",),),
    "ASKING": (("ASKING",),),
    "AUTH as another user": (("AUTH", "somebody", "any"),),
    "HELLO 2": (("HELLO", 2),),
    "HELLO with a name": (("HELLO", 2, "SETNAME", "soiled"),),
    "RESET": (("RESET",),),
}
"""What is as it was after a reset."""

GIVEN_UP: dict[str, tuple[tuple[Any, ...], ...]] = {
    "CLIENT SETINFO": (("CLIENT", "SETINFO", "LIB-NAME", "soiled"),),
    "an unknown CLIENT command": (("CLIENT", "WHAT-COMES-NEXT", "ON"),),
    "MONITOR": (("MONITOR",),),
}
"""What nothing takes back: the connection is not used again."""

FORGIVEN = "wrong number|unknown|syntax|nested|not allowed inside|cluster|subcommand"


def do_all(hand: Hand, client: Any, commands: tuple[tuple[Any, ...], ...]) -> None:
    """Run commands; one that this server does not know or allow has soiled nothing."""
    for command in commands:
        try:
            hand.do(client, *command)
        except errors.ResponseError as refused:
            if not any(word in str(refused).lower() for word in FORGIVEN.split("|")):
                raise


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def protocol(request: pytest.FixtureRequest) -> int:
    """Both protocols, one after the other."""
    return int(request.param)


@pytest.fixture
def somebody(other: Any) -> None:
    """A second user."""
    other.execute_command("ACL", "SETUSER", "somebody", "on", "nopass", "allkeys", "allchannels", "+@all")


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize("soil", CLEANED.values(), ids=CLEANED)
def test_a_session_is_as_it_was_after_a_reset(hand: Hand, protocol: int, soil: Any) -> None:
    """Behaviours 88 and 89. Name, database, user, protocol and flags are those of a fresh connection."""
    connect = {"protocol": protocol, "client_name": "clean", "db": 3}
    adapter, client = hand.lease(connect=connect)
    before = hand.look(client)
    do_all(hand, client, soil)
    if "NO-TOUCH" in soil[0] and "T" not in hand.look(client)["flags"]:
        pytest.skip("this server has no CLIENT NO-TOUCH")
    assert adapter.is_dirty(client)
    hand.run(adapter.reset(client))
    assert before == hand.look(client)
    assert not adapter.is_dirty(client)
    assert hand.run(adapter.validate(client))


BESIDE = (
    ("EXEC",),
    ("DISCARD",),
    ("UNWATCH",),
    ("SET", "soil", "1"),
    ("INCR", "list"),
    ("NONSENSE",),
    ("HELLO", 3),
    ("AUTH", "nobody", "wrong"),
    ("SUBSCRIBE",),
    ("EVAL", "return redis.call('GET', KEYS[1])", 1, "soil"),
)


@pytest.mark.usefixtures("somebody")
@pytest.mark.parametrize("seed", range(25))
def test_several_together_leave_nothing_or_the_connection_is_given_up(
    hand: Hand, protocol: int, seed: int
) -> None:
    """Behaviours 88 and 89. One may undo another, fail because of it, or hide it."""
    rng = random.Random(seed)
    soils = [command for commands in CLEANED.values() for command in commands]
    adapter, client = hand.lease(connect={"protocol": protocol, "client_name": "clean", "db": 3})
    before = hand.look(client)
    done = [rng.choice((*soils, *BESIDE)) for _ in range(rng.randint(2, 8))]
    for command in done:
        with contextlib.suppress(errors.RedisError):
            hand.do(client, *command)
    if adapter.is_dirty(client):
        try:
            hand.run(adapter.reset(client))
        except (ResourceSpoiled, errors.RedisError):
            return
    assert before == hand.look(client), done
    assert not adapter.is_dirty(client)
    assert b"its own" == hand.do(client, "ECHO", "its own")


@pytest.mark.parametrize("soil", GIVEN_UP.values(), ids=GIVEN_UP)
def test_what_nothing_takes_back_means_giving_the_connection_up(hand: Hand, soil: Any) -> None:
    """Behaviour 88."""
    adapter, client = hand.lease()
    do_all(hand, client, soil)
    assert adapter.is_dirty(client)
    with pytest.raises(ResourceSpoiled):
        hand.run(adapter.reset(client))


@pytest.mark.parametrize("level", ["session", "transaction"])
def test_a_watched_key_is_forgotten(hand: Hand, other: Any, level: Any) -> None:
    """Behaviour 89."""
    adapter, client = hand.lease(hygiene=level)
    hand.do(client, "WATCH", "kept")
    hand.run(adapter.reset(client))
    other.set("kept", "changed")
    hand.do(client, "MULTI")
    hand.do(client, "SET", "mine", "1")
    assert hand.do(client, "EXEC") is not None


@pytest.mark.parametrize("refused", [("EXEC",), ("DISCARD",), ("UNWATCH", "it")], ids=" ".join)
@pytest.mark.parametrize("level", ["session", "transaction"])
def test_a_key_stays_watched_where_the_server_refused_to_end_it(
    hand: Hand, other: Any, level: Any, refused: tuple[str, ...]
) -> None:
    adapter, client = hand.lease(hygiene=level)
    hand.do(client, "WATCH", "kept")
    with pytest.raises(errors.ResponseError):
        hand.do(client, *refused)
    assert adapter.is_dirty(client)
    hand.run(adapter.reset(client))
    assert not adapter.is_dirty(client)
    other.set("kept", "changed")
    hand.do(client, "MULTI")
    hand.do(client, "SET", "mine", "1")
    assert hand.do(client, "EXEC") is not None


@pytest.mark.parametrize("level", ["session", "transaction"])
def test_a_transaction_that_the_server_refused_to_discard_is_left(hand: Hand, level: Any) -> None:
    adapter, client = hand.lease(hygiene=level)
    hand.do(client, "MULTI")
    with pytest.raises(errors.ResponseError):
        hand.do(client, "DISCARD", "it")
    hand.run(adapter.reset(client))
    assert hand.do(client, "GET", "nothing") is None


def test_a_session_left_in_multi_at_the_level_none_does_not_pass_a_check(hand: Hand) -> None:
    adapter, client = hand.lease(hygiene="none")
    hand.do(client, "MULTI")
    assert not adapter.is_dirty(client)
    with pytest.raises(errors.ConnectionError, match="was in MULTI") as caught:
        hand.run(adapter.validate(client))
    assert Fault.RESOURCE_BROKEN is adapter.classify(caught.value)


def test_an_error_that_is_no_refused_end_leaves_a_lease_clean(hand: Hand) -> None:
    adapter, client = hand.lease()
    hand.do(client, "MULTI")
    hand.do(client, "EXEC")
    hand.run(adapter.reset(client))
    with pytest.raises(errors.ResponseError):
        hand.do(client, "GET")
    assert not adapter.is_dirty(client)


@pytest.mark.parametrize("command", ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"])
@pytest.mark.parametrize("level", ["session", "transaction"])
def test_a_raw_subscription_is_left(hand: Hand, other: Any, protocol: int, level: Any, command: str) -> None:
    """Messages that are on their way during the reset are nobody's reply."""
    adapter, client = hand.lease(hygiene=level, connect={"protocol": protocol})
    hand.send(client, command, "news", "more")
    publish = "SPUBLISH" if command == "SSUBSCRIBE" else "PUBLISH"
    while not other.execute_command(publish, "news", "soil"):
        pass
    assert adapter.is_dirty(client)
    hand.run(adapter.reset(client))
    assert other.execute_command(publish, "news", "nobody") == 0
    assert hand.run(client.get("kept")) == b"yes"
    assert hand.run(adapter.validate(client))


@pytest.mark.parametrize("soil", ["MULTI", "WATCH", "WATCH and MULTI", "a queued command", "a failed MULTI"])
def test_the_transaction_level_leaves_what_is_open(hand: Hand, soil: str, protocol: int) -> None:
    adapter, client = hand.lease(hygiene="transaction", connect={"protocol": protocol})
    do_all(hand, client, CLEANED[soil])
    assert adapter.is_dirty(client)
    hand.run(adapter.reset(client))
    assert "x" not in hand.look(client)["flags"]
    assert hand.run(client.get("queued")) is None
    assert not adapter.is_dirty(client)


def test_the_transaction_level_leaves_the_rest_alone(hand: Hand) -> None:
    adapter, client = hand.lease(hygiene="transaction")
    hand.do(client, "SELECT", 7)
    assert not adapter.is_dirty(client)


@pytest.mark.parametrize("level", ["transaction", "none"])
def test_the_cheaper_levels_never_ask_for_the_dictionary_of_a_client(hand: Hand, level: Any) -> None:
    """Once it is there, every attribute is dearer; without it the collector sees the values themselves."""
    adapter, client = hand.lease(hygiene=level)
    assert hand.run(adapter.validate(client))
    assert adapter.probe(client)
    assert not adapter.is_dirty(client)
    hand.run(adapter.reset(client))
    assert any(each is client.connection_pool for each in gc.get_referents(client))


def test_the_level_none_cleans_nothing_but_passes_on_no_broken_connection(hand: Hand) -> None:
    adapter, client = hand.lease(hygiene="none")
    assert adapter.reset_is_local
    hand.do(client, "SELECT", 7)
    hand.do(client, "MULTI")
    assert not adapter.is_dirty(client)
    hand.send(client, "GET", "kept")
    assert adapter.is_dirty(client)
    with pytest.raises(ResourceSpoiled):
        hand.run(adapter.reset(client))


@pytest.mark.parametrize("level", ["session", "transaction", "none"])
def test_an_unread_reply_is_never_anybody_elses(hand: Hand, level: Any) -> None:
    """Behaviour 90."""
    adapter, client = hand.lease(hygiene=level)
    hand.send(client, "GET", "kept")
    assert adapter.is_dirty(client)
    with pytest.raises(ResourceSpoiled, match="unread"):
        hand.run(adapter.reset(client))


@pytest.mark.parametrize("level", ["session", "transaction", "none"])
def test_an_interrupted_blocking_command_means_giving_the_connection_up(hand: Hand, level: Any) -> None:
    """Behaviour 90."""
    adapter, client = hand.lease(hygiene=level, connect={"socket_timeout": 0.1})
    with pytest.raises(errors.TimeoutError):
        hand.run(client.blpop(["nothing"], timeout=0))
    assert adapter.is_dirty(client)
    with pytest.raises(ResourceSpoiled, match="closed during the lease"):
        hand.run(adapter.reset(client))


def test_client_reply_off_means_giving_the_connection_up(hand: Hand) -> None:
    adapter, client = hand.lease(hygiene="transaction")
    hand.send(client, "CLIENT", "REPLY", "OFF")
    with pytest.raises(ResourceSpoiled):
        hand.run(adapter.reset(client))


@pytest.mark.skipif(is_old_redis_py(), reason="redis-py 5.0 cannot read pushes of every kind")
def test_client_tracking_is_switched_off(hand: Hand, other: Any) -> None:
    """Invalidations that arrive on the way are skipped."""
    adapter, client = hand.lease(connect={"protocol": 3})
    before = hand.look(client)
    hand.do(client, "CLIENT", "TRACKING", "ON", "BCAST")
    other.set("kept", "invalidated")
    hand.run(adapter.reset(client))
    assert before == hand.look(client)


def test_a_clean_lease_needs_no_reset(hand: Hand) -> None:
    """Behaviour 89. Transactions that were finished and scripts leave nothing."""
    adapter, client = hand.lease()
    hand.run(client.set("mine", 1))

    def count(pipe: Any) -> None:
        pipe.multi()
        pipe.incr("mine")

    hand.run(client.transaction(count, "mine"))
    hand.run(client.eval("redis.call('SELECT', 5) return 1", 0))
    assert not adapter.is_dirty(client)
    assert hand.look(client)["db"] == "0"


def no_answer(reply: Any, **_: Any) -> str:
    """A response callback of one user, which the next must not have."""
    return "mine"


PYTHON: dict[str, Callable[[Any], object]] = {
    "a response callback": lambda client: client.set_response_callback("GET", no_answer),
    "a callback put in by hand": lambda client: client.response_callbacks.update({"GET": no_answer}),
    "the callbacks replaced": lambda client: setattr(client, "response_callbacks", {}),
    "an attribute": lambda client: setattr(client, "mine", 1),
    "an external module": lambda client: client.load_external_module("get", no_answer),
    "the retry policy": lambda client: client.get_connection_kwargs().update(encoding="latin-1"),
    "the arguments": lambda client: client.get_connection_kwargs().update(decode_responses=True),
    "the pool": lambda client: setattr(client, "connection_pool", None),
    "an attribute taken away": lambda client: delattr(client, "response_callbacks"),
}


@pytest.mark.parametrize("soil", PYTHON.values(), ids=PYTHON)
def test_what_is_pythons_is_put_back(hand: Hand, soil: Any) -> None:
    adapter, client = hand.lease()
    before = {name: value for name, value in vars(client).items() if not name.startswith("_")}
    soil(client)
    assert adapter.is_dirty(client)
    hand.run(adapter.reset(client))
    assert before == {name: value for name, value in vars(client).items() if not name.startswith("_")}
    hand.run(client.set("kept", "yes"))
    assert hand.run(client.get("kept")) == b"yes"
    assert client.connection_pool.get_encoder().decode_responses is False
    assert not adapter.is_dirty(client)


CHANGES: dict[str, Callable[[dict[Any, Any]], object]] = {
    "x[k] = v": lambda noted: noted.__setitem__("GET", no_answer),
    "del x[k]": lambda noted: noted.__delitem__(next(iter(noted))),
    "x |= y": lambda noted: noted.__ior__({"GET": no_answer}),
    "update": lambda noted: noted.update({"GET": no_answer}),
    "setdefault": lambda noted: noted.setdefault("MINE", no_answer),
    "pop": lambda noted: noted.pop(next(iter(noted))),
    "popitem": lambda noted: noted.popitem(),
    "clear": lambda noted: noted.clear(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("which", ["response_callbacks", "get_connection_kwargs"])
def test_no_way_to_change_a_dict_in_place_goes_unnoticed(hand: Hand, which: str, change: Any) -> None:
    adapter, client = hand.lease()
    found = getattr(client, which)
    noted = found() if callable(found) else found
    before = dict(noted)
    change(noted)
    assert before != dict(noted)
    assert adapter.is_dirty(client)
    hand.run(adapter.reset(client))
    assert before == dict(noted)
    assert not adapter.is_dirty(client)


@pytest.mark.parametrize("name", ["socket_timeout", "health_check_interval"])
def test_a_changed_connection_is_given_up(hand: Hand, name: str) -> None:
    adapter, client = hand.lease()
    setattr(hand.run(client.connection_pool.get_connection()), name, 77)
    hand.run(client.connection_pool.release(client.connection_pool.leased))
    assert adapter.is_dirty(client)
    with pytest.raises(ResourceSpoiled, match="attribute"):
        hand.run(adapter.reset(client))


def test_configure_runs_after_create_and_after_a_session_reset(hand: Hand) -> None:
    """As it was means as it was after `configure`."""
    calls: list[Any] = []

    def configure(client: Any) -> Any:
        calls.append(client)
        client.set_response_callback("GET", no_answer)
        return client.select(5)

    adapter, client = hand.lease(configure=configure)
    assert not adapter.is_dirty(client)
    hand.do(client, "SELECT", 7)
    client.set_response_callback("GET", bytes)
    hand.run(adapter.reset(client))
    assert [client, client] == calls
    assert hand.look(client)["db"] == "5"
    assert hand.run(client.get("kept")) == "mine"
    assert not adapter.is_dirty(client)


def test_after_a_reset_the_session_is_the_same_users(hand: Hand, other: Any) -> None:
    """RESET logs out; whoever logged in at create is logged in again."""
    rules = ("on", ">secret", "allkeys", "allchannels", "+@all", "-client|no-evict")
    other.execute_command("ACL", "SETUSER", "worker", "reset", *rules)
    for protocol in (2, 3):
        connect = {"username": "worker", "password": "secret", "protocol": protocol}
        adapter, client = hand.lease(connect=connect)
        hand.do(client, "SELECT", 7)
        hand.run(adapter.reset(client))
        assert hand.look(client)["user"] == "worker"


def test_a_reset_costs_one_round_trip(hand: Hand, other: Any) -> None:
    """Everything goes out in one write: the server reads it in one go."""
    adapter, client = hand.lease(connect={"db": 3, "client_name": "clean"})
    hand.do(client, "SELECT", 7)
    before = other.info("commandstats").get("cmdstat_reset", {"calls": 0})["calls"]
    writes: list[Any] = []
    connection = client.connection_pool.leased
    original = connection.send_packed_command
    connection.send_packed_command = lambda *args, **options: (
        writes.append(args) or original(*args, **options)
    )
    hand.run(adapter.reset(client))
    assert len(writes) == 1
    assert other.info("commandstats")["cmdstat_reset"]["calls"] == before + 1
