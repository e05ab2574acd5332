"""From the bytes of a text to token ids: one pass, an open-addressing hash table, no Python object a token."""

import numpy as np
from numba import njit

_NEWLINE, _SPACE = 10, 32


@njit(nogil=True, cache=True, inline="always")
def _is_space(byte):
    return byte == _SPACE or 9 <= byte <= 13


@njit(nogil=True, cache=True)
def _sizes(data):
    """Return the numbers of lines and of tokens; the last line need not end in a newline."""
    lines, tokens, inside = 0, 0, False
    for byte in data:
        if _is_space(byte):
            inside = False
            lines += byte == _NEWLINE
        elif not inside:
            inside = True
            tokens += 1
    if data.size > 0 and data[-1] != _NEWLINE:
        lines += 1
    return lines, tokens


@njit(nogil=True, cache=True)
def _equal(data, a, b, length):
    for p in range(length):
        if data[a + p] != data[b + p]:
            return False
    return True


@njit(nogil=True, cache=True)
def _rehash(hashes, n, size):
    table = np.full(size, -1, np.int32)
    for word in range(n):
        place = np.int64(hashes[word] & np.uint64(size - 1))
        while table[place] >= 0:
            place = (place + 1) & (size - 1)
        table[place] = word
    return table


@njit(nogil=True, cache=True)
def _number(data, state, table, begins, ends, hashes, starts, ids):
    """Number tokens until the text ends or the type arrays are full; `state` is (byte, line, token, types)."""
    p, line, token, n = state
    mask = table.size - 1
    while p < data.size and n < begins.size:
        if _is_space(data[p]):
            if data[p] == _NEWLINE:
                line += 1
                starts[line] = token
            p += 1
            continue
        begin = p
        code = np.uint64(14695981039346656037)  # FNV-1a
        while p < data.size and not _is_space(data[p]):
            code = (code ^ np.uint64(data[p])) * np.uint64(1099511628211)
            p += 1
        code ^= code >> np.uint64(32)
        place = np.int64(code & np.uint64(mask))
        word = table[place]
        while word >= 0 and not (
            hashes[word] == code
            and ends[word] - begins[word] == p - begin
            and _equal(data, begins[word], begin, p - begin)
        ):
            place = (place + 1) & mask
            word = table[place]
        if word < 0:
            word = n
            begins[n], ends[n], hashes[n], table[place] = begin, p, code, n
            n += 1
        ids[token] = word
        token += 1
    return p, line, token, n


@njit(nogil=True, cache=True)
def _longer(array, size):
    longer = np.empty(size, array.dtype)
    longer[: array.size] = array
    return longer


@njit(nogil=True, cache=True)
def tokenise(data):
    """Number the tokens of a text, types in the order of their first occurrence.

    Parameters
    ----------
    data : (bytes,) uint8
        Text; tokens are separated by ASCII white space, a line ends with a newline.

    Returns
    -------
    starts : (lines + 1,) int64
        The tokens of line n are those from ``starts[n]`` up to ``starts[n + 1]``.
    ids : (tokens,) int32
    begins, ends : (types,) int64
        Where the bytes of each type stand in `data`.
    """
    n_lines, n_tokens = _sizes(data)
    starts, ids = np.zeros(n_lines + 1, np.int64), np.empty(n_tokens, np.int32)
    begins, ends, hashes = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint64)
    state = (0, 0, 0, 0)
    while state[0] < data.size:
        size = max(1 << 11, 4 * begins.size)
        begins, ends, hashes = _longer(begins, size), _longer(ends, size), _longer(hashes, size)
        table = _rehash(hashes, state[3], 4 * size)  # at most a quarter full
        state = _number(data, state, table, begins, ends, hashes, starts, ids)
    starts[n_lines] = n_tokens
    return starts, ids, begins[: state[3]], ends[: state[3]]
