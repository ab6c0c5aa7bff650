"""Bad input: an error that names the thing and what to do, and never quotes a secret."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any
from urllib.parse import urlsplit

import pymysql
import pytest

from respool import Fault
from respool_mysql import AsyncMysqlAdapter, MysqlAdapter
from respool_mysql._url import read_url
from tests.adapters.mysql.hand import Hand

CANARY = "s3cret"


def test_a_url_is_read_into_the_drivers_own_arguments() -> None:
    url = "mysql://us%40er:p%2Fw@db.example:3307/shop%20a%2Fb?charset=latin1&autocommit=true&read_timeout=2.5"
    expected = {
        "host": "db.example",
        "port": 3307,
        "user": "us@er",
        "password": "p/w",
        "database": "shop a/b",
        "charset": "latin1",
        "autocommit": True,
        "read_timeout": 2.5,
    }
    assert expected == read_url(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mysql://", {}),
        ("mariadb://localhost", {"host": "localhost"}),
        ("mysql://[::1]:3306/", {"host": "::1", "port": 3306}),
        ("mysql:///shop?unix_socket=/run/s", {"database": "shop", "unix_socket": "/run/s"}),
        ("MySQL://root@h", {"host": "h", "user": "root"}),
        ("mysql://h?ssl_verify_identity=1&local_infile=no", {"host": "h", "ssl_verify_identity": True}),
    ],
)
def test_everything_but_the_scheme_may_be_missing(url: str, expected: dict[str, Any]) -> None:
    assert expected.items() <= read_url(url).items()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgres://root@h/db", "must begin with mysql://"),
        ("mysq://root@h/db", "did you mean mysql://"),
        (f"mysql+pymysql://root:{CANARY}@h/db", "not mysql[+]pymysql://"),
        (f"root:{CANARY}@h/db", "must begin with mysql://"),
        ("mysql:h", "must begin with mysql://"),
        (f"mysql://root:{CANARY}@h:port/db", "port is no number"),
        (f"mysql://root:a/{CANARY}@h/db", "port is no number"),
        ("mysql://root@h:0/db", "port is no number"),
        ("mysql://root@h:99999/db", "port is no number"),
        (f"mysql://root:a#{CANARY}@h/db", "%23"),
        (f"mysql://root:12?{CANARY}@h/db", "%3F"),
        (f"mysql://root:12?{CANARY}=1@h/db", "%3F"),
        (f"mysql://root:12?charset=utf8&{CANARY}&a=1@h/db", "%3F"),
        (f"mysql://root:12?charset={CANARY}@h/db", "one that the driver does not know"),
        (f"mysql://root:{CANARY}@[::1/db", "IPv6"),
        (f"mysql://root:{CANARY}/a@h/db", "%2F"),
        (f"mysql://root:{CANARY}?a@h/db", "%3F"),
        (f"mysql://root:{CANARY}\N{FULLWIDTH QUESTION MARK}@h/db", "host cannot be read"),
        ("mysql://h/a/b", "one database name"),
        ("mysql://h/db?charset_=utf8", "unknown parameter 'charset_' .* did you mean 'charset'"),
        ("mysql://h/db?wibble=1", "unknown parameter 'wibble' .* known are autocommit"),
        ("mysql://h/db?autocommit=perhaps", "'autocommit' must be true or false"),
        (
            "mysql://h/db?unix_socket=/" + 30 * "long/",
            "unix_socket is a path of 151 bytes, it must have at most",
        ),
        ("mysql://h/db?read_timeout=long", "'read_timeout' must be a number of seconds"),
        ("mysql://h/db?max_allowed_packet=big", "'max_allowed_packet' must be a whole number"),
    ],
)
def test_a_url_that_cannot_be_read_is_refused_with_the_reason(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        MysqlAdapter(url)
    assert CANARY not in str(refused.value)
    assert refused.value.__cause__ is None
    assert CANARY not in str(refused.value.__context__)


def test_a_url_that_is_no_text_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="the URL is a bytes"):
        MysqlAdapter(b"mysql://h")  # type: ignore[call-overload]


@pytest.mark.parametrize("adapter", [MysqlAdapter, AsyncMysqlAdapter])
def test_an_unknown_connect_argument_is_refused_with_a_guess(adapter: Any) -> None:
    with pytest.raises(TypeError, match="no connect argument 'pasword', did you mean 'password'"):
        adapter("mysql://h", connect={"pasword": CANARY})


def test_what_aiomysql_cannot_do_is_refused_not_ignored() -> None:
    with pytest.raises(TypeError, match="aiomysql takes no connect argument 'read_timeout'"):
        AsyncMysqlAdapter("mysql://h", connect={"read_timeout": 1})
    with pytest.raises(ValueError, match="aiomysql takes no 'read_timeout', which is in the URL"):
        AsyncMysqlAdapter("mysql://h?read_timeout=1")


@pytest.mark.parametrize("adapter", [MysqlAdapter, AsyncMysqlAdapter])
def test_a_level_that_is_none_is_refused(adapter: Any) -> None:
    with pytest.raises(ValueError, match="hygiene is 'thorough', it must be one of 'session'"):
        adapter("mysql://h", hygiene="thorough")


@pytest.mark.parametrize("adapter", [MysqlAdapter, AsyncMysqlAdapter])
def test_a_configure_that_cannot_be_called_is_refused(adapter: Any) -> None:
    with pytest.raises(TypeError, match="configure is 'SET x', it must be callable"):
        adapter("mysql://h", configure="SET x")


@pytest.mark.parametrize("adapter", [MysqlAdapter, AsyncMysqlAdapter])
def test_a_missing_certificate_is_told_when_the_adapter_is_made(adapter: Any) -> None:
    with pytest.raises(ValueError, match=r"cannot read the TLS files '/nowhere/ca.pem': No such file"):
        adapter("mysql://h?ssl_ca=/nowhere/ca.pem")


@pytest.mark.parametrize("name", ["ca", "cert"])
@pytest.mark.parametrize("adapter", [MysqlAdapter, AsyncMysqlAdapter])
def test_a_missing_certificate_among_the_options_is_told_when_the_adapter_is_made(
    adapter: Any, name: str
) -> None:
    with pytest.raises(ValueError, match=r"cannot read the TLS files '/nowhere/it': No such file"):
        adapter("mysql://h", connect={"ssl": {name: "/nowhere/it"}})


def test_a_missing_certificate_that_a_file_of_options_names_is_a_bad_configuration(tmp_path: Any) -> None:
    """PyMySQL reads that file at each connect; no outage is made of it."""
    file = tmp_path / "my.cnf"
    file.write_text("[client]\nssl-ca=/nowhere/it\n")
    adapter = MysqlAdapter("mysql://h", connect={"read_default_file": str(file)})
    with pytest.raises(ValueError, match=r"cannot read the TLS files '/nowhere/it'") as refused:
        adapter.create()
    assert Fault.CONFIG is adapter.classify(refused.value)


@pytest.mark.parametrize("kind", [MysqlAdapter, AsyncMysqlAdapter])
@pytest.mark.parametrize("text", ["host=db\n", "[client]\n[client]\n"])
def test_a_file_of_options_that_cannot_be_read_is_a_bad_configuration(
    kind: Any, text: str, tmp_path: Any
) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(text)
    adapter = kind("mysql://127.0.0.1:1", connect={"read_default_file": str(file)})
    create = adapter.create if kind is MysqlAdapter else lambda: asyncio.run(adapter.create())
    with pytest.raises(Exception, match="section") as refused:
        create()
    assert Fault.CONFIG is adapter.classify(refused.value)


@pytest.mark.parametrize(
    ("file", "group", "words"),
    [
        ("gone.cnf", None, r"^read_default_file is '.*gone.cnf', which cannot be read: No such file"),
        (".", None, r"^read_default_file is '.*', which cannot be read: Is a directory"),
        ("my.cnf", "ap", r"^read_default_group is 'ap', a group that '.*my.cnf' does not have"),
    ],
)
@pytest.mark.parametrize("kind", [MysqlAdapter, AsyncMysqlAdapter])
def test_a_file_of_options_or_a_group_that_is_not_there_is_a_bad_configuration(
    kind: Any, file: str, group: str | None, words: str, tmp_path: Any
) -> None:
    """Both drivers would log in somewhere else, as somebody else."""
    (tmp_path / "my.cnf").write_text("[app]\nhost=db\n")
    own = {"read_default_file": str(tmp_path / file), "read_default_group": group}
    adapter = kind("mysql://127.0.0.1:1", connect=own)
    create = adapter.create if kind is MysqlAdapter else lambda: asyncio.run(adapter.create())
    with pytest.raises(ValueError, match=words) as refused:
        create()
    assert Fault.CONFIG is adapter.classify(refused.value)


def test_a_file_of_options_need_not_have_the_usual_group(tmp_path: Any) -> None:
    file = tmp_path / "my.cnf"
    file.write_text("[mysqld]\nport=3306\n")
    adapter = MysqlAdapter("mysql://127.0.0.1:1", connect={"read_default_file": str(file)})
    with pytest.raises(pymysql.OperationalError) as refused:
        adapter.create()
    assert Fault.BACKEND_DOWN is adapter.classify(refused.value)


@pytest.mark.parametrize("kind", [MysqlAdapter, AsyncMysqlAdapter])
def test_who_named_only_a_file_of_options_is_told_no_other_place(kind: Any) -> None:
    adapter = kind("mysql://me@", connect={"read_default_file": "~/.my.cnf"})
    assert "~/.my.cnf" == adapter.login.host
    assert "'mysql://me@~/.my.cnf/'" in repr(adapter)


@pytest.mark.parametrize(
    ("option", "words"),
    [
        (f"socket=/{30 * 'long/'}", "unix_socket is a path of 151 bytes"),
        ("default-character-set=utf9", "charset is 'utf9', which the driver does not know"),
        ("port=99999", "port is 99999, it must be from 1 to 65535"),
    ],
)
@pytest.mark.parametrize("kind", [MysqlAdapter, AsyncMysqlAdapter])
def test_what_a_file_of_options_has_wrong_is_a_bad_configuration(
    kind: Any, option: str, words: str, tmp_path: Any
) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(f"[client]\n{option}\n")
    adapter = kind("mysql://", connect={"read_default_file": str(file)})
    create = adapter.create if kind is MysqlAdapter else lambda: asyncio.run(adapter.create())
    with pytest.raises(ValueError, match=words) as refused:
        create()
    assert Fault.CONFIG is adapter.classify(refused.value)


def test_what_is_said_beside_a_file_of_options_wins(hand: Hand, tmp_path: Any) -> None:
    """Its values may stand in quotes, and an option in it need not have one."""
    parts = urlsplit(hand.url)
    file = tmp_path / "my.cnf"
    where = [f'host="{parts.hostname}"', f"port='{parts.port}'", "socket"]
    file.write_text("\n".join(["[app]", *where, "user=nobody", 'database="respool"']))
    credentials = {"user": parts.username, "password": parts.password or ""}
    own = {"read_default_file": str(file), "read_default_group": "app", **credentials}
    _, conn = hand.lease("mysql://", connect=own)
    assert "respool" == hand.ask(conn, "SELECT DATABASE()")


def test_a_file_of_options_that_changes_is_heard_at_the_next_create(hand: Hand, tmp_path: Any) -> None:
    parts = urlsplit(hand.url)
    file = tmp_path / "my.cnf"
    adapter = hand.adapter(f"mysql://{parts.netloc}", connect={"read_default_file": str(file)})
    for charset in ("latin1", "utf8mb4"):
        file.write_text(f"[client]\ndefault-character-set={charset}\n")
        assert charset == hand.ask(hand.create(adapter), "SELECT @@character_set_client")


WRONG = {
    "a list": (["a"], TypeError, "connect is a list, it must be a mapping"),
    "a number as a name": ({5: CANARY}, TypeError, "connect has the name 5, names must be str"),
    "a limit in words": ({"connect_timeout": "5"}, TypeError, "connect_timeout is '5', it must be a number"),
    "a limit that is true": ({"connect_timeout": True}, TypeError, "connect_timeout is True, it must be"),
    "no time at all": ({"connect_timeout": 0}, ValueError, "connect_timeout is 0, it must be above 0"),
    "no number": (
        {"connect_timeout": float("nan")},
        ValueError,
        "connect_timeout is nan, it must be above 0",
    ),
    "no TLS": ({"ssl": 5}, TypeError, "ssl is 5, it must be an ssl.SSLContext or a dict"),
    "a port in words": ({"port": "3306"}, TypeError, "port is '3306', its type must be int"),
    "a socket that is a number": ({"unix_socket": 5}, TypeError, "unix_socket is 5, its type must be str"),
    "flags in words": ({"client_flag": "2"}, TypeError, "client_flag is '2', its type must be int"),
    "a CA that is a number": ({"ssl_ca": 5.0}, TypeError, "ssl_ca is 5.0, it must be a str or a path"),
    "a CA among options": ({"ssl": {"ca": 5.0}}, TypeError, "ca is 5.0, it must be a str or a path"),
    "a CA with a zero": ({"ssl_ca": "a\0b"}, ValueError, "ssl_ca is .*, which has a character 0 in it"),
    "flags below 0": ({"client_flag": -1}, ValueError, "client_flag is -1, it must be a sum of"),
    "too many flags": ({"client_flag": 1 << 31}, ValueError, "client_flag is 2147483648, it must be a sum"),
    "autocommit in words": ({"autocommit": "off"}, TypeError, "autocommit is 'off', it must be True, False"),
    "a host with a zero": ({"host": "a\0b"}, ValueError, r"host is 'a\\x00b', it must be a name or"),
    "a host that is a number": ({"host": 5}, TypeError, "host is 5, its type must be str"),
    "a charset that is a number": ({"charset": 5}, TypeError, "charset is 5, its type must be str"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("adapter", [MysqlAdapter, AsyncMysqlAdapter])
def test_a_wrong_connect_argument_is_refused_when_the_adapter_is_made(adapter: Any, wrong: str) -> None:
    connect, error, words = WRONG[wrong]
    with pytest.raises(error, match=words) as refused:
        adapter("mysql://h", connect=connect)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize("name", ["read_timeout", "write_timeout"])
def test_a_wrong_limit_of_pymysqls_own_is_refused_when_the_adapter_is_made(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} is '5', it must be a number of seconds"):
        MysqlAdapter("mysql://h", connect={name: "5"})
    with pytest.raises(ValueError, match=f"{name} is -1.0, it must be above 0"):
        MysqlAdapter(f"mysql://h?{name}=-1")


@pytest.mark.parametrize("kind", [MysqlAdapter, AsyncMysqlAdapter])
def test_an_empty_host_is_the_default_on_both_drivers(kind: Any) -> None:
    """PyMySQL takes it so, aiomysql looks the empty name up."""
    assert "host" not in kind("mysql://root@", connect={"host": ""}).login.fixed


def test_a_limit_that_is_none_is_none(hand: Hand) -> None:
    names = ["connect_timeout"] + ["read_timeout", "write_timeout"] * (hand.colour == "sync")
    _, conn = hand.lease(connect=dict.fromkeys(names))
    assert 1 == hand.ask(conn, "SELECT 1")


@pytest.mark.parametrize("wrong", [5, int, "DictCursor"])
@pytest.mark.parametrize("adapter", [MysqlAdapter, AsyncMysqlAdapter])
def test_a_cursor_class_that_is_none_is_refused(adapter: Any, wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"cursorclass is .*, it must be a subclass of \S+\.cursors\.Cursor"):
        adapter("mysql://h", cursorclass=wrong)


@pytest.mark.parametrize("adapter", [MysqlAdapter, AsyncMysqlAdapter])
def test_a_port_that_is_none_is_refused_when_the_adapter_is_made(adapter: Any) -> None:
    for port in (-1, 99999):
        with pytest.raises(ValueError, match=f"port is {port}, it must be from 1 to 65535"):
            adapter("mysql://h", connect={"port": port})


@pytest.mark.parametrize("adapter", [MysqlAdapter, AsyncMysqlAdapter])
def test_a_charset_that_is_none_is_refused_when_the_adapter_is_made(adapter: Any) -> None:
    with pytest.raises(ValueError, match=r"charset is 'utf9', .* utf8mb4 is the usual one"):
        adapter("mysql://h?charset=utf9")


@pytest.mark.parametrize("alias", ["db", "passwd"])
def test_the_drivers_old_names_still_work(alias: str) -> None:
    name = {"db": "database", "passwd": "password"}[alias]
    assert "x" == MysqlAdapter("mysql://h", connect={alias: "x"}).login.fixed[name]


_WITHOUT = """
import sys
sys.modules[{missing!r}] = None
import respool_mysql
assert "MySQL" == respool_mysql.backend.name
try:
    respool_mysql.{name}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("missing", "name", "hint"),
    [
        ("pymysql", "MysqlAdapter", "pip install 'respool[mysql]'"),
        ("aiomysql", "AsyncMysqlAdapter", "pip install 'respool[mysql,async]'"),
    ],
)
def test_without_the_driver_the_backend_still_loads_and_the_adapter_says_what_to_install(
    missing: str, name: str, hint: str
) -> None:
    code = _WITHOUT.format(missing=missing, name=name)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert hint in done.stdout, done.stderr


def test_importing_the_package_loads_no_driver() -> None:
    code = "import sys, respool_mysql; print({'pymysql', 'aiomysql', 'asyncio', 'ssl'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "set()" == done.stdout.strip(), done.stderr


def test_an_unknown_name_is_an_attribute_error() -> None:
    import respool_mysql

    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        respool_mysql.nonsense  # type: ignore[attr-defined]  # noqa: B018
