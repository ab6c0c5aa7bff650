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
from tests.adapters.mysql.hand import Hand
from tests.servers import MysqlServer, ServerRoom

CIPHER = "SHOW SESSION STATUS LIKE 'Ssl_cipher'"


@attrs.frozen
class TlsServer:
    """A MariaDB with a certificate for localhost, and the authority that signed it."""

    server: MysqlServer
    authority: Path
    stranger: Path


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


def _authority(folder: Path, name: str) -> Path:
    key, cert = folder / f"{name}.key", folder / f"{name}.pem"
    options = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"]
    options += ["-addext", "keyUsage = critical, keyCertSign, digitalSignature"]
    _openssl("req", "-x509", *options, "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(cert))
    return cert


def _certificate(folder: Path, authority: Path) -> tuple[Path, Path]:
    key, request, cert = folder / "server.key", folder / "server.csr", folder / "server.pem"
    names = folder / "names"
    names.write_text("subjectAltName = DNS:localhost\nauthorityKeyIdentifier = keyid\n")
    options = ["-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    _openssl("req", *options, "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(request))
    signing = ["-CA", str(authority), "-CAkey", str(authority.with_suffix(".key")), "-CAcreateserial"]
    _openssl(
        "x509", "-req", "-in", str(request), *signing, "-days", "2", "-extfile", str(names), "-out", str(cert)
    )
    return cert, key


@pytest.fixture(scope="module")
def tls(server_room: ServerRoom, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """A server that offers TLS."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("tls")
    authority, stranger = _authority(folder, "authority"), _authority(folder, "stranger")
    cert, key = _certificate(folder, authority)
    options = [f"--ssl-cert={cert}", f"--ssl-key={key}", f"--ssl-ca={authority}"]
    with server_room.mysql(*options) as server:
        yield TlsServer(server, authority, stranger)


def _url(tls: TlsServer, host: str, **parameters: Any) -> str:
    query = "&".join(f"{name}={value}" for name, value in parameters.items())
    return f"mysql://root@{host}:{tls.server.port}/respool?{query}"


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
