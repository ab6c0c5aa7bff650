"""The trim as an integral of the error budget."""

from __future__ import annotations

from respool._engine._laws.budget import DEAREST, SPENT, STEP, Premium, Trim


def run(trim: Trim, seconds: float, late_share: float, *, have: int = 10, target: int = 10) -> float:
    for tick in range(int(seconds * 10)):
        late = int(100 * late_share * (tick + 1)) - int(100 * late_share * tick)
        trim.observe(0.1, 100, late, have=have, target=target)
    return trim.offset


def test_spending_exactly_the_budget_moves_nothing_for_long() -> None:
    assert abs(run(Trim(), 120.0, 0.01)) < 0.3


def test_spending_nothing_lowers_the_target_step_by_step() -> None:
    trim = Trim()
    first = run(trim, 30.0, 0.0)
    assert -4.0 < first < -0.5
    assert run(trim, 60.0, 0.0) < first


def test_overspending_raises_the_target() -> None:
    assert run(Trim(), 10.0, 0.05) > 1.0


def test_the_trim_has_ends() -> None:
    assert run(Trim(), 3600.0, 0.0) == -5.0
    assert run(Trim(), 3600.0, 0.9) == 6.0


def test_a_pool_larger_than_its_target_proves_nothing_by_good_waits() -> None:
    assert run(Trim(), 60.0, 0.0, have=14) == 0.0
    assert run(Trim(), 60.0, 0.5, have=14) > 0.0


def test_a_pool_smaller_than_its_target_proves_nothing_by_bad_waits() -> None:
    assert run(Trim(), 60.0, 0.5, have=6) == 0.0
    assert run(Trim(), 60.0, 0.0, have=6) < 0.0


def test_few_arrivals_move_it_slowly() -> None:
    trim = Trim()
    for _ in range(10):
        trim.observe(0.1, 1, 0, have=4, target=4)
    assert -0.2 < trim.offset < 0.0


def test_a_create_is_dearer_when_the_budget_is_spent_and_no_dearer_than_the_dearest() -> None:
    premium = Premium()
    premium.observe(1.0, 10_000, 50)
    assert 1.0 == premium.factor()
    premium.observe(1.0, 10_000, 150)
    assert 3.3 < premium.factor() < 3.5
    premium.observe(1.0, 10_000, 5000)
    assert DEAREST == premium.factor()


def test_the_first_late_callers_of_a_pools_life_prove_little() -> None:
    premium = Premium()
    premium.observe(0.1, 5, 1)
    assert premium.factor() < 4.0


def test_what_was_late_an_hour_ago_no_longer_counts() -> None:
    premium = Premium()
    premium.observe(1.0, 1000, 500)
    premium.observe(3600.0, 1000, 0)
    assert 1.0 == premium.factor()


def test_the_record_fades_by_half_in_five_minutes_and_the_doubt_does_not() -> None:
    """Of 1,000 arrivals and 20 late ones half are left, beside the 100 good waits that are doubt."""
    premium = Premium()
    premium.observe(0.0, 1000, 20)
    premium.observe(300.0, 0, 0)
    share = 10 / (100 + 500)
    assert abs(1.0 + (share / 0.01 - SPENT) / STEP - premium.factor()) < 1e-9


def test_late_callers_of_several_ticks_add_up() -> None:
    premium = Premium()
    for _ in range(2):
        premium.observe(0.0, 100, 1)
    assert abs(1.0 + (2 / 300 / 0.01 - SPENT) / STEP - premium.factor()) < 1e-9


def test_a_reading_without_length_moves_the_trim_like_any_other() -> None:
    trim = Trim()
    trim.observe(0.0, 100, 50, have=10, target=10)
    assert 0.0 < trim.offset < 0.1


def test_a_large_pool_is_trimmed_in_larger_steps() -> None:
    small, large = Trim(), Trim()
    small.observe(0.1, 100, 2, have=10, target=10)
    large.observe(0.1, 100, 2, have=40, target=40)
    assert large.offset > 2 * small.offset > 0.0


def test_what_late_callers_are_measured_against_fades_by_half_in_half_a_minute() -> None:
    """After 100,000 arrivals within the budget, ten late ones of ten meet half of them, and themselves."""
    trim = Trim()
    trim.observe(1.0, 100_000, 1000, have=10, target=10)
    before = trim.offset
    trim.observe(30.0, 10, 10, have=10, target=10)
    assert abs(9.9 / 500.1 * 2.0 - (trim.offset - before)) < 1e-9


def test_the_ends_of_the_trim_follow_the_target_though_nobody_comes() -> None:
    for late_share, have, end in ((0.9, 10, 3.0), (0.0, 2, -2.0)):
        trim = Trim()
        run(trim, 600.0, late_share)
        trim.observe(0.1, 0, 0, have=have, target=4)
        assert end == trim.offset
