"""Oracles: enumeration of every latent structure, and derivatives by differences. Slow, plain, and independent.

They know a model only by its definition, ``Model.count``: log P(x, z) = counts . log theta.
"""

import itertools

import numpy as np

from emnlp.blocks import Blocks
from emnlp.models import Aligner


def latents(model, batch):
    """Yield every latent structure of a batch of one item."""
    if isinstance(model, Aligner):
        each = [list(latents(part, getattr(batch, name))) for name, part in model.directions.items()]
        for chosen in itertools.product(*each):
            yield dict(zip(model.directions, chosen))
        return
    ((n_source, n_target),) = batch.sizes.tolist()
    for components in itertools.product(range(n_source + 1), repeat=n_target):
        yield np.array(components, np.int32)


def dot(counts, theta):
    """Return counts . log theta, with 0 log 0 = 0."""
    total = 0.0
    for name, array in counts.items():
        used = array > 0
        with np.errstate(divide="ignore"):
            total += float(array[used] @ np.log(theta[name][used]))
    return total


def enumerate_item(model, theta, batch):
    """Return log P(x), the expected counts, and [(z, P(z | x))], by brute force."""
    found = []
    for latent in latents(model, batch):
        counts = theta.zeros()
        model.count(batch, latent, counts)
        found.append((latent, counts, dot(counts, theta)))
    logs = np.array([log for *_, log in found])
    top = logs.max()
    loglik = top + np.log(np.exp(logs - top).sum())
    posterior = np.exp(logs - loglik)
    expected = theta.zeros()
    for (_, counts, _), p in zip(found, posterior):
        expected += p * counts
    return loglik, expected, [(latent, p) for (latent, *_), p in zip(found, posterior)]


def expect(model, theta, batches):
    """Return the package's expected counts and log-likelihood at any theta."""
    potentials = model.prepare(theta)
    counts = potentials.zeros()
    loglik = sum(model.expect(batch, potentials, counts) for batch in batches)
    return model.collect(counts), loglik


def derivative(model, theta, batches, name, slot, step=1e-6):
    """Return d log P / d log theta[name][slot] by central differences."""

    def loglik(sign):
        arrays = {key: array.copy() for key, array in theta.items()}
        arrays[name][slot] *= np.exp(sign * step)
        return expect(model, Blocks(arrays), batches)[1]

    return (loglik(1) - loglik(-1)) / (2 * step)


def model1(pairs, n_iter):
    """Return t(target | source) after EM of Model 1, with dictionaries, as on a blackboard; NULL is None."""
    vocabulary = {f for _, target in pairs for f in target}
    t = {}
    for k in range(n_iter + 1):
        counts, totals = {}, {}
        for source, target in pairs:
            for f in target:
                weights = {e: t.get((e, f), 1 / len(vocabulary)) if k else 1.0 for e in [None, *source]}
                z = sum(weights[e] for e in [None, *source])
                for e in [None, *source]:
                    counts[e, f] = counts.get((e, f), 0) + weights[e] / z
                    totals[e] = totals.get(e, 0) + weights[e] / z
        if k < n_iter:
            t = {(e, f): count / totals[e] for (e, f), count in counts.items()}
    return t
