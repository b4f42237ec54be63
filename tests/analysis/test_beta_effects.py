"""The effects of beta and of seeds agree with cases computed by hand."""

import pytest

from vae.analysis.beta_effects import (
    SeedSummary,
    beta_effect,
    by_verdict,
    describe_tradeoff,
    format_interval,
)

BY_SEED = {
    # Medians 0.10, 0.12, 0.15; ranges over the seeds 0.12, 0.10, 0.11.
    "seeds": {1.0: [0.04, 0.10, 0.16], 2.0: [0.07, 0.12, 0.17], 4.0: [0.10, 0.15, 0.21]},
    # Medians 10, 20, 31; ranges 1, 2, 3: the span of 21 is over 1.5 times 3.
    "beta": {1.0: [9.5, 10.0, 10.5], 2.0: [19.0, 20.0, 21.0], 4.0: [30.0, 31.0, 33.0]},
    # Medians 10 and 14; ranges 3 each: the span of 4 is above 3, but not above 4.5.
    "unsettled": {1.0: [9.0, 10.0, 12.0], 4.0: [12.5, 14.0, 15.5]},
    "constant": {1.0: [8.0, 8.0], 4.0: [8.0, 8.0]},
    "unknown": {1.0: [10.0], 4.0: [20.0]},
}


def two_decimals(value: float) -> str:
    return f"{value:.2f}"


def test_a_summary_has_the_median_and_the_extremes():
    spread = SeedSummary.from_values([0.3, 0.1, 0.2, 0.6])
    assert (spread.median, spread.low, spread.high, spread.count) == (0.25, 0.1, 0.6, 4)
    assert spread.range == pytest.approx(0.5)
    assert SeedSummary.from_values([0.3]).range == 0


@pytest.mark.parametrize("verdict", BY_SEED)
def test_the_verdict_is_as_computed_by_hand(verdict):
    assert beta_effect(BY_SEED[verdict]).verdict == verdict


def test_medians_and_ranges_are_as_computed_by_hand():
    effect = beta_effect(BY_SEED["seeds"])
    assert effect.span == pytest.approx(0.05)
    assert effect.seed_ranges == pytest.approx((0.12, 0.10, 0.11))
    assert format_interval(effect, two_decimals) == "0.10 to 0.15, seeds 0.12"


def test_one_seed_has_no_range_to_state():
    assert format_interval(beta_effect(BY_SEED["unknown"]), two_decimals) == "10.00 to 20.00"


def test_betas_of_one_seed_count_for_the_medians_alone():
    effect = beta_effect({1.0: [1.0], 2.0: [5.0, 5.5], 4.0: [9.0]})
    assert effect.seed_ranges == (0.5,)
    assert effect.span == 8.0
    assert effect.verdict == "beta"


def test_one_beta_that_scatters_widely_keeps_beta_from_winning():
    effect = beta_effect({1.0: [1.0, 1.1], 2.0: [2.0, 2.1], 4.0: [1.0, 9.0]})
    assert effect.verdict == "unsettled"


def test_betas_without_values_are_left_out():
    effect = beta_effect({4.0: [2.0], 1.0: [1.0], 2.0: []})
    assert effect.betas == (1.0, 4.0)
    assert beta_effect({1.0: [2.0], 4.0: []}) is None


def test_effects_are_grouped_by_verdict():
    effects = {name: beta_effect(values) for name, values in BY_SEED.items()}
    effects["also"] = effects["beta"]
    assert by_verdict(effects) == {name: [name] for name in BY_SEED} | {"beta": ["beta", "also"]}


def test_the_interval_names_the_betas_when_beta_outweighs_the_seeds():
    text = format_interval(beta_effect(BY_SEED["beta"]), two_decimals)
    assert text == "10.00 at β 1 to 31.00 at β 4, seeds 3.00"


def test_the_tradeoff_is_described_from_the_lowest_to_the_highest_beta():
    rate = beta_effect({1.0: [12.0, 12.4, 12.1], 4.0: [5.0], 16.0: [2.2]})
    distortion = beta_effect({1.0: [23.0], 4.0: [25.0], 16.0: [40.06]})
    elbo = beta_effect({1.0: [-35.1], 4.0: [-30.0], 16.0: [-42.3]})
    assert describe_tradeoff(rate, distortion, elbo) == (
        "From β 1 to β 16 the rate falls from 12.1 to 2.2 and the distortion rises from 23.0 to "
        "40.1 nats per test image; the ELBO is best at β 4, −30.0 nats."
    )
    flat = beta_effect({1.0: [3.0], 2.0: [3.01]})
    assert "the rate stays at 3.0" in describe_tradeoff(flat, flat, elbo)
