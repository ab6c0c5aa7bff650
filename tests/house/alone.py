"""Run by `tox -e wheel`, where only the wheel is installed: it imports, and what needs no driver works."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points, requires
from importlib.util import find_spec
from pathlib import Path

DRIVERS = ("psycopg", "pymysql", "redis", "aiosqlite", "aiomysql", "click", "rich", "matplotlib", "sqlite3")
PACKAGES = ("respool", "respool_mysql", "respool_postgres", "respool_redis", "respool_sqlite")


def main() -> None:
    """Raise AssertionError where the wheel is not what it promises."""
    present = [name for name in DRIVERS if name != "sqlite3" and find_spec(name)]
    assert present == [], f"not a clean environment: {present}"
    import respool

    loaded = [name for name in (*DRIVERS, "asyncio") if name in sys.modules]
    assert loaded == [], f"`import respool` loads {loaded}"
    homes = {name: find_spec(name).submodule_search_locations[0] for name in PACKAGES}
    assert all(home.startswith(sys.prefix) for home in homes.values()), homes
    untyped = [name for name, home in homes.items() if not (Path(home) / "py.typed").exists()]
    assert untyped == [], f"no py.typed in {untyped}"
    needed = sorted(line.split(">")[0] for line in requires("respool") if "extra ==" not in line)
    assert needed == ["attrs", "typing-extensions"], needed
    schemes = {each.name for each in entry_points(group="respool.adapters")}
    assert {"sqlite", "postgres", "mysql", "redis"} <= schemes, schemes
    lease_one(respool)
    print(f"respool {respool.__file__}: imports alone, typed, no driver, schemes {sorted(schemes)}")


def lease_one(respool: object) -> None:
    """Use the one backend that needs no driver."""
    with respool.open_pool("sqlite://") as pool, pool.acquire() as connection:
        assert connection.execute("select 1").fetchone() == (1,)


main()
