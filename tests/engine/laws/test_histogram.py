"""The fading histogram against a naive list of everything that ever entered."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from respool._engine._laws.histogram import EXACT, DemandHistogram, bin_of, top_of

entries = st.lists(
    st.tuples(st.floats(0.0, 300.0), st.integers(0, EXACT - 1), st.integers(1, 50)), min_size=1, max_size=60
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
