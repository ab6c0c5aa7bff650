"""A stranger's package is treated like ours: the one of "publish an adapter", built, installed and used."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from respool import open_async_pool, open_pool
from respool.cli._adapters import survey
from tests.kit.environment import HANG, Environment
from tests.kit.test_guides import DOCS, block
from tests.servers import free_port

pytestmark = pytest.mark.timeout(3 * HANG)

PAGE = "howto/publish-adapter.md"
FACE = "from ._adapter import SmtpAdapter, backend, smtp_pool\n"
KIT = """
import smtplib
import pytest
from respool.testing import AdapterTests
from respool_smtp import SmtpAdapter


class TestSmtpAdapter(AdapterTests[smtplib.SMTP]):
    @pytest.fixture
    def adapter(self, port):
        return SmtpAdapter("127.0.0.1", port)

    def sever(self, session, /):
        session.sock.shutdown(2)
"""
OPENS = """
import sys
from respool import open_async_pool, open_pool
from respool_smtp import smtp_pool

for opened in (open_pool, smtp_pool):
    with opened(sys.argv[1], max_size=2) as pool, pool.acquire(timeout=10) as session:
        print(session.noop()[0], pool.name)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Build respool-smtp from the page and install it."""
    home = tmp_path_factory.mktemp("published")
    project = re.findall(r"```toml\n(.*?)```", (DOCS / PAGE).read_text(), re.DOTALL)[0]
    package = home / "respool-smtp" / "respool_smtp"
    package.mkdir(parents=True)
    (package.parent / "pyproject.toml").write_text(project)
    (package / "__init__.py").write_text(FACE)
    (package / "_adapter.py").write_text(block(PAGE, "class SmtpAdapter") + block(PAGE, "def smtp_pool"))
    (package / "py.typed").touch()
    environment = Environment(home / "environment")
    environment.install(package.parent)
    return environment


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A real mail server."""
    port = free_port()
    server = Controller(Sink(), hostname="127.0.0.1", port=port)
    server.start()
    yield f"smtp://127.0.0.1:{port}"
    server.stop()


def test_its_pools_open_by_url_and_by_its_helper(environment: Environment, url: str, tmp_path: Path) -> None:
    done = environment.script(OPENS, url, cwd=tmp_path)
    assert ["250 smtp-1", "250 smtp-2"] == done.stdout.splitlines(), done.stderr


def test_it_passes_the_kit(environment: Environment, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(block("tutorial/first-adapter.md", 'scope="session"'))
    (tmp_path / "test_kit.py").write_text(KIT)
    report = environment.run("pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path).stdout
    assert " passed, " in report, report
    assert "failed" not in report, report


def test_it_goes_under_load(environment: Environment, url: str, tmp_path: Path) -> None:
    options = ["--duration", "1", "--workers", "4", "--max-size", "2", "--json"]
    done = environment.run("respool.cli", "load", url, *options, cwd=tmp_path)
    assert 0 == done.returncode, done.stderr
    summary = json.loads(done.stdout)
    assert 0 < summary["leases"]


def test_it_sees_the_doctor(environment: Environment, url: str, tmp_path: Path) -> None:
    done = environment.run("respool.cli", "doctor", url, "--json", cwd=tmp_path)
    assert 0 == done.returncode, done.stderr
    report = json.loads(done.stdout)
    assert "SMTP" == report["backend"]
    assert {"create", "validate", "reset", "destroy"} <= set(report["seconds"])


def test_it_is_listed_beside_ours(environment: Environment, tmp_path: Path) -> None:
    rows = json.loads(environment.run("respool.cli", "adapters", "--json", cwd=tmp_path).stdout)
    row = next(row for row in rows if row["name"] == "SMTP")
    assert {"name": "SMTP", "schemes": ["smtp"], "version": "0.1.0", "state": "installed"} == {
        key: row[key] for key in ("name", "schemes", "version", "state")
    }
    assert "sqlite" in {scheme for row in rows for scheme in row["schemes"]}


# ---------------------------------------------------------------------- what goes wrong

Install = Callable[..., None]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a package where the import system finds it, as an installer would."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(package: str, schemes: str, text: str) -> None:
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        points = "".join(f"{scheme} = {package}:backend\n" for scheme in schemes.split())
        (info / "entry_points.txt").write_text(f"[respool.adapters]\n{points}")
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {package.replace('_', '-')}\nVersion: 1.0\n"
        )
        (tmp_path / f"{package}.py").write_text(text)

    return install


BACKEND = "from respool import Backend\nbackend = Backend(name='X', adapter=lambda url, **options: None)\n"


def row_of(name: str) -> Any:
    return next(row for row in survey() if row["name"] == name)


def test_two_packages_that_claim_one_scheme_are_refused_and_both_named(installed: Install) -> None:
    installed("my_mail", "mail", BACKEND.replace("'X'", "'Mine'"))
    installed("your_mail", "mail post", BACKEND.replace("'X'", "'Yours'"))
    told = r"two packages claim the URL scheme 'mail': my-mail \(my_mail:.*\) and your-mail \(your_mail:"
    with pytest.raises(ValueError, match=told):
        open_pool("mail://x")
    assert "refused: mail is claimed by your_mail too" == row_of("Mine")["state"]
    assert ["mail", "post"] == row_of("Yours")["schemes"]
    with pytest.raises(TypeError, match="NoneType is no adapter"):
        open_pool("post://x")  # the other scheme is nobody else's


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("sqlit:///x.db", "did you mean 'sqlite'"),
        ("postgers://x", "did you mean 'postgres'"),
        ("maill://x", "did you mean 'mail'"),
        ("qqqq://x", "known are mail, mariadb, mysql"),
        ("x.db", "it must be scheme://"),
        ("://x", "it must be scheme://"),
        ("", "it must be scheme://"),
    ],
)
def test_an_unknown_scheme_is_refused_with_what_was_meant(installed: Install, url: str, told: str) -> None:
    installed("my_mail", "mail", BACKEND)
    with pytest.raises(ValueError, match=told):
        open_pool(url)


@pytest.mark.parametrize("opened", [open_pool, open_async_pool])
@pytest.mark.parametrize("url", ["sqlite://", "postgresql://x", "mysql://x", "redis://x"])
def test_an_unknown_option_is_refused_with_what_was_meant(opened: Callable[..., Any], url: str) -> None:
    """Behaviour 20."""
    with pytest.raises(TypeError, match="unknown option 'max_sise', did you mean 'max_size'"):
        opened(url, max_sise=3)
    with pytest.raises(TypeError, match="unknown option 'hygeine', did you mean 'hygiene'"):
        opened(url, hygeine="none")


def test_a_type_error_of_another_kind_is_left_as_it_is(installed: Install) -> None:
    installed("odd_mail", "odd", BACKEND.replace("None)", "len(5))"))
    with pytest.raises(TypeError, match="has no len"):
        open_pool("odd://x")


@pytest.mark.parametrize("opened", [open_pool, open_async_pool])
@pytest.mark.parametrize("url", ["SQLITE://", "PostgreSQL://x", "MySQL://x", "REDIS://x"])
def test_a_scheme_may_be_written_in_capitals(opened: Callable[..., Any], url: str) -> None:
    assert opened(url).name.startswith(url.partition("://")[0].lower()[:5])


@pytest.mark.parametrize("opened", [open_pool, open_async_pool])
@pytest.mark.parametrize("url", ["sqlite+foo://", "postgresql+asyncpg://u:hunter2@h/x", "MYSQL+PyMySQL://x"])
def test_a_driver_in_the_scheme_is_refused_by_name(opened: Callable[..., Any], url: str) -> None:
    scheme, _, driver = url.lower().partition("://")[0].partition("+")
    with pytest.raises(ValueError, match=rf"names a driver, '{driver}': write {scheme}://\.\.\.") as refused:
        opened(url)
    assert "hunter2" not in str(refused.value)


def test_a_scheme_with_a_plus_of_its_own_is_its_adapters(installed: Install) -> None:
    text = "from respool import Backend\nseen = []\ndef make(url, **options): seen.append(url)\n"
    installed("plus_mail", "plus box+srv", text + "backend = Backend(name='Mine', adapter=make)\n")
    for url in ("plus+srv://x", "BOX+srv://X"):
        with pytest.raises(TypeError, match="NoneType is no adapter"):
            open_pool(url)
    assert ["plus+srv://x", "box+srv://X"] == sys.modules["plus_mail"].seen


def test_a_refused_url_does_not_show_its_password() -> None:
    """The second is no URL, and yet somebody's password."""
    for url in ("nosuch://me:hunter2@host/db", "://me:hunter2@host"):
        with pytest.raises(ValueError, match="scheme") as refused:
            open_pool(url)
        assert "hunter2" not in str(refused.value)


def test_an_entry_point_that_cannot_be_loaded_is_named(installed: Install) -> None:
    installed("no_module", "nom", "import nothing_of_that_name\n")
    installed("no_object", "noo", "backend_ = None\n")
    installed("no_backend", "nob", "backend = object()\n")
    with pytest.raises(ImportError, match=r"'nom' cannot be loaded: no-module \(no_module:backend\): Module"):
        open_pool("nom://x")
    with pytest.raises(ImportError, match=r"'noo' cannot be loaded: no-object \(no_object:backend\): Attr"):
        open_pool("noo://x")
    with pytest.raises(TypeError, match=r"no-backend \(no_backend:backend\) is object, .* must name"):
        open_pool("nob://x")
    assert "broken: ModuleNotFoundError" in row_of("no_module")["state"]


def test_a_url_that_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError, match="url is PosixPath, it must be a str"):
        open_pool(Path("x.db"))  # type: ignore[arg-type]
