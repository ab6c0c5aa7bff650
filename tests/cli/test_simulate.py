"""`respool simulate` and `respool advise`: a workload in, numbers, pictures and exit statuses out."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from statistics import fmean
from time import sleep
from xml.etree import ElementTree

import pytest

from respool import make_pool
from respool.cli._simulate import command as simulate
from respool.cli._workload import scenario_from
from tests.cli.hand import Terminal, respool

SHORT = ("--rate", "50", "--length", "10", "--runs", "1")


def test_a_plot_without_matplotlib_is_refused_before_the_runs_and_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = respool("simulate", "--rate", "10", "--plot", str(tmp_path / "curve.png"))
    assert 1 == done.exit_code
    assert "Error: --plot needs matplotlib: pip install 'respool[cli]'\n" == done.output
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["advise", "simulate"])
def test_the_help_shows_what_is_assumed_of_a_workload(command: str) -> None:
    told = " ".join(respool(command, "--help").output.split())
    for assumed in ("think time, s. [default: 1.0", "variation. [default: 1.0", "wait, s. [default: (30.0;"):
        assert assumed in told
    assert "caller in all. [default: 1;" in told


@pytest.mark.parametrize("command", ["advise", "simulate"])
@pytest.mark.parametrize(
    "given", [(), ("--rate", "10", "--callers", "3"), ("--callers", "3", "--trace", "some.trace")]
)
def test_exactly_one_option_says_who_comes(command: str, given: tuple[str, ...]) -> None:
    done = respool(command, *given)
    assert 2 == done.exit_code
    assert "say who comes by one of --rate, --callers and --trace" in done.output


@pytest.mark.parametrize("command", ["advise", "simulate"])
@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--rate", "10", "--think", "2"), "--think goes with --callers, it has no meaning with --rate"),
        (("--callers", "3", "--arrivals", "flash"), "--arrivals goes with --rate"),
        (("--trace", "t", "--hold-cv", "0"), "--hold-cv goes with --rate or --callers"),
        (("--trace", "t", "--length", "60"), "--length goes with --rate or --callers"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(
    command: str, given: tuple[str, ...], told: str
) -> None:
    done = respool(command, *given)
    assert 2 == done.exit_code
    assert told in done.output


@pytest.mark.parametrize("command", ["advise", "simulate"])
@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("--rate", "1e300"), "--rate 1e+300 makes more than 10,000,000 calls in --length 300"),
        (("--rate", "1e5", "--length", "101"), "--rate 100000 makes more than"),
        (("--callers", "2", "--think", "1e-9"), "--callers 2 with --think 1e-09 makes more than"),
        (("--callers", 400 * "9"), "9 with --think 1 makes more than"),
        (("--rate", "1e-300", "--length", "1e300"), "1e+300 is not in the range 1<=x<=10000000"),
    ],
)
def test_more_calls_than_can_be_run_through_are_refused(
    command: str, given: tuple[str, ...], told: str
) -> None:
    done = respool(command, *given)
    assert 2 == done.exit_code
    assert told in done.output


def test_a_trace_is_replayed_with_its_own_creates_and_timeout(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    pool = make_pool(lambda: sleep(0.2) or object(), timeout=7.0, admission=None)
    with pool, pool.record(trace), pool.acquire():
        pass

    def as_it_is(*given: str) -> tuple[float, float]:
        done = respool(
            "simulate", "--trace", str(trace), "--runs", "1", "--admission", "none", "--json", *given
        )
        found = json.loads(done.stdout)["what_if"][0]
        return found["p99_wait"], found["failed"]

    wait, failed = as_it_is()
    assert 0.2 <= wait < 1.0
    assert 0.0 == failed
    assert 0.5 <= as_it_is("--connect", "0.5")[0]
    assert 1.0 == as_it_is("--connect", "7.5")[1]
    assert 0.0 == as_it_is("--connect", "7.5", "--create-timeout", "10", "--patience", "9")[1]


def test_the_name_of_a_trace_is_shown_as_it_is_though_it_look_like_markup(tmp_path: Path) -> None:
    trace = tmp_path / r"[red]$\frac{$"
    with make_pool(object) as pool, pool.record(trace), pool.acquire():
        pass
    picture = tmp_path / "curve.svg"
    drawn = ("--trace", str(trace), "--runs", "1", "--sizes", "1", "--targets", "5", "--plot", str(picture))
    done = respool("simulate", *drawn)
    assert 0 == done.exit_code
    assert f"{trace.name}: sizes and target waits" in done.output
    assert trace.name in picture.read_text(encoding="utf-8")  # in a comment beside the outlines
    advised = respool("advise", "--trace", str(trace), "--target-wait", "1e-9", "--runs", "1")
    assert f"the p99 wait of {trace.name} within" in " ".join(advised.output.split())


def test_the_settings_that_were_tried_can_be_told_apart_on_eighty_columns() -> None:
    given = ("simulate", "--rate", "50", "--length", "5", "--runs", "1", "--sizes", "2")
    settings = {line.split()[0] for line in respool(*given).output.splitlines() if line}
    assert {"target_wait=0.002", "target_wait=0.01", "target_wait=0.05"} <= settings


def test_all_that_was_run_is_in_the_json() -> None:
    done = respool("simulate", *SHORT, "--sizes", "1,2", "--targets", "0.01", "--json")
    assert 0 == done.exit_code
    report = json.loads(done.stdout)
    assert ["max_size=1", "max_size=2", "target_wait=0.01"] == [one["setting"] for one in report["curve"]]
    waits = [one["p99_wait"] for one in report["curve"]]
    assert waits[0] > waits[1]
    assert "30 s outage" == report["what_if"][-1]["setting"]
    assert [] == report["broken"]
    assert {"setting", "value", "p99_wait", "resource_seconds", "failed", "creates", "peak_size"} == set(
        report["curve"][0]
    )


def test_long_waits_are_said_in_seconds() -> None:
    done = respool(
        "simulate", "--rate", "50", "--length", "100", "--runs", "1", "--sizes", "8", "--targets", "0.01"
    )
    waits = {
        line.split("  ")[0]: " ".join(line.split("  ", 1)[1].split()[:2])
        for line in done.output.splitlines()
        if "  " in line
    }
    assert waits["max_size=8"].endswith(" ms")
    assert waits["30 s outage"].endswith(" s")


def test_a_requirement_that_does_not_hold_ends_with_exit_status_1() -> None:
    asked = ("simulate", *SHORT, "--sizes", "1", "--max-size", "1", "--sizing", "fixed")
    kept = respool(*asked, "--require", "p99_wait<=5", "--require", "peak_size<2")
    assert 0 == kept.exit_code
    assert "does not hold" not in kept.output

    broken = respool(*asked, "--require", "p99_wait<=5", "--require", "p99_wait <= 0.001")
    assert 1 == broken.exit_code
    assert "does not hold: p99_wait<=0.001" in broken.output
    assert "p99_wait<=5" not in broken.output
    report = json.loads(respool(*asked, "--require", "peak_size>=2", "--json").stdout)
    assert ["peak_size>=2"] == report["broken"]


@pytest.mark.parametrize("wanted", ["p50_wait<=1", "p99_wait=1", "p99_wait<=", "p99_wait<=1e999", "wait"])
def test_a_requirement_that_cannot_be_read_is_refused(wanted: str) -> None:
    done = respool("simulate", *SHORT, "--require", wanted)
    assert 2 == done.exit_code
    assert "must be one of p99_wait, resource_seconds" in done.output or "no finite number" in done.output


def test_the_curve_is_drawn(tmp_path: Path) -> None:
    drawn = ("simulate", *SHORT, "--sizes", "1,2", "--plot")
    assert 0 == respool(*drawn, str(tmp_path / "curve.png")).exit_code
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert 0 == respool(*drawn, str(tmp_path / "curve.svg")).exit_code
    words = " ".join(ElementTree.parse(tmp_path / "curve.svg").getroot().itertext())
    assert "svg" in (tmp_path / "curve.svg").read_text()[:400], words


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("curve.pgn", "must end in .png or .svg"),
        ("nowhere/curve.png", "there is no folder"),
        (f"{'c' * 300}.png", "cannot be written: File name too long"),
    ],
    ids=["suffix", "folder", "name"],
)
def test_a_picture_that_cannot_be_drawn_is_refused_before_the_runs(
    tmp_path: Path, name: str, told: str
) -> None:
    done = respool("simulate", *SHORT, "--plot", str(tmp_path / name))
    assert 2 == done.exit_code
    assert [] == list(tmp_path.iterdir())
    assert told in " ".join(done.output.split())


@pytest.mark.parametrize("option", ["--timeout", "--name", "--hygiene"])
def test_options_without_a_meaning_in_virtual_time_are_not_taken(option: str) -> None:
    done = respool("simulate", *SHORT, option, "1")
    assert 2 == done.exit_code
    assert f"No such option: {option}" in done.output or f"No such option '{option}'" in done.output


@pytest.mark.parametrize(
    ("arrivals", "more"),
    [("bursts", 1.0), ("diurnal", 1.0), ("flash", 1.5), ("onoff", 0.5), ("poisson", 1.0)],
)
def test_every_kind_of_arrivals_fits_into_the_length(arrivals: str, more: float) -> None:
    given = ["--rate", "50", "--arrivals", arrivals, "--length", "40"]
    with simulate.make_context("simulate", given) as context:
        load, _ = scenario_from(context.params)
    came = [sum(1 for _ in load.calls(random.Random(seed))) for seed in range(20)]
    assert fmean(came) == pytest.approx(50 * 40 * more, rel=0.25)


def test_who_was_turned_away_asks_again_as_often_as_told() -> None:
    with simulate.make_context(
        "simulate", ["--callers", "3", "--retries", "4", "--patience", "0.5"]
    ) as context:
        load, _ = scenario_from(context.params)
    assert load.retries is not None
    assert (4, 0.5) == (load.retries.attempts, load.timeout)


def test_a_contended_backend_makes_callers_wait_longer() -> None:
    load = (
        "simulate",
        "--rate",
        "100",
        "--hold",
        "0.05",
        "--length",
        "20",
        "--runs",
        "1",
        "--sizes",
        "8",
        "--json",
    )
    (free, *_), (contended, *_) = (
        json.loads(respool(*load, *more).stdout)["curve"]
        for more in ((), ("--alpha", "0.02", "--beta", "0.002"))
    )
    assert 0 < free["p99_wait"] < contended["p99_wait"]


# ---------------------------------------------------------------------- advise


def test_advice_is_a_sentence_with_its_confidence_and_its_reasons() -> None:
    done = respool(
        "advise", "--rate", "50", "--length", "60", "--runs", "1", "--hold", "0.1", "--target-wait", "0.05",
        "--cores", "4", "--spindles", "2", "--threads", "8", "--nested", "3",
        "--alpha", "0.05", "--beta", "0.001", "--json",
    )  # fmt: skip
    assert 0 == done.exit_code
    report = json.loads(done.stdout)
    assert report["feasible"]
    assert f"max_size={report['options']['max_size']} with target_wait=0.05 gives" in report["recommendation"]
    assert 0.0 < report["confidence"] <= 1.0
    little, scalability, rule, deadlock = report["reasons"]
    assert "50 arrivals/s x 0.1 s each = 5 in use" in little
    assert "the backend does most at 31 at once" in scalability
    assert "(cores x 2) + spindles gives 10 active connections" in rule
    assert "8 threads that hold 3 leases at once need max_size of at least 17" in deadlock

    said = respool("advise", "--rate", "50", "--length", "60", "--runs", "1")
    assert 0 == said.exit_code
    assert "max_size=" in said.output
    assert "Little's law" in said.output


def test_advice_where_no_maximum_serves_says_so_and_ends_with_exit_status_1() -> None:
    done = respool(
        "advise", "--rate", "300", "--hold", "0.1", "--length", "2", "--runs", "1", "--beta", "0.1"
    )
    assert 1 == done.exit_code
    told = " ".join(done.output.split())
    assert "no max_size up to 256 keeps the p99 wait" in told
    assert "a faster backend or fewer arrivals would help" in told


def test_advice_from_a_trace(tmp_path: Path) -> None:
    with make_pool(object) as pool, pool.record(tmp_path / "trace"):
        for _ in range(20):
            with pool.acquire():
                pass
    done = respool("advise", "--trace", str(tmp_path / "trace"), "--target-wait", "5", "--json")
    assert 0 == done.exit_code
    assert json.loads(done.stdout)["options"]["max_size"] == "1"
    assert [] == json.loads(done.stdout)["reasons"]


@pytest.mark.parametrize("command", ["advise", "simulate"])
def test_a_trace_that_cannot_be_read_is_refused(command: str, tmp_path: Path) -> None:
    (tmp_path / "trace").write_bytes(b"no trace")
    for name, told in (("trace", "no trace of respool"), ("nothing", "No such file")):
        done = respool(command, "--trace", str(tmp_path / name))
        assert 2 == done.exit_code
        assert told in " ".join(done.output.split())


def test_progress_is_shown_on_a_terminal() -> None:
    terminal = Terminal("simulate", *SHORT, "--sizes", "1,2,3,4,5,6")
    terminal.read_until("simulating")
    terminal.read_until("what if")
    assert 0 == terminal.end()
