"""TLS options pass through to a server that has it, and a certificate that does not fit is refused."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from respool import Fault
from tests.adapters.postgres.hand import Hand
from tests.adapters.postgres.tls_front import TlsFront
from tests.servers import Endpoint

REQUEST = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -addext subjectAltName=IP:127.0.0.1"
    " -keyout server.key -out server.crt -subj"
)


def _certificate(folder: Path, name: str) -> Path:
    command = [*REQUEST.split(), f"/CN={name}"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    return folder / "server.crt"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate signed by itself, its key beside it."""
    if shutil.which("openssl") is None:
        pytest.skip("no program 'openssl' to make a certificate with")
    return _certificate(tmp_path_factory.mktemp("tls"), "respool")


@pytest.fixture
def secure(postgres_server: Endpoint, root: Path) -> Iterator[str]:
    """The URL of the server behind TLS."""
    front = TlsFront(postgres_server.host, postgres_server.port, root, root.with_name("server.key"))
    yield f"postgresql://postgres@127.0.0.1:{front.port}/postgres"
    front.close()


def test_a_connection_is_verified_against_the_certificate_that_was_given(
    hand: Hand, secure: str, root: Path
) -> None:
    """From the URL and from `connect=` alike."""
    for adapter in (
        hand.adapter(f"{secure}?sslmode=verify-full&sslrootcert={root}"),
        hand.adapter(secure, connect={"sslmode": "verify-full", "sslrootcert": str(root)}),
    ):
        conn = hand.create(adapter)
        assert conn.pgconn.ssl_in_use
        assert 1 == hand.ask(conn, "SELECT 1")


def test_every_ability_works_over_tls(hand: Hand, secure: str) -> None:
    """Behaviour 87. Session tickets and the like are read by the driver, not taken for a hang-up."""
    adapter = hand.adapter(f"{secure}?sslmode=require")
    conn = hand.create(adapter)
    for _ in range(3):
        assert adapter.probe(conn) or hand.run(adapter.validate(conn))
        hand.execute(conn, "SET work_mem = '1MB'")
        hand.run(adapter.reset(conn))
        assert not adapter.is_dirty(conn)
    assert "4MB" == hand.ask(conn, "SHOW work_mem")


def test_a_certificate_that_does_not_fit_is_refused_at_once(hand: Hand, secure: str, tmp_path: Path) -> None:
    """No waiting will mend it."""
    other = _certificate(tmp_path, "somebody else")
    adapter = hand.adapter(f"{secure}?sslmode=verify-ca&sslrootcert={other}")
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed") as caught:
        hand.run(adapter.create())
    assert Fault.CONFIG == adapter.classify(caught.value)


def test_a_certificate_of_ours_that_the_server_will_not_have_is_no_outage(
    hand: Hand, postgres_server: Endpoint, root: Path, tmp_path: Path
) -> None:
    """libpq says no more than `tlsv1 alert unknown ca`; a hang-up may come before even that."""
    key = root.with_name("server.key")
    mine = _certificate(tmp_path, "somebody else")
    mine.with_name("server.key").chmod(0o600)
    front = TlsFront(postgres_server.host, postgres_server.port, root, key, clients=root)
    url = f"postgresql://postgres@127.0.0.1:{front.port}/postgres?sslmode=require"
    adapter = hand.adapter(f"{url}&sslcert={mine}&sslkey={mine.with_name('server.key')}")
    for _ in range(10):
        with pytest.raises(psycopg.OperationalError) as caught:
            hand.run(adapter.create())
        if "alert" in str(caught.value):
            break
    assert Fault.CONFIG == adapter.classify(caught.value), str(caught.value)
    front.close()


@pytest.mark.parametrize(("password", "opens"), [("of the key", True), ("not this one", False)])
def test_a_certificate_of_ones_own_may_have_a_key_with_a_password(
    hand: Hand, postgres_server: Endpoint, root: Path, tmp_path: Path, password: str, opens: bool
) -> None:
    key, locked = root.with_name("server.key"), tmp_path / "locked.key"
    lock = f"openssl pkey -in {key} -out {locked} -aes256 -passout".split()
    subprocess.run([*lock, "pass:of the key"], check=True, capture_output=True, timeout=60)
    locked.chmod(0o600)
    front = TlsFront(postgres_server.host, postgres_server.port, root, key, clients=root)
    url = f"postgresql://postgres@127.0.0.1:{front.port}/postgres?sslmode=verify-full&sslrootcert={root}"
    own = {"sslcert": root, "sslkey": locked, "sslpassword": password}
    adapter = hand.adapter(url, connect=own)
    if opens:
        assert 1 == hand.ask(hand.create(adapter), "SELECT 1")
    else:
        with pytest.raises(psycopg.OperationalError, match=r"locked\.key") as caught:
            hand.create(adapter)
        assert Fault.CONFIG == adapter.classify(caught.value)
        assert password not in str(caught.value)
    hand.put_away()
    front.close()


def test_a_certificate_file_that_is_missing_is_named(hand: Hand, secure: str) -> None:
    adapter = hand.adapter(f"{secure}?sslmode=verify-ca&sslrootcert=/nowhere/root.crt")
    with pytest.raises(psycopg.OperationalError, match=r"/nowhere/root\.crt") as caught:
        hand.run(adapter.create())
    assert Fault.CONFIG == adapter.classify(caught.value)
