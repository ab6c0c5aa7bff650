"""The test bed itself: servers that start, freeze, die and come back, a proxy that misbehaves on demand."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pymysql
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers import Endpoint, Proxy, Server, ServerRoom, _processes

ROOT = Path(__file__).parents[2]
Ask = Callable[[Endpoint], object]


def ask_postgres(server: Endpoint) -> object:
    with psycopg.connect(host=server.host, port=server.port, user="postgres", connect_timeout=2) as conn:
        return conn.execute("select 1").fetchone()


def ask_mysql(server: Endpoint) -> object:
    conn = pymysql.connect(
        host=server.host, port=server.port, user="root", database="respool", connect_timeout=2, read_timeout=2
    )
    with closing(conn), conn.cursor() as cursor:
        cursor.execute("select 1")
        return cursor.fetchone()


def ask_redis(server: Endpoint) -> object:
    never_again = Retry(NoBackoff(), 0)
    with redis.Redis(server.host, server.port, socket_timeout=2, retry=never_again) as client:
        return (int(client.ping()),)


def ask_memcached(server: Endpoint) -> object:
    with socket.create_connection((server.host, server.port), timeout=2) as client:
        client.sendall(b"set k 0 0 1\r\n1\r\n")
        return (int(client.recv(8) == b"STORED\r\n"),)


SHARED = {"postgres": ask_postgres, "mysql": ask_mysql, "redis": ask_redis}
ASK = {**SHARED, "memcached": ask_memcached}
FAILURES = (psycopg.OperationalError, pymysql.err.OperationalError, redis.RedisError, OSError)


@pytest.fixture(params=ASK)
def server(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(f"fresh_{request.param}")
    return server


@pytest.fixture(params=SHARED)
def shared(request: pytest.FixtureRequest) -> Endpoint:
    server: Endpoint = request.getfixturevalue(f"{request.param}_server")
    return server


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """The address of a server that sends back what it gets, one byte bigger per read."""
    code = """
        import socketserver
        class Echo(socketserver.BaseRequestHandler):
            def handle(self):
                while data := self.request.recv(65536):
                    self.request.sendall(data)
        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
        with Server(("127.0.0.1", 0), Echo) as server:
            print(server.server_address[1], flush=True)
            server.serve_forever()
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield "127.0.0.1", int(process.stdout.readline())
        process.kill()


@pytest.fixture
def proxy(echo: tuple[str, int]) -> Iterator[Proxy]:
    with closing(Proxy(*echo)) as proxy:
        yield proxy


def dial(proxy: Proxy) -> socket.socket:
    return socket.create_connection((proxy.host, proxy.port), timeout=10)


def said(client: socket.socket, word: bytes) -> bytes:
    client.sendall(word)
    return client.recv(100)


def hears_nothing(client: socket.socket) -> bool:
    client.settimeout(0.1)
    try:
        client.recv(100)
    except TimeoutError:
        return True
    finally:
        client.settimeout(10)
    return False


def is_served(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != errno.ECONNREFUSED


def test_a_shared_server_serves(shared: Endpoint, request: pytest.FixtureRequest) -> None:
    assert (1,) == ASK[request.node.callspec.params["shared"]](shared)


def test_a_frozen_server_keeps_its_port_and_answers_after_the_thaw(server: Server) -> None:
    server.freeze()
    with pytest.raises(FAILURES):
        ASK[server.kind](server)
    server.thaw()
    assert (1,) == ASK[server.kind](server)


def test_a_killed_server_is_gone_with_its_children_and_comes_back_on_its_port(server: Server) -> None:
    pids, port = _processes.family(server.pid), server.port
    server.freeze()
    server.kill()
    assert set() == {_processes._state(pid) for pid in pids} - {"X", "Z"}
    with pytest.raises(FAILURES):
        ASK[server.kind](server)
    server.start()
    assert port == server.port
    assert (1,) == ASK[server.kind](server)


def test_a_restarted_server_is_another_process_on_the_same_port(server: Server) -> None:
    old = server.pid, server.port
    server.restart()
    assert (False, True) == (old[0] == server.pid, old[1] == server.port)
    assert (1,) == ASK[server.kind](server)


def test_a_frozen_server_can_be_stopped(server: Server) -> None:
    server.freeze()
    server.stop()
    assert not server.running


def test_settings_reach_the_server(server_room: ServerRoom) -> None:
    with server_room.postgres("max_connections=7") as server, psycopg.connect(server.url) as conn:
        assert ("7",) == conn.execute("show max_connections").fetchone()


def test_a_server_ends_when_the_suite_is_killed(redis_server: Endpoint) -> None:
    code = """
        import os, signal
        from tests.servers import ServerRoom
        room = ServerRoom()
        server = room.redis()
        server.start()
        print(server.port, room.directory, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, cwd=ROOT, check=False
    )
    port, folder = done.stdout.split()
    deadline = time.monotonic() + 30
    while is_served(int(port)) or Path(folder.decode()).exists():
        assert time.monotonic() < deadline, f"server {port} or {folder!r} outlived the suite"


def test_the_proxy_forwards(proxy: Proxy) -> None:
    with dial(proxy) as client:
        assert b"hello" == said(client, b"hello")
        client.shutdown(socket.SHUT_WR)
        assert b"" == client.recv(100)
    assert 1 == len(proxy.accepted_at)


def test_a_hanging_proxy_holds_bytes_back_until_it_resumes(proxy: Proxy) -> None:
    with dial(proxy) as client:
        assert b"a" == said(client, b"a")
        proxy.hang()
        client.sendall(b"b")
        with dial(proxy) as late:
            late.sendall(b"c")
            assert (True, True) == (hears_nothing(client), hears_nothing(late))
            proxy.resume()
            assert (b"b", b"c") == (client.recv(100), late.recv(100))


def test_a_proxy_that_hangs_new_connections_lets_the_open_ones_pass(proxy: Proxy) -> None:
    with dial(proxy) as old:
        assert b"a" == said(old, b"a")
        proxy.hang_new()
        with dial(proxy) as new:
            new.sendall(b"b")
            assert b"c" == said(old, b"c")
            assert hears_nothing(new)
            proxy.resume()
            assert b"b" == new.recv(100)


def test_a_proxy_that_hangs_open_connections_lets_new_ones_pass(proxy: Proxy) -> None:
    with dial(proxy) as old:
        assert b"a" == said(old, b"a")
        proxy.hang_old()
        old.sendall(b"b")
        with dial(proxy) as new:
            assert b"c" == said(new, b"c")
        assert hears_nothing(old)


def test_a_swallowing_proxy_loses_bytes_for_good(proxy: Proxy) -> None:
    with dial(proxy) as client:
        assert b"a" == said(client, b"a")
        proxy.swallow()
        client.sendall(b"b")
        assert hears_nothing(client)
        proxy.resume()
        assert b"c" == said(client, b"c")


def test_a_reset_reaches_open_connections_only(proxy: Proxy) -> None:
    with dial(proxy) as client:
        assert b"a" == said(client, b"a")
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            client.recv(100)
    assert 0 == proxy.open_links
    with dial(proxy) as client:
        assert b"b" == said(client, b"b")


def test_a_refusing_proxy_accepts_again_on_the_same_port(proxy: Proxy) -> None:
    with dial(proxy) as client:
        assert b"a" == said(client, b"a")
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            dial(proxy)
        assert b"b" == said(client, b"b")
        proxy.accept()
        with dial(proxy) as late:
            assert b"c" == said(late, b"c")


def test_a_delaying_proxy_is_late(proxy: Proxy) -> None:
    proxy.delay(connect=0.2, chunk=0.0)
    with dial(proxy) as client:
        client.sendall(b"a")
        assert hears_nothing(client)
        assert b"a" == client.recv(100)


def test_a_driver_speaks_through_the_proxy(
    redis_server: Endpoint, proxy_to: Callable[[Endpoint], Proxy]
) -> None:
    proxy = proxy_to(redis_server)
    with redis.Redis.from_url(proxy.url(redis_server.url)) as client:
        assert client.ping()
    assert 1 == len(proxy.accepted_at)


def test_a_closed_proxy_leaves_no_thread(proxy: Proxy) -> None:
    proxy.close()
    assert not proxy._thread.is_alive()


@pytest.mark.parametrize(("ci", "outcome"), [("", "1 skipped"), ("true", "1 error")])
def test_a_missing_server_is_named_and_fails_on_ci_only(ci: str, outcome: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_it(fresh_memcached): pass\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.servers.fixtures", "--rootdir", ".", "test_it.py"]
    env = {"CI": ci, "PATH": "/nowhere", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, check=False)
    assert outcome in done.stdout
    assert "server missing: memcached (no program 'memcached'); its tests did not run" in done.stdout
