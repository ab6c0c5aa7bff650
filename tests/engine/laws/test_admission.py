"""Refusing who cannot be served in time."""

from __future__ import annotations

from respool._engine._laws.admission import may_pass, predicted_wait, refuses


def ask(
    *, waiting: int = 50, serving: int = 10, hold: float = 0.2, ended: int = 500, can_grow: bool = False,
    timeout: float | None = 1.0,
) -> bool:  # fmt: skip
    return refuses(
        waiting=waiting, serving=serving, hold=hold, ended=ended, can_grow=can_grow, timeout=timeout
    )


def test_the_prediction_is_the_line_over_the_rate_of_returns() -> None:
    assert predicted_wait(49, 10, 0.2) == 1.0
    assert predicted_wait(0, 10, 0.2) == 0.02


def test_a_line_that_outlasts_nine_tenths_of_the_timeout_refuses() -> None:
    assert ask(waiting=45)
    assert not ask(waiting=44)


def test_nobody_is_refused_while_the_pool_can_grow() -> None:
    assert not ask(can_grow=True)


def test_nobody_is_refused_before_twenty_leases_have_ended() -> None:
    assert not ask(ended=19)
    assert ask(ended=20)


def test_an_outage_is_no_load() -> None:
    assert not ask(serving=0)
    assert ask(serving=1)


def test_who_has_more_time_waits_in_a_longer_line() -> None:
    assert ask(waiting=90, timeout=2.0)
    assert not ask(waiting=89, timeout=2.0)


def test_who_waits_for_ever_or_not_at_all_is_not_predicted() -> None:
    assert not ask(timeout=None)
    assert not ask(timeout=0.0)


def passes(*, waiting: int = 50, rate: float = 45.0) -> bool:
    """Ask of ten resources held 0.2 s each, which serve 50 callers a second."""
    return may_pass(waiting=waiting, serving=10, hold=0.2, rate=rate, timeout=1.0)


def test_a_long_line_at_a_load_that_fits_may_pass() -> None:
    assert passes()
    assert not passes(rate=50.0)
    assert not passes(rate=60.0)


def test_a_line_that_no_luck_would_shorten_in_time_does_not_pass_though_the_load_fits() -> None:
    """A batch of callers comes once: the rate says nothing of it. 45 in time and 3 roots of 70 are 70."""
    assert passes(waiting=69)
    assert not passes(waiting=70)


def test_a_short_line_takes_half_of_its_mean_at_least() -> None:
    assert may_pass(waiting=1, serving=1, hold=0.03, rate=30.0, timeout=0.034)
    assert not may_pass(waiting=1, serving=1, hold=0.03, rate=30.0, timeout=0.033)


def test_a_lucky_line_may_take_nine_tenths_of_the_timeout_to_the_full() -> None:
    assert may_pass(waiting=0, serving=1, hold=1.8, rate=0.1, timeout=1.0)
    assert not may_pass(waiting=0, serving=1, hold=1.81, rate=0.1, timeout=1.0)
