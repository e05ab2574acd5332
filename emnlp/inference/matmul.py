"""Products of small matrices: register-blocked tiles, so that no kernel depends on which BLAS is installed.

A tile of the result, `TILE_ROWS` rows by `TILE_VECTORS` vectors, stays in registers through the whole sum. Numba has no
vectors, so the tile is written in LLVM's terms; LLVM makes machine code of it for any processor. Sums run in the order
of the inner index whatever the tile is.

Matrices have rows of one length, a multiple of `lanes_of` their type; what pads a row is 0 or ignored. `PAD` rows after
the last one have to exist: a tile may read and write them.
"""

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

_WIDE = llvmlite.binding.get_host_cpu_features().get("avx512f", False)
VECTOR_BYTES = 64 if _WIDE else 32
TILE_ROWS, TILE_VECTORS = 4, 3  # 12 sums, 3 vectors of b and one of a: what 16 registers hold
PAD = TILE_ROWS - 1


def lanes_of(dtype):
    """Return how many numbers of a type a vector has; a row is a multiple of it."""
    return VECTOR_BYTES // np.dtype(dtype).itemsize


@overload(lanes_of)
def _lanes_of(dtype):
    lanes = VECTOR_BYTES // (dtype.dtype.bitwidth // 8)
    return lambda dtype: lanes


def padded(n, dtype):
    """Return the row length that holds `n` numbers."""
    lanes = lanes_of(dtype)
    return -(-n // lanes) * lanes


def _tile(n_vectors):
    """Return the kernel of one tile: ``out[i, :] (+)= sum over k < n of a[i, k] * b[k, :]`` for `TILE_ROWS` rows i.

    `a`, `b` and `out` are arrays in memory, `*_at` is the flat place where each begins; ``a[i, k]`` is `a_row` * i +
    `a_column` * k further on. `more` adds to `out` instead of replacing it.
    """

    @intrinsic
    def tile(context, a, a_at, a_row, a_column, b, b_at, b_row, out, out_at, out_row, n, more):
        ints = types.intp
        signature = types.void(a, ints, ints, ints, b, ints, ints, out, ints, ints, ints, types.boolean)
        lanes = VECTOR_BYTES // (out.dtype.bitwidth // 8)

        def code(context, builder, signature, args):
            array_types = signature.args[0], signature.args[4], signature.args[7]
            a, b, out = (
                context.make_array(kind)(context, builder, value).data
                for kind, value in zip(array_types, (args[0], args[4], args[7]))
            )
            return _emit(context, builder, (a, *args[1:4], b, *args[5:7], out, *args[8:]), lanes, n_vectors)

        return signature, code

    return tile


def _emit(context, builder, args, lanes, n_vectors):
    a, a_at, a_row, a_column, b, b_at, b_row, out, out_at, out_row, n, more = args
    vector = ir.VectorType(a.type.pointee, lanes)
    name = f"llvm.fmuladd.v{lanes}f{8 * VECTOR_BYTES // lanes}"
    fmuladd = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
    zero, undefined = ir.Constant(vector, None), ir.Constant(vector, ir.Undefined)
    first = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)

    def place(pointer, start, *steps):
        for size, times in steps:
            start = builder.add(start, builder.mul(size, ir.Constant(size.type, times)) if times != 1 else size)
        return builder.gep(pointer, [start])

    def vector_at(pointer):
        return builder.bitcast(pointer, vector.as_pointer())

    def load(pointer):
        value = builder.load(vector_at(pointer))
        value.align = VECTOR_BYTES // lanes
        return value

    def store(value, pointer):
        builder.store(value, vector_at(pointer)).align = VECTOR_BYTES // lanes

    width = ir.Constant(n.type, lanes)
    cells = [(i, v) for i in range(TILE_ROWS) for v in range(n_vectors)]
    sums = {cell: cgutils.alloca_once_value(builder, zero) for cell in cells}
    for each in sums.values():
        builder.store(zero, each)
    with cgutils.for_range(builder, n) as loop:
        b_row_k = builder.add(b_at, builder.mul(loop.index, b_row))
        vectors = [load(place(b, b_row_k, (width, v))) for v in range(n_vectors)]
        a_column_k = builder.add(a_at, builder.mul(loop.index, a_column))
        for i in range(TILE_ROWS):
            scalar = builder.load(place(a, a_column_k, (a_row, i)))
            one = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
            spread = builder.shuffle_vector(one, undefined, first)
            for v in range(n_vectors):
                builder.store(builder.call(fmuladd, [spread, vectors[v], builder.load(sums[i, v])]), sums[i, v])
    for i, v in cells:
        pointer, total = place(out, out_at, (out_row, i), (width, v)), builder.load(sums[i, v])
        with builder.if_else(more) as (then, otherwise):
            with then:
                store(builder.fadd(load(pointer), total), pointer)
            with otherwise:
                store(total, pointer)
    return context.get_dummy_value()


_wide_tile, _narrow_tile = _tile(TILE_VECTORS), _tile(1)


@njit(nogil=True, cache=True)
def multiply_tile(a, a_at, a_row, a_column, rows, b, b_at, out, out_at, n, more):
    """Multiply flat arrays, tile by tile, by the kernel of `_tile`, which says what each argument is."""
    width, lanes = out.shape[1], lanes_of(out)
    for i in range(0, rows, TILE_ROWS):
        a_i, out_i, j = a_at + i * a_row, out_at + i * width, 0
        while j + TILE_VECTORS * lanes <= width:
            _wide_tile(a, a_i, a_row, a_column, b, b_at + j, width, out, out_i + j, width, n, more)
            j += TILE_VECTORS * lanes
        while j < width:
            _narrow_tile(a, a_i, a_row, a_column, b, b_at + j, width, out, out_i + j, width, n, more)
            j += lanes


@njit(nogil=True, cache=True)
def multiply(a, a_first, rows, b, out, out_first):
    """Write ``a[a_first + r] @ b`` to ``out[out_first + r]`` for r < `rows`.

    `a`, `b` and `out` have rows of the same length; `b` has as many as there are numbers to sum over. Up to `PAD` rows
    more are read and written.
    """
    width = out.shape[1]
    multiply_tile(a, a_first * width, width, 1, rows, b, 0, out, out_first * width, b.shape[0], False)


@njit(nogil=True, cache=True)
def add_outer(a, a_first, rows, b, b_first, out):
    """Add ``a[a_first + r, i] * b[b_first + r, j]`` over r < `rows` to ``out[i, j]``: ``out += a.T @ b``."""
    width = out.shape[1]
    multiply_tile(a, a_first * width, 1, width, width, b, b_first * width, out, 0, rows, True)
