"""The fading histogram against a naive list of everything that ever entered."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from respool._engine._laws.histogram import EXACT, DemandHistogram, bin_of, top_of

entries = st.lists(
    st.tuples(st.floats(0.0, 2000.0), st.integers(0, EXACT - 1), st.integers(1, 50)), min_size=1, max_size=60
)


def naive_quantiles(now: float, seen: list[tuple[float, int, int]], share: float) -> tuple[int, int]:
    """Return the quantile with a hair less and a hair more than the share: rounding may tip either way."""
    weights = sorted((level, count * 2.0 ** ((at - now) / 10.0)) for at, level, count in seen)
    total = sum(weight for _, weight in weights)
    found = []
    for goal in (share - 1e-6, share + 1e-6):
        below = accumulate(weight for _, weight in weights)
        enough = (level for (level, _), sum_ in zip(weights, below, strict=True) if sum_ >= goal * total)
        found.append(next(enough, weights[-1][0]))
    return found[0], found[1]


@given(entries=entries, share=st.sampled_from([0.1, 0.5, 0.9, 0.99]))
def test_quantiles_are_those_of_the_weighted_list(
    entries: list[tuple[float, int, int]], share: float
) -> None:
    entries = sorted(entries)
    histogram = DemandHistogram(half_life=10.0)
    for at, level, count in entries:
        histogram.add(at, level, count)
    low, high = naive_quantiles(entries[-1][0], entries, share)
    assert low <= histogram.quantile(share) <= high


@given(entries=entries)
def test_the_weight_is_the_faded_count(entries: list[tuple[float, int, int]]) -> None:
    entries = sorted(entries)
    histogram = DemandHistogram(half_life=10.0)
    for at, level, count in entries:
        histogram.add(at, level, count)
    now = entries[-1][0] + 3.0
    expected = sum(count * 2.0 ** ((at - now) / 10.0) for at, _, count in entries)
    assert abs(expected - histogram.weight(now)) < 1e-9 * max(1.0, expected) + 1e-9


def test_the_weight_is_the_faded_count_though_nobody_came_for_long() -> None:
    histogram = DemandHistogram(half_life=10.0)
    histogram.add(0.0, 4, 2**50)
    assert 256.0 == histogram.weight(420.0) == histogram.weight(420.0)


def test_an_empty_histogram_demands_nothing() -> None:
    assert DemandHistogram().quantile(0.99) == 0


def test_a_year_of_silence_leaves_no_overflow() -> None:
    histogram = DemandHistogram()
    histogram.add(0.0, 50)
    histogram.add(31e6, 3)
    assert histogram.quantile(0.99) == 3


def test_new_demand_outweighs_old_within_a_few_half_lives() -> None:
    histogram = DemandHistogram(half_life=10.0)
    histogram.add(0.0, 20, 1000)
    for second in range(1, 150):
        histogram.add(float(second), 4, 100)
    assert histogram.quantile(0.99) == 4


@given(level=st.integers(0, 1_000_000))
def test_a_bin_errs_upward_by_at_most_a_32nd(level: int) -> None:
    assert level <= top_of(bin_of(level)) <= max(level, level * (1 + 1 / 32))


@given(level=st.integers(0, 1_000_000))
def test_bins_keep_the_order_of_levels(level: int) -> None:
    assert 0 <= bin_of(level + 1) - bin_of(level) <= 1


@given(count=st.integers(1, 5000), middle=st.floats(0.5, 30.0), peak=st.integers(1, 60))
def test_a_bulk_entry_enters_every_arrival_and_none_above_the_peak(
    count: int, middle: float, peak: int
) -> None:
    histogram = DemandHistogram()
    histogram.add_many(0.0, count, middle, peak)
    assert abs(count - histogram.weight(0.0)) < 1e-6 * count
    assert histogram.quantile(1.0 - 1e-12) <= peak
    assert histogram.quantile(1e-6) >= min(peak, int(middle))


def test_a_hundred_arrivals_leave_one_at_the_peak() -> None:
    histogram = DemandHistogram()
    histogram.add_many(0.0, 1000, 2.0, 8)
    assert histogram.quantile(0.9991) == 8
    assert 5 <= histogram.quantile(0.99) <= 7


def test_every_level_is_in_the_bin_below_whose_top_it_is() -> None:
    tops: dict[int, int] = {}
    for level in range(5000):
        tops[bin_of(level)] = level
    whole = sorted(tops)[:-1]
    assert list(range(len(whole))) == whole
    assert [tops[number] for number in whole] == [top_of(number) for number in whole]


def test_one_of_a_hundred_may_exceed_the_percentile_and_no_more() -> None:
    for above, expected in ((1, 4), (2, 20)):
        histogram = DemandHistogram()
        histogram.add(0.0, 4, 100 - above)
        histogram.add(0.0, 20, above)
        assert expected == histogram.quantile(0.99)


def test_a_line_of_ten_thousand_is_seen_within_a_32nd_and_three_hundred_bins() -> None:
    histogram = DemandHistogram()
    histogram.add(0.0, 10_000)
    assert 10_000 <= histogram.quantile(0.99) <= 10_000 * (1 + 1 / 32)
    assert len(histogram._bins) <= 320


def test_a_level_may_be_none_at_all() -> None:
    histogram = DemandHistogram()
    histogram.add(0.0, 0)
    assert 0 == histogram.quantile(0.99)
    assert 1.0 == histogram.weight(0.0)


def test_what_enters_after_a_long_time_counts_like_any_other_entry() -> None:
    histogram = DemandHistogram(half_life=10.0)
    histogram.add(0.0, 20, 100)
    histogram.add(500.0, 4, 100)
    assert abs(100.0 - histogram.weight(500.0)) < 1e-6
    histogram.add(510.0, 7, 50)
    assert 4 == histogram.quantile(0.49)
    assert 7 == histogram.quantile(0.51)


def shares(count: int, middle: float, peak: int) -> list[float]:
    """Give the weight of each level after a bulk entry."""
    histogram = DemandHistogram()
    histogram.add_many(0.0, count, middle, peak)
    return [round(weight, 6) for weight in histogram._bins]


def test_a_bulk_entry_falls_off_geometrically_from_the_middle_to_the_peak() -> None:
    """Of 100 arrivals ten exceed the level half way, and one is left at the peak."""
    assert [0.0, 0.0, 68.377223, 21.622777, 6.837722, 2.162278, 1.0] == shares(100, 2.0, 6)
    assert [0.0, 0.0, 48.205253, 37.899792, 10.167361, 2.727594, 1.0] == shares(100, 2.5, 6)
    assert [0.0] * 5 + [99.0, 1.0] == shares(100, 5.0, 6)
    assert [0.0, 90.0, 9.0, 1.0] == shares(100, 1.0, 3)


def test_a_bulk_entry_whose_middle_is_the_peak_or_beyond_is_at_the_peak() -> None:
    assert [0.0] * 5 + [30.0] == shares(30, 5.0, 5) == shares(30, 8.5, 5)
    assert [30.0] == shares(30, 1.0, 0)
    assert [0.0] * 5 + [1.0] == shares(1, 2.0, 5)
    assert [] == shares(0, 2.0, 5)
