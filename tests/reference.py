"""Oracles: enumeration of every latent structure, and derivatives by differences. Slow, plain, and independent.

The first know a model only by its definition, ``Model.count``: log P(x, z) = counts . log theta. The others, below,
know no model at all: they are told in dictionaries what the papers say.
"""

import itertools
import math

import numpy as np

from emnlp.blocks import Blocks, prefixed
from emnlp.factors import Bucketed
from emnlp.models import HMM, PLSA, Aligner, NaiveBayesMixture


def latents(model, batch):
    """Yield every latent structure of a batch of one item."""
    if isinstance(model, Aligner):
        each = [list(latents(part, getattr(batch, name))) for name, part in model.directions.items()]
        for chosen in itertools.product(*each):
            yield dict(zip(model.directions, chosen))
        return
    if isinstance(model, HMM):  # of one sentence, so that its tokens are in order
        allowed = [np.flatnonzero(mask) for mask in batch.masks[batch.sets]]
        for states in itertools.product(*allowed):
            yield np.array(states, np.int32)
        return
    if isinstance(model, NaiveBayesMixture):
        for k in range(len(model.components_)) if batch.labels[0] < 0 else batch.labels[:1]:
            yield np.array([k])
        return
    if isinstance(model, PLSA):
        tokens = np.repeat(np.arange(len(batch.words)), batch.times.astype(int))
        for topics in itertools.product(range(model.n_topics), repeat=len(tokens)):
            latent = np.zeros((len(batch.words), model.n_topics))
            np.add.at(latent, (tokens, topics), 1)
            yield latent
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


def enumerate_item(model, theta, batch, tilt=None):
    """Return log P(x), the expected counts, and [(z, P(z | x))], by brute force.

    `tilt`, (I, J), is what log P(x, z) has more for each link of z.
    """
    found = []
    for latent in latents(model, batch):
        counts = theta.zeros()
        model.count(batch, latent, counts)
        more = 0.0 if tilt is None else sum(tilt[i - 1, j] for j, i in enumerate(latent) if i > 0)
        found.append((latent, counts, dot(counts, theta) + more))
    logs = np.array([log for *_, log in found])
    top = logs.max()
    loglik = top + np.log(np.exp(logs - top).sum())
    posterior = np.exp(logs - loglik)
    expected = theta.zeros()
    for (_, counts, _), p in zip(found, posterior):
        expected += p * counts
    return loglik, expected, [(latent, p) for (latent, *_), p in zip(found, posterior)]


def agreement_item(model, theta, batch, duals):
    """Return log P(x), the counts, and P(link) of each direction, of an `Agreement` under duals, by brute force.

    Duals and posteriors are (I, J), source first, in either direction.
    """
    counts, links, loglik = {}, {}, 0.0
    for name, part in model.directions.items():
        tilt = (-duals if name == "forward" else duals.T).astype(np.float64)
        value, expected, items = enumerate_item(part, theta.part(name), getattr(batch, name), tilt)
        posterior = np.zeros((tilt.shape[0] + 1, tilt.shape[1]))
        for latent, p in items:
            posterior[latent, np.arange(len(latent))] += p
        loglik += value
        counts |= prefixed(name, expected)
        links[name] = posterior[1:] if name == "forward" else posterior[1:].T
    source, target = (text[batch.forward.first] for text in (batch.forward.pairs.source, batch.forward.pairs.target))
    for name, part in model.directions.items():
        lexicon, lexical = part.lexicon, counts[f"{name}.lexical"]
        lexical[lexicon.support.conditions > 0] = 0  # all but what NULL emits is counted anew
        for (i, e), (j, f) in itertools.product(enumerate(source), enumerate(target)):
            here, there = (e, f) if name == "forward" else (f, e)
            slot = lexicon.support.slot(1 + part.source_vocabulary_.id(here), part.target_vocabulary_.id(there))
            lexical[slot] += links["forward"][i, j] * links["reverse"][i, j]
    return loglik, Blocks(counts), links


def climbed(model, duals, links):
    """Return duals after one step of ascent; float32, as they are kept."""
    more = model.step * (links["forward"] - links["reverse"])
    return (duals + (more if model.rounds > 0 else 0)).astype(np.float32)


def symmetric_item(model, theta, batch):
    """Return P(link) of each direction that the links of an `Agreement` are read off."""
    duals = np.zeros(batch.sizes[0], np.float32)
    for _ in range(model.rounds):
        duals = climbed(model, duals, agreement_item(model, theta, batch, duals)[2])
    return agreement_item(model, theta, batch, duals)[2]


def row_totals(factor, theta):
    """Return the total of each row that has outcomes: 1, for a distribution."""
    if not isinstance(factor, Bucketed):
        return factor.support.sum(theta)[factor.support.sizes > 0]
    jumps = factor.jumps
    v, scales = np.split(theta, [jumps.n_weights])
    v, totals = v.reshape(jumps.shape), []
    for klass, left, right, scale in zip(jumps.classes, jumps.lefts, jumps.rights, scales):
        m, n = left + 1, left + 1 + right
        totals.append(scale * sum(v[klass, column(jumps.width, m, i, n)] for i in range(1, n + 2)))
    return np.array(totals)


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


# The HMM aligner, by its generative story


def column(width, m, i, n_source):
    """Return the bucket of a jump from m (0 is the start) to i; i is 1 + `n_source` at the end."""
    if i == n_source + 1:
        return 2 * width + min(i - m, width)
    return width + max(-width, min(width, i - m))


def jump_rows(weights, classes, width):
    """Return P(i | m) as dictionaries, i from 1 to 1 + I, for m from 0 to I; m is of class ``classes[m]``."""
    rows, n_source = [], len(classes) - 1
    for m, klass in enumerate(classes):
        row = {i: float(weights[klass][column(width, m, i, n_source)]) for i in range(1, n_source + 2)}
        total = sum(row.values())
        rows.append({i: weight / total for i, weight in row.items()})
    return rows


def log_path(rows, emit, p_null, path):
    """Return log P(target words, components); `emit[i][j]` is P(word j | component i), rows are as of `jump_rows`."""
    factors, m = [], 0
    for j, i in enumerate(path):
        factors += [p_null, emit[0][j]] if i == 0 else [1 - p_null, rows[m][i], emit[i][j]]
        m = i or m
    factors.append(rows[m][len(rows)])
    return sum(math.log(p) if p > 0 else -math.inf for p in factors)


def hmm(rows, emit, p_null):
    """Return log P, P(component | j) as (I + 1, J), the expected jumps by (m, i), and the best path's log P.

    The weights of word j are divided by their greatest, and nothing else is scaled.
    """
    n_source, n_target = len(rows) - 1, len(emit[0])
    states, end = range(n_source + 1), n_source + 1
    weigh = [[(1 - p_null if i else p_null) * emit[i][j] for i in states] for j in range(n_target)]
    scale = sum(math.log(max(column)) for column in weigh)
    weigh = [[weight / max(column) for weight in column] for column in weigh]

    def moved(m, i, j):
        return rows[m][i] * weigh[j][i] if i > 0 else 0.0

    alpha, best = [[1.0] + [0.0] * n_source], [[1.0] + [0.0] * n_source]
    for j in range(n_target):
        stay = weigh[j][0]
        alpha.append([alpha[j][i] * stay + sum(alpha[j][m] * moved(m, i, j) for m in states) for i in states])
        best.append([max(best[j][i] * stay, *(best[j][m] * moved(m, i, j) for m in states)) for i in states])
    beta = [[rows[m][end] for m in states]]
    for j in reversed(range(n_target)):
        ahead = [beta[0][m] * weigh[j][0] + sum(moved(m, i, j) * beta[0][i] for i in states) for m in states]
        beta.insert(0, ahead)
    total = sum(alpha[-1][m] * rows[m][end] for m in states)
    posterior, jumps = np.zeros((n_source + 1, n_target)), {}
    for j in range(n_target):
        posterior[0, j] = sum(alpha[j][m] * weigh[j][0] * beta[j + 1][m] for m in states) / total
        for m, i in itertools.product(states, states[1:]):
            p = alpha[j][m] * moved(m, i, j) * beta[j + 1][i] / total
            posterior[i, j] += p
            jumps[m, i] = jumps.get((m, i), 0.0) + p
    for m in states:
        jumps[m, end] = alpha[-1][m] * rows[m][end] / total
    top = max(best[-1][m] * rows[m][end] for m in states)
    return math.log(total) + scale, posterior, jumps, math.log(top) + scale


def backoff(pairs, strength, smoothing, source_class, target_class, outcomes):
    """Return the pseudo-counts of {(condition, outcome): count}, with dictionaries; `outcomes` are all that there are.

    ``strength * p(class of o | class of c) * p(o | class of o)``.
    """
    joint, marginal, totals, by_class = {}, {}, {}, {}
    for (c, o), count in pairs.items():
        classes = source_class(c), target_class(o)
        joint[classes] = joint.get(classes, 0.0) + count
        marginal[classes[0]] = marginal.get(classes[0], 0.0) + count
        totals[o] = totals.get(o, 0.0) + count
    for o in outcomes:
        totals[o] = totals.get(o, 0.0) + smoothing
        by_class[target_class(o)] = by_class.get(target_class(o), 0.0) + totals[o]
    found = {}
    for c, o in pairs:
        coarse = joint[source_class(c), target_class(o)] / (marginal[source_class(c)] or 1.0)
        found[c, o] = strength * coarse * totals[o] / by_class[target_class(o)]
    return found
