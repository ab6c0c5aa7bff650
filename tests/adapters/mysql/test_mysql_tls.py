"""TLS options pass through, on both drivers with the same meaning; a server without TLS is refused."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from pymysql import err

from respool import Fault
from respool_mysql import MysqlAdapter
from respool_mysql._sync import ALLOWED
from tests.adapters.mysql.hand import Hand
from tests.servers import MysqlServer, ServerRoom

CIPHER = "SHOW SESSION STATUS LIKE 'Ssl_cipher'"
PASSWORD = "of the key"


@attrs.frozen
class TlsServer:
    """A MariaDB with a certificate for localhost, and the authority that signed it."""

    server: MysqlServer
    authority: Path
    stranger: Path
    client: Path
    locked: Path
    """Two certificates of our own, each with its key beside it; the key of this one has a password."""


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


def _authority(folder: Path, name: str) -> Path:
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    options = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
    options += ["-addext", "keyUsage = critical, keyCertSign, digitalSignature"]
    _openssl("req", "-x509", *options, "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(cert))
    return cert


def _certificate(folder: Path, authority: Path, name: str, password: str = "") -> Path:
    key, request, cert = (folder / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
    names = folder / "names"
    names.write_text("subjectAltName = DNS:localhost\nauthorityKeyIdentifier = keyid\n")
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    options += ["-passout", f"pass:{password}"] if password else ["-nodes"]
    _openssl("req", *options, "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request))
    signing = ["-CA", str(authority), "-CAkey", str(authority.with_suffix(".key")), "-CAcreateserial"]
    _openssl(
        "x509", "-req", "-in", str(request), *signing, "-days", "2", "-extfile", str(names), "-out", str(cert)
    )
    return cert


@pytest.fixture(scope="module")
def tls(server_room: ServerRoom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """A server that offers TLS."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("tls")
    authority, stranger = _authority(folder, "authority"), _authority(folder, "stranger")
    cert, client = _certificate(folder, authority, "localhost"), _certificate(folder, authority, "client")
    locked = _certificate(folder, authority, "locked", PASSWORD)
    options = [f"--ssl-cert={cert}", f"--ssl-key={_key(cert)}", f"--ssl-ca={authority}"]
    with server_room.mysql(*options) as server:
        _let_in_who_has_a_certificate(server)
        yield TlsServer(server, authority, stranger, client, locked)


def _key(certificate: Path) -> Path:
    return certificate.with_suffix(".key")


def _let_in_who_has_a_certificate(server: MysqlServer) -> None:
    adapter = MysqlAdapter(server.url)
    conn: Any = adapter.create()
    with conn.cursor() as cursor:
        cursor.execute("CREATE USER certified@'%' REQUIRE X509")
        cursor.execute("GRANT ALL ON respool.* TO certified@'%'")
    adapter.destroy(conn)


def _url(tls: TlsServer, host: str, *, user: str = "root", **parameters: Any) -> str:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return f"mysql://{user}@{host}:{tls.server.port}/respool?{query}"


def _cipher(hand: Hand, conn: Any) -> str:
    return str(hand.execute(conn, CIPHER)[0][1])


def test_a_verified_connection_is_encrypted_and_lives_like_any_other(hand: Hand, tls: TlsServer) -> None:
    url = _url(tls, "localhost", ssl_ca=tls.authority, ssl_verify_identity="true")
    adapter, conn = hand.lease(url)
    assert _cipher(hand, conn)
    assert adapter.is_dirty(conn)
    hand.run(adapter.reset(conn))
    assert adapter.probe(conn)
    assert hand.run(adapter.validate(conn))
    assert adapter.probe(conn)
    hand.put_away()


def test_a_certificate_of_an_unknown_authority_is_a_matter_of_configuration(
    hand: Hand, tls: TlsServer
) -> None:
    adapter = hand.adapter(_url(tls, "localhost", ssl_ca=tls.stranger, ssl_verify_cert="true"))
    with pytest.raises(err.OperationalError) as refused:
        hand.create(adapter)
    assert Fault.CONFIG is adapter.classify(refused.value)


def test_a_certificate_for_another_name_is_a_matter_of_configuration(hand: Hand, tls: TlsServer) -> None:
    adapter = hand.adapter(_url(tls, "127.0.0.1", ssl_ca=tls.authority, ssl_verify_identity="true"))
    with pytest.raises(err.OperationalError) as refused:
        hand.create(adapter)
    assert Fault.CONFIG is adapter.classify(refused.value)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_that_the_server_will_not_have_is_a_matter_of_configuration(
    hand: Hand, tls: TlsServer, version: ssl.TLSVersion
) -> None:
    """TLS 1.3 lets the server say so after the handshake alone, and its hang-up may overtake the word."""
    context = ssl.create_default_context(cafile=str(tls.authority))
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(tls.stranger, tls.stranger.with_suffix(".key"))
    adapter = hand.adapter(_url(tls, "localhost"), connect={"ssl": context})
    for _ in range(5):
        with pytest.raises(err.OperationalError) as refused:
            hand.create(adapter)
        overtaken = version is ssl.TLSVersion.TLSv1_3 and refused.value.args[0] != 2026
        verdict = Fault.BACKEND_DOWN if overtaken else Fault.CONFIG
        assert verdict is adapter.classify(refused.value), repr(refused.value)


OWN = {
    "two files": lambda tls: {"ssl_cert": str(tls.client), "ssl_key": str(_key(tls.client))},
    "two paths": lambda tls: {"ssl_cert": tls.client, "ssl_key": _key(tls.client), "ssl_ca": tls.authority},
    "a key with a password": lambda tls: {
        "ssl_cert": tls.locked,
        "ssl_key": _key(tls.locked),
        "ssl_key_password": PASSWORD,
    },
    "options": lambda tls: {
        "ssl": {"ca": str(tls.authority), "cert": str(tls.client), "key": str(_key(tls.client))}
    },
    "options with a password": lambda tls: {
        "ssl": {"ca": tls.authority, "cert": tls.locked, "key": _key(tls.locked), "password": PASSWORD}
    },
}


opens_keys = pytest.mark.skipif(
    "ssl_key_password" not in ALLOWED, reason="PyMySQL takes a key's password from 1.1.1 on"
)
LOCKED = [pytest.param(how, marks=opens_keys) for how in OWN if "password" in how]


@pytest.mark.parametrize("how", [*(how for how in OWN if "password" not in how), *LOCKED])
def test_a_certificate_of_ones_own_is_shown_to_the_server(hand: Hand, tls: TlsServer, how: str) -> None:
    adapter, conn = hand.lease(_url(tls, "localhost", user="certified"), connect=OWN[how](tls))
    assert _cipher(hand, conn)
    hand.run(adapter.reset(conn))
    hand.put_away()


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("not this one", "cannot read the TLS files"),
        (None, "which has a password: give it as ssl_key_password"),
    ],
)
@pytest.mark.parametrize("how", LOCKED)
def test_a_key_that_is_not_opened_is_told_when_the_adapter_is_made_and_nobody_is_asked_for_its_password(
    hand: Hand, tls: TlsServer, how: str, password: str | None, said: str
) -> None:
    connect = OWN[how](tls)
    place, name = (connect, "ssl_key_password") if "ssl" not in connect else (connect["ssl"], "password")
    place[name] = password
    with pytest.raises(ValueError, match=said) as refused:
        hand.adapter(_url(tls, "localhost"), connect=connect)
    assert "not this one" not in str(refused.value)


def _file(tls: TlsServer, folder: Path, *options: str) -> dict[str, Any]:
    file = folder / "my.cnf"
    lines = ["[client]", "host=localhost", f"port={tls.server.port}", "database=respool", *options]
    file.write_text("\n".join(lines))
    return {"read_default_file": str(file)}


@pytest.mark.parametrize("user", ["root", pytest.param("certified", marks=opens_keys)])
def test_what_a_file_of_options_asks_of_tls_is_done(
    hand: Hand, tls: TlsServer, tmp_path: Path, user: str
) -> None:
    """aiomysql alone would go on in clear text."""
    own = [f"ssl-cert={tls.locked}", f"ssl_key='{_key(tls.locked)}'", f"ssl-password={PASSWORD}"]
    options = [f"ssl-ca={tls.authority}", *(own if user == "certified" else [])]
    connect = _file(tls, tmp_path, f"user={user}", *options)
    assert _cipher(hand, hand.lease("mysql://", connect=connect)[1])
    hand.put_away()
    adapter = hand.adapter("mysql://", connect=_file(tls, tmp_path, "user=root", f"ssl-ca={tls.stranger}"))
    with pytest.raises(err.OperationalError) as refused:
        hand.create(adapter)
    assert Fault.CONFIG is adapter.classify(refused.value)


def test_what_a_file_of_options_asks_of_tls_joins_the_options_given_and_changes_none(
    hand: Hand, tls: TlsServer, tmp_path: Path
) -> None:
    given = {"ca": str(tls.authority), "check_hostname": False}
    connect = _file(tls, tmp_path, "user=certified", f"ssl-ca={tls.stranger}", f"ssl-cert={tls.stranger}")
    adapter = hand.adapter("mysql://", connect={**connect, "ssl": given})
    _file(tls, tmp_path, "user=certified", f"ssl-cert={tls.client}", f"ssl-key={_key(tls.client)}")
    for _ in range(2):
        assert _cipher(hand, hand.create(adapter))
    assert {"ca": str(tls.authority), "check_hostname": False} == given
    hand.put_away()


def test_a_server_that_hangs_up_in_the_handshake_is_an_outage(hand: Hand, tls: TlsServer) -> None:
    """It is being killed; more attempts will find it back."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_greet_and_go, args=[listener, tls.server], daemon=True).start()
        url = f"mysql://root@127.0.0.1:{listener.getsockname()[1]}/respool?ssl_ca={tls.authority}"
        adapter = hand.adapter(url)
        with pytest.raises(err.OperationalError) as lost:
            hand.create(adapter)
        assert Fault.BACKEND_DOWN is adapter.classify(lost.value), repr(lost.value)


def _greet_and_go(listener: socket.socket, server: MysqlServer) -> None:
    client, _ = listener.accept()
    with client, socket.create_connection((server.host, server.port)) as real:
        client.sendall(real.recv(4096))
        client.recv(36)  # the request for TLS
        client.recv(5)  # the handshake's first record begins
        client.recv(4096)


def test_a_context_of_the_users_own_is_taken_as_it_is(hand: Hand, tls: TlsServer) -> None:
    import ssl

    context = ssl.create_default_context(cafile=str(tls.authority))
    _, conn = hand.lease(_url(tls, "localhost"), connect={"ssl": context})
    assert _cipher(hand, conn)
    hand.put_away()


def test_tls_can_be_switched_off(hand: Hand, tls: TlsServer) -> None:
    _, conn = hand.lease(_url(tls, "localhost", ssl_disabled="true"))
    assert _cipher(hand, conn) == ""
    hand.put_away()


def test_a_server_without_tls_is_refused_before_the_login(hand: Hand, server_room: ServerRoom) -> None:
    """aiomysql alone would go on in clear text."""
    with server_room.mysql("--skip-ssl" if hand.is_mariadb else "--tls-version=") as server:
        adapter = hand.adapter(server.url, connect={"ssl_verify_cert": True})
        with pytest.raises(err.OperationalError, match=r"TLS|SSL") as refused:
            hand.create(adapter)
        assert (2026, Fault.CONFIG) == (refused.value.args[0], adapter.classify(refused.value))


def test_a_session_killed_behind_tls_is_seen_without_a_round_trip(hand: Hand, tls: TlsServer) -> None:
    """Behaviour 87."""
    import time

    adapter, conn = hand.lease(_url(tls, "localhost", ssl_ca=tls.authority, ssl_verify_cert="true"))
    _, killer = hand.lease(_url(tls, "localhost", ssl_disabled="true"))
    hand.execute(killer, f"KILL {hand.ask(conn, 'SELECT CONNECTION_ID()')}")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            if not adapter.probe(conn):
                break
        except ConnectionResetError:
            break
    else:
        pytest.fail("the end was never seen")
    hand.put_away()
