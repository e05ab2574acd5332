"""Posteriors and moments of Gaussian mixtures: a block of items at a time, small enough for the cache.

The arguments are the same in every function of this file:

x : (n, D)
    Items.
centre : (D,)
    Taken off each of them first: the means and the moments are about it.
weights : (n,)
    How much each item counts.
log_weights : (K,)
    Log mixing weights; -inf for a component that is never drawn.
theta : (K, F)
    A row a component: the log normaliser ``c``, the offsets ``b``, (D,), and ``W``, where ``W' W`` is the precision. Of
    full covariances, W is a lower triangle, row by row, ``F = 1 + D + D (D + 1) / 2``; of diagonal ones, its diagonal,
    ``F = 1 + 2 D``. The log density of x is ``c - |b + W x| ** 2 / 2``.
moments : (K, F)
    Likewise, sums over items: their number, x, and the products ``x[i] x[j]`` of the same i and j as in theta.
"""

import numpy as np
from numba import njit

from emnlp.inference.matmul import TILE_ROWS, TILE_VECTORS, lanes_of, multiply_tile

TILES = 8
"""Widths of a tile that a block of items has: its columns stay in the first cache."""

PRODUCTS = 1 << 15
"""Products of coordinates that are held at once, in the second cache."""


@njit(nogil=True, cache=True)
def _padded(n, size):
    return (n + size - 1) // size * size


@njit(nogil=True, cache=True)
def _rows(theta, n_dimensions):
    """Return ``(b, W)`` of each component as the rows that multiply ``(1, x)``, (K, D padded, D + 1)."""
    n, full = theta.shape[0], theta.shape[1] > 1 + 2 * n_dimensions
    rows = np.zeros((n, _padded(n_dimensions, TILE_ROWS), n_dimensions + 1))
    for k in range(n):
        at = 1 + n_dimensions
        for j in range(n_dimensions):
            rows[k, j, 0] = theta[k, 1 + j]
            for i in range(0 if full else j, j + 1):
                rows[k, j, 1 + i] = theta[k, at]
                at += 1
    return rows


@njit(nogil=True, cache=True)
def _turn(x, first, last, centre, columns):
    """Fill `columns`, (D + 1, block): ones, and then the items ``first .. last - 1`` about the centre, 0 after them."""
    columns[0] = 1.0
    columns[1:, last - first :] = 0.0
    for r in range(last - first):
        for j in range(centre.size):
            columns[1 + j, r] = x[first + r, j] - centre[j]


@njit(nogil=True, cache=True)
def _distances(columns, rows, k, full, y, found):
    """Fill ``|b + W x| ** 2`` of each item under component k, (block,)."""
    found[:] = 0.0
    n_dimensions, width = columns.shape[0] - 1, found.size
    if not full:
        for j in range(n_dimensions):
            offset, scale = rows[k, j, 0], rows[k, j, 1 + j]
            for r in range(width):
                each = offset + scale * columns[1 + j, r]
                found[r] += each * each
        return
    length = n_dimensions + 1
    for j in range(0, n_dimensions, TILE_ROWS):  # W is a triangle: the sums of a row end with its diagonal
        a_at, used = (k * rows.shape[1] + j) * length, min(j + TILE_ROWS, n_dimensions) + 1
        multiply_tile(rows, a_at, length, 1, TILE_ROWS, columns, 0, y, 0, used, False)
        for i in range(TILE_ROWS):
            for r in range(width):
                found[r] += y[i, r] * y[i, r]


@njit(nogil=True, cache=True)
def _share(n, logs, shares, logliks):
    """Turn the joint log densities of each item, (K, block), into posteriors, and their sums into log-likelihoods."""
    n_components, width = logs.shape
    logliks[:] = logs[0]
    for k in range(1, n_components):
        for r in range(width):
            logliks[r] = max(logliks[r], logs[k, r])
    totals = np.zeros(width)
    for k in range(n_components):
        for r in range(width):
            below = logs[k, r] - logliks[r]
            shares[k, r] = np.exp(below) if below > -746.0 else 0.0
            totals[r] += shares[k, r]
    for r in range(n):
        if logliks[r] == -np.inf:  # so far out that no component has a density
            shares[:n_components, r] = 1.0
            totals[r] = n_components
        else:
            logliks[r] += np.log(totals[r])
        totals[r] = 1.0 / totals[r]
    for k in range(n_components):
        for r in range(n):
            shares[k, r] *= totals[r]


@njit(nogil=True, cache=True)
def _multiplied(x, first, last, centre, full, products):
    """Fill ``1, x`` and the products of its coordinates, a row an item, (last - first, F padded)."""
    n_dimensions = centre.size
    for r in range(last - first):
        products[r, 0] = 1.0
        for j in range(n_dimensions):
            products[r, 1 + j] = x[first + r, j] - centre[j]
        at = 1 + n_dimensions
        for j in range(n_dimensions):
            each = products[r, 1 + j]
            for i in range(0 if full else j, j + 1):
                products[r, at] = each * products[r, 1 + i]
                at += 1


@njit(nogil=True, cache=True)
def _add_moments(x, first, last, centre, full, shares, products, sums):
    """Add the moments of the items ``first .. last - 1`` under `shares`, (K padded, block), to `sums`."""
    step = products.shape[0]
    for a in range(first, last, step):
        b = min(a + step, last)
        _multiplied(x, a, b, centre, full, products)
        multiply_tile(shares, a - first, shares.shape[1], 1, sums.shape[0], products, 0, sums, 0, b - a, True)


@njit(nogil=True, cache=True)
def _room(n_components, n_moments, lanes):
    """Return room for the shares of a block, some products of its coordinates, and their sums."""
    width, length = TILES * TILE_VECTORS * lanes, _padded(n_moments, lanes)
    shares = np.zeros((_padded(n_components, TILE_ROWS), width))
    products = np.zeros((min(width, max(TILE_ROWS, PRODUCTS // length)), length))
    return shares, products, np.zeros((len(shares), length))


@njit(nogil=True, cache=True)
def _posteriors(x, first, last, centre, log_weights, theta, rows, room, shares, logliks):
    """Fill the posteriors of the items ``first .. last - 1``, (K, block), and their log-likelihoods, (block,)."""
    columns, y, logs, distances = room
    _turn(x, first, last, centre, columns)
    for k in range(theta.shape[0]):
        _distances(columns, rows, k, theta.shape[1] > 1 + 2 * centre.size, y, distances)
        for r in range(distances.size):
            logs[k, r] = log_weights[k] + theta[k, 0] - 0.5 * distances[r]
    _share(last - first, logs, shares, logliks)


@njit(nogil=True, cache=True)
def _columns(theta, n_dimensions, width):
    """Return room for a block: columns, their products with the rows, joint log densities, distances."""
    tall = np.empty((n_dimensions + 1, width)), np.empty((TILE_ROWS, width))
    return tall[0], tall[1], np.empty((theta.shape[0], width)), np.empty(width)


@njit(nogil=True, cache=True)
def expect(x, weights, centre, log_weights, theta, moments):
    """Add the expected moments of each component to `moments`; return the log-likelihood in nats."""
    n, full = theta.shape[0], theta.shape[1] > 1 + 2 * centre.size
    shares, products, sums = _room(n, theta.shape[1], lanes_of(theta))
    width, rows, loglik = shares.shape[1], _rows(theta, centre.size), 0.0
    room, logliks = _columns(theta, centre.size, width), np.empty(width)
    for first in range(0, len(x), width):
        last = min(first + width, len(x))
        _posteriors(x, first, last, centre, log_weights, theta, rows, room, shares, logliks)
        for r in range(last - first):
            loglik += weights[first + r] * logliks[r]
        for k in range(n):
            for r in range(last - first):
                shares[k, r] *= weights[first + r]
        _add_moments(x, first, last, centre, full, shares, products, sums)
    moments += sums[:n, : moments.shape[1]]
    return loglik


@njit(nogil=True, cache=True)
def posteriors(x, centre, log_weights, theta):
    """Return P(component | x), (n, K), and log P(x), (n,)."""
    n = theta.shape[0]
    shares, _, _ = _room(n, theta.shape[1], lanes_of(theta))
    width, rows = shares.shape[1], _rows(theta, centre.size)
    room, logliks = _columns(theta, centre.size, width), np.empty(width)
    found, totals = np.empty((len(x), n)), np.empty(len(x))
    for first in range(0, len(x), width):
        last = min(first + width, len(x))
        _posteriors(x, first, last, centre, log_weights, theta, rows, room, shares, logliks)
        found[first:last] = shares[:n, : last - first].T
        totals[first:last] = logliks[: last - first]
    return found, totals


@njit(nogil=True, cache=True)
def add_moments(x, shares, centre, moments):
    """Add the moments of items that belong to the components with `shares`, (n, K), weights and all, to `moments`."""
    n, full = moments.shape[0], moments.shape[1] > 1 + 2 * centre.size
    block, products, sums = _room(n, moments.shape[1], lanes_of(moments))
    width = block.shape[1]
    for first in range(0, len(x), width):
        last = min(first + width, len(x))
        block[:n, : last - first] = shares[first:last].T
        _add_moments(x, first, last, centre, full, block, products, sums)
    moments += sums[:n, : moments.shape[1]]
