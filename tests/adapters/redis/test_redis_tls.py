"""TLS against a real server: the driver's options pass through, and a bad certificate is no outage."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import traceback
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from redis import exceptions as errors

from respool import Fault
from tests.adapters.redis.hand import Hand, ValkeyServer
from tests.servers import RedisServer, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers import ServerRoom


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key and a certificate for localhost that vouches for itself."""
    if shutil.which("openssl") is None:
        pytest.skip("no program 'openssl' to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder, "cert", "key.pem")
    return folder


def make_certificate(folder: Path, name: str, key: str = "other.key", password: str = "") -> None:
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(folder / key), "-out", str(folder / f"{name}.pem")]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-days", "2", *names, *files]
    make += ["-passout", f"pass:{password}"] if password else ["-nodes"]
    subprocess.run(make, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module", params=[RedisServer, ValkeyServer])
def tls_port(request: pytest.FixtureRequest, server_room: ServerRoom, certificate: Path) -> Iterator[int]:
    """The TLS port of a server that also has a plain one."""
    yield from serving(server_room, request.param, certificate, "no")


@pytest.fixture(scope="module", params=[RedisServer, ValkeyServer])
def strict_port(request: pytest.FixtureRequest, server_room: ServerRoom, certificate: Path) -> Iterator[int]:
    """The TLS port of a server that wants to see a client's certificate."""
    yield from serving(server_room, request.param, certificate, "yes")


def serving(room: ServerRoom, kind: type[RedisServer], certificate: Path, clients: str) -> Iterator[int]:
    port = free_port()
    cert, key = str(certificate / "cert.pem"), str(certificate / "key.pem")
    options = ("--tls-port", str(port), "--tls-cert-file", cert, "--tls-key-file", key)
    server = room._make(kind, (*options, "--tls-ca-cert-file", cert, "--tls-auth-clients", clients))
    try:
        server.start()
    except RuntimeError as refused:
        if "TLS" not in str(refused):
            raise
        pytest.skip(f"this {kind.kind} was built without TLS")
    yield port
    server.close()


@pytest.fixture
def hand(colour: str, tls_port: int) -> Iterator[Hand]:
    """Drives adapters of both colours."""
    hand = Hand(colour, f"rediss://127.0.0.1:{tls_port}")
    yield hand
    hand.close()


def test_a_lease_over_tls_is_like_any_other(hand: Hand, certificate: Path) -> None:
    adapter, client = hand.lease(connect={"ssl_ca_certs": str(certificate / "cert.pem")})
    before = hand.look(client)
    assert adapter.probe(client)
    hand.do(client, "SELECT", 5)
    assert adapter.is_dirty(client)
    hand.run(adapter.reset(client))
    assert before == hand.look(client)
    assert hand.run(adapter.validate(client))
    pubsub = client.pubsub()
    hand.run(pubsub.subscribe("news"))
    hand.close_pubsub(pubsub)
    assert hand.run(client.ping())


def test_abort_ends_a_call_over_tls(hand: Hand, certificate: Path) -> None:
    adapter, client = hand.lease(connect={"ssl_ca_certs": str(certificate / "cert.pem")})
    adapter.abort(client)
    with pytest.raises(errors.ConnectionError):
        hand.run(client.blpop(["nothing"], timeout=0))


def test_the_option_ssl_and_the_scheme_valkeys_mean_tls(hand: Hand, tls_port: int, certificate: Path) -> None:
    trust: dict[str, Any] = {"ssl_ca_certs": str(certificate / "cert.pem")}
    for url, more in (
        (f"valkeys://127.0.0.1:{tls_port}", {}),
        (f"redis://127.0.0.1:{tls_port}", {"ssl": True}),
    ):
        _, client = hand.lease(url, connect=trust | more)
        assert hand.run(client.ping())


def refused(hand: Hand, adapter: Any) -> BaseException:
    """Give the error of a create that failed, but not of one that the server cut short.

    A server may drop a connection before its certificate, or its refusal, has arrived; that *is* an outage.
    """
    for _ in range(10):
        with pytest.raises(errors.ConnectionError) as caught:
            hand.run(adapter.create())
        if not any(isinstance(each, ConnectionError | ssl.SSLEOFError) for each in causes(caught.value)):
            break
    return caught.value


def causes(error: BaseException) -> Iterator[BaseException]:
    """Give what an exception was raised in the handling of."""
    while (before := error.__cause__ or error.__context__) is not None:
        yield (error := before)


def test_a_certificate_that_nobody_vouches_for_is_no_outage(hand: Hand) -> None:
    """Waiting cannot help."""
    adapter = hand.adapter()
    error = refused(hand, adapter)
    assert adapter.classify(error) is Fault.CONFIG, traceback.format_exception(error)


def test_a_missing_certificate_file_is_named(hand: Hand, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ssl_ca_certs is '.*none\.pem'"):
        hand.adapter(connect={"ssl_ca_certs": str(tmp_path / "none.pem")})


MISFITS: dict[str, dict[str, str]] = {
    "no certificate of the client": {},
    "one that the server does not know": {"ssl_certfile": "other.pem", "ssl_keyfile": "other.key"},
    "a key of another certificate": {"ssl_certfile": "cert.pem", "ssl_keyfile": "other.key"},
    "a key in the authority's place": {"ssl_ca_certs": "key.pem"},
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_what_tls_will_not_have_is_no_outage(
    colour: str, strict_port: int, certificate: Path, misfit: str
) -> None:
    """The server's own refusal, too, which comes after the handshake."""
    make_certificate(certificate, "other")
    files = {"ssl_ca_certs": "cert.pem"} | MISFITS[misfit]
    hand = Hand(colour, f"rediss://127.0.0.1:{strict_port}")
    adapter = hand.adapter(connect={name: str(certificate / file) for name, file in files.items()})
    error = refused(hand, adapter)
    assert adapter.classify(error) is Fault.CONFIG, traceback.format_exception(error)
    hand.close()


def test_a_refusal_that_comes_while_the_client_writes_is_no_outage(
    colour: str, strict_port: int, certificate: Path
) -> None:
    """A server may have closed before the first write: what it has said is read all the same."""
    hand = Hand(colour, f"rediss://127.0.0.1:{strict_port}")
    adapter = hand.adapter(connect={"ssl_ca_certs": str(certificate / "cert.pem")})
    found = []
    for _ in range(60):
        with pytest.raises(errors.ConnectionError) as caught:
            hand.run(adapter.create())
        found.append(adapter.classify(caught.value))
    assert {Fault.CONFIG} == set(found), Counter(found)
    hand.close()


def test_a_client_with_its_certificate_is_let_in(colour: str, strict_port: int, certificate: Path) -> None:
    mine = {"ssl_certfile": str(certificate / "cert.pem"), "ssl_keyfile": str(certificate / "key.pem")}
    hand = Hand(colour, f"rediss://127.0.0.1:{strict_port}")
    _, client = hand.lease(connect={"ssl_ca_certs": str(certificate / "cert.pem")} | mine)
    assert hand.run(client.ping())
    hand.close()


def test_the_password_of_a_clients_key_is_used_and_nobody_is_asked_for_one_that_is_missing(
    colour: str, strict_port: int, certificate: Path
) -> None:
    make_certificate(certificate, "locked", "locked.key", "opens it")
    mine = {"ssl_certfile": str(certificate / "locked.pem"), "ssl_keyfile": str(certificate / "locked.key")}
    hand = Hand(colour, f"rediss://127.0.0.1:{strict_port}")
    adapter = hand.adapter(connect={"ssl_ca_certs": str(certificate / "cert.pem")} | mine)
    with pytest.raises((errors.ConnectionError, ValueError)) as caught:
        hand.run(adapter.create())
    assert adapter.classify(caught.value) is Fault.CONFIG
    said = "".join(traceback.format_exception(caught.value))
    assert "locked.key', which has a password: give it as ssl_password" in said
    adapter = hand.adapter(
        connect={"ssl_ca_certs": str(certificate / "cert.pem"), "ssl_password": "opens it"} | mine
    )
    with pytest.raises(errors.ConnectionError) as caught:  # the server does not know it
        hand.run(adapter.create())
    assert "give it as" not in "".join(traceback.format_exception(caught.value))
    hand.close()


def test_a_server_that_hangs_up_in_the_handshake_is_an_outage(colour: str) -> None:
    """It is being restarted, or its places are taken."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_hang_up, args=[listener], daemon=True).start()
        hand = Hand(colour, f"rediss://127.0.0.1:{listener.getsockname()[1]}")
        adapter = hand.adapter()
        with pytest.raises(errors.ConnectionError) as caught:
            hand.run(adapter.create())
        assert adapter.classify(caught.value) is Fault.BACKEND_DOWN
        hand.close()


def _hang_up(listener: socket.socket) -> None:
    client, _ = listener.accept()
    with client:
        client.recv(4096)
