"""The parts of the rate agree with mixtures from torch.distributions."""

import math
from itertools import combinations

import pytest
import torch
from torch.distributions import Normal

import vae.training.total_correlation
from vae.core.errors import ConfigError
from vae.models.posterior import Posterior, prior_log_prob
from vae.training.total_correlation import RateParts, decompose_rate, measure_rate_parts


def random_posterior(images: int, latent: int = 3, seed: int = 0, logvar: float = -1.5):
    """Return posteriors in float64 that overlap partly, and one sample of each."""
    generator = torch.Generator().manual_seed(seed)
    mean = torch.randn(images, latent, generator=generator, dtype=torch.float64)
    spread = torch.randn(images, latent, generator=generator, dtype=torch.float64)
    posterior = Posterior(mean, logvar + 0.5 * spread)
    return posterior, posterior.sample(generator)


def rows(posterior: Posterior, chosen) -> Posterior:
    return Posterior(posterior.mean[chosen], posterior.logvar[chosen])


def column(posterior: Posterior, j: int) -> Posterior:
    return Posterior(posterior.mean[:, j : j + 1], posterior.logvar[:, j : j + 1])


def densities(posterior: Posterior, z: torch.Tensor) -> torch.Tensor:
    """Return q(z_i|x_n) of each dimension, with the shape (i, n, latent)."""
    normal = Normal(posterior.mean, (0.5 * posterior.logvar).exp())
    return normal.log_prob(z[:, None]).exp()


def exact_parts(posterior: Posterior, z: torch.Tensor, of: Posterior) -> RateParts:
    """Return the parts at samples `z` of the posteriors `of`, with `posterior` as mixture q(z)."""
    each = densities(posterior, z)
    log_q, log_q_j = each.prod(dim=2).mean(dim=1).log(), each.mean(dim=1).log()
    return RateParts(
        of.log_prob(z) - log_q,
        log_q - log_q_j.sum(dim=1),
        log_q_j.sum(dim=1) - prior_log_prob(z),
    )


def agree(found: RateParts, expected: RateParts) -> None:
    torch.testing.assert_close(found.index_code_mi, expected.index_code_mi)
    torch.testing.assert_close(found.total_correlation, expected.total_correlation)
    torch.testing.assert_close(found.dimension_wise_kl, expected.dimension_wise_kl)


# Estimates from a minibatch


@pytest.mark.parametrize("estimator", ["weighted", "stratified"])
def test_the_parts_sum_to_the_log_ratio_of_posterior_and_prior(estimator):
    posterior, z = random_posterior(20)
    parts = decompose_rate(posterior, z, 5000, estimator)
    torch.testing.assert_close(parts.rate, posterior.log_prob(z) - prior_log_prob(z))


@pytest.mark.parametrize("images", [2, 6, 40])
def test_stratified_sampling_is_exact_if_the_batch_is_the_data_set(images):
    posterior, z = random_posterior(images)
    found = decompose_rate(posterior, z, images, "stratified")
    agree(found, exact_parts(posterior, z, posterior))


@pytest.mark.parametrize("images", [2, 6, 40])
def test_weighted_sampling_is_off_by_logarithms_if_the_batch_is_the_data_set(images):
    posterior, z = random_posterior(images, latent=3)
    found = decompose_rate(posterior, z, images, "weighted")
    exact = exact_parts(posterior, z, posterior)
    off = math.log(images)
    shifted = RateParts(
        exact.index_code_mi + off,
        exact.total_correlation + 2 * off,
        exact.dimension_wise_kl - 3 * off,
    )
    agree(found, shifted)


def estimated_density(batch: Posterior, z: torch.Tensor, dataset_size: int) -> float:
    """Return the stratified estimate of q(z) at the first image's sample."""
    parts = decompose_rate(batch, z, dataset_size, "stratified")
    return float((batch.log_prob(z) - parts.index_code_mi)[0].exp())


@pytest.mark.parametrize("others", [1, 2, 4])
def test_stratified_sampling_is_unbiased_over_all_minibatches(others):
    posterior, z = random_posterior(6)
    batches = [[0, *chosen] for chosen in combinations(range(1, 6), others)]
    found = [estimated_density(rows(posterior, b), z[b], 6) for b in batches]
    each = densities(posterior, z[:1])[0]
    assert sum(found) / len(found) == pytest.approx(float(each.prod(dim=1).mean()), rel=1e-10)
    for j in range(3):
        part, z_j = column(posterior, j), z[:, j : j + 1]
        marginal = [estimated_density(rows(part, b), z_j[b], 6) for b in batches]
        assert sum(marginal) / len(marginal) == pytest.approx(float(each[:, j].mean()), rel=1e-10)


def test_stratified_sampling_averages_the_appendix_s_estimate_over_the_last_image():
    posterior, z = random_posterior(5)
    size, others = 30, 4
    own, *rest = densities(posterior, z[:1])[0].prod(dim=1).tolist()
    by_last = [
        own / size + (sum(rest) - last) / others + (size - others) / (size * others) * last
        for last in rest
    ]
    found = estimated_density(posterior, z, size)
    assert found == pytest.approx(sum(by_last) / others, rel=1e-10)


def test_each_sample_s_own_image_has_the_weight_of_one_image_in_the_data_set():
    apart = Posterior(100 * torch.arange(8.0)[:, None].repeat(1, 2), torch.zeros(8, 2))
    z = apart.sample(torch.Generator().manual_seed(0))
    stratified = decompose_rate(apart, z, 1000, "stratified").index_code_mi
    torch.testing.assert_close(stratified, torch.full((8,), math.log(1000)))
    weighted = decompose_rate(apart, z, 1000, "weighted").index_code_mi
    torch.testing.assert_close(weighted, torch.full((8,), math.log(8 * 1000)))


def mean_log_density(posterior, z, batch_size: int, estimator: str, batches: int) -> float:
    """Return the mean estimate of log q(z) over random minibatches of a data set."""
    generator = torch.Generator().manual_seed(1)
    found = []
    for _ in range(batches):
        chosen = torch.randperm(len(z), generator=generator)[:batch_size]
        batch = rows(posterior, chosen)
        parts = decompose_rate(batch, z[chosen], len(z), estimator)
        found.append(batch.log_prob(z[chosen]) - parts.index_code_mi)
    return float(torch.cat(found).mean())


def test_the_log_density_is_too_low_but_less_so_in_larger_batches():
    posterior, z = random_posterior(40)
    exact = float(
        (posterior.log_prob(z) - exact_parts(posterior, z, posterior).index_code_mi).mean()
    )
    stratified = [mean_log_density(posterior, z, b, "stratified", 400) for b in (4, 10, 30, 40)]
    weighted = [mean_log_density(posterior, z, b, "weighted", 400) for b in (4, 10, 30, 40)]
    assert stratified == sorted(stratified)
    assert stratified[0] < exact - 0.1
    assert stratified[2] == pytest.approx(exact, abs=0.05)
    assert stratified[3] == pytest.approx(exact)
    for batch, found in zip((4, 10, 30, 40), weighted, strict=True):
        assert exact - math.log(40) - 0.3 < found < exact - math.log(batch) + 0.3


@pytest.mark.parametrize("estimator", ["weighted", "stratified"])
def test_gradients_agree_with_finite_differences(estimator):
    posterior, _ = random_posterior(4, latent=2)
    noise = torch.randn(4, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)

    def parts(mean: torch.Tensor, logvar: torch.Tensor) -> tuple[torch.Tensor, ...]:
        z = mean + torch.exp(0.5 * logvar) * noise
        found = decompose_rate(Posterior(mean, logvar), z, 50, estimator)
        return found.index_code_mi, found.total_correlation, found.dimension_wise_kl

    inputs = (posterior.mean.requires_grad_(), posterior.logvar.requires_grad_())
    assert torch.autograd.gradcheck(parts, inputs)


@pytest.mark.parametrize("estimator", ["weighted", "stratified"])
@pytest.mark.parametrize("logvar", [-10.0, 0.0, 10.0])
def test_values_and_gradients_stay_finite(estimator, logvar):
    mean = (50 * torch.randn(32, 10, generator=torch.Generator().manual_seed(0))).requires_grad_()
    wide = torch.full((32, 10), logvar, requires_grad=True)
    posterior = Posterior.clamped(mean, wide)
    z = posterior.sample(torch.Generator().manual_seed(1))
    parts = decompose_rate(posterior, z, 60_000, estimator)
    (parts.index_code_mi + 6 * parts.total_correlation + parts.dimension_wise_kl).mean().backward()
    for tensor in (parts.rate, parts.total_correlation, mean.grad, wide.grad):
        assert torch.isfinite(tensor).all()


@pytest.mark.parametrize("estimator", ["weighted", "stratified"])
@pytest.mark.parametrize("dataset_size", [1, 100])
def test_a_batch_of_one_image_has_the_mutual_information_log_n(estimator, dataset_size):
    posterior, z = random_posterior(1)
    parts = decompose_rate(posterior, z, dataset_size, estimator)
    expected = torch.full((1,), math.log(dataset_size), dtype=torch.float64)
    torch.testing.assert_close(parts.index_code_mi, expected)


def test_a_batch_larger_than_the_data_set_is_refused():
    posterior, z = random_posterior(5)
    with pytest.raises(ConfigError, match="dataset_size must be at least"):
        decompose_rate(posterior, z, 4, "stratified")


# A whole split


def test_a_split_is_measured_with_its_exact_mixture():
    posterior, _ = random_posterior(60)
    found = measure_rate_parts(posterior, torch.Generator().manual_seed(4))
    generator = torch.Generator().manual_seed(4)
    drawn = rows(posterior, torch.randperm(60, generator=generator))
    exact = exact_parts(posterior, drawn.sample(generator), drawn)
    assert found.index_code_mi == pytest.approx(float(exact.index_code_mi.mean()))
    assert found.total_correlation == pytest.approx(float(exact.total_correlation.mean()))
    assert found.dimension_wise_kl == pytest.approx(float(exact.dimension_wise_kl.mean()))
    assert found.rate == pytest.approx(float(exact.rate.mean()))


def test_the_chunk_size_makes_no_difference(monkeypatch):
    posterior, _ = random_posterior(50)
    whole = measure_rate_parts(posterior, torch.Generator().manual_seed(0), images=31)
    for elements in (1, 1000):
        monkeypatch.setattr(vae.training.total_correlation, "CHUNK_ELEMENTS", elements)
        chunked = measure_rate_parts(posterior, torch.Generator().manual_seed(0), images=31)
        assert chunked.total_correlation == pytest.approx(whole.total_correlation)
        assert chunked.rate == pytest.approx(whole.rate)


def test_a_sample_of_images_estimates_the_whole_split():
    posterior, _ = random_posterior(2000)
    whole = measure_rate_parts(posterior, torch.Generator().manual_seed(0))
    some = measure_rate_parts(posterior, torch.Generator().manual_seed(1), images=1000)
    assert some.total_correlation == pytest.approx(whole.total_correlation, abs=0.1)
    assert some.index_code_mi == pytest.approx(whole.index_code_mi, abs=0.1)
    assert whole.rate == pytest.approx(float(posterior.kl().sum(dim=1).mean()), abs=0.15)


def test_correlated_means_have_the_total_correlation_of_their_gaussian():
    """Means of correlation r with a posterior variance v give a Gaussian of correlation r/(1+v)."""
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 4000, generator=generator)
    mean = torch.stack([first, 0.9 * first + math.sqrt(1 - 0.9**2) * second], dim=1)
    posterior = Posterior(mean, torch.full((4000, 2), math.log(0.25)))
    found = measure_rate_parts(posterior, generator)
    expected = -0.5 * math.log(1 - (0.9 / 1.25) ** 2)
    assert found.total_correlation == pytest.approx(expected, abs=0.05)
    gaussian_kl = 2 * 0.5 * (1.25 - 1 - math.log(1.25))
    assert found.dimension_wise_kl == pytest.approx(gaussian_kl, abs=0.05)


def test_independent_means_have_almost_no_total_correlation():
    generator = torch.Generator().manual_seed(0)
    posterior = Posterior(
        torch.randn(4000, 2, generator=generator), torch.full((4000, 2), math.log(0.25))
    )
    assert abs(measure_rate_parts(posterior, generator).total_correlation) < 0.03


def test_separate_codes_have_the_mutual_information_log_n():
    apart = Posterior(100 * torch.arange(20.0)[:, None].repeat(1, 2), torch.zeros(20, 2))
    found = measure_rate_parts(apart, torch.Generator().manual_seed(0))
    assert found.index_code_mi == pytest.approx(math.log(20), rel=1e-5)
    assert found.total_correlation == pytest.approx(math.log(20), rel=1e-5)


def test_all_parts_of_a_collapsed_posterior_are_0():
    collapsed = Posterior(torch.zeros(30, 4), torch.zeros(30, 4))
    found = measure_rate_parts(collapsed, torch.Generator().manual_seed(0))
    for part in (found.index_code_mi, found.total_correlation, found.dimension_wise_kl):
        assert part == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("images", [0, -1, 21])
def test_more_images_than_the_split_has_are_refused(images):
    posterior, _ = random_posterior(20)
    with pytest.raises(ConfigError, match="images must be from 1 to the split's 20"):
        measure_rate_parts(posterior, torch.Generator(), images=images)
