"""How hot functions are compiled: cached on disk, and with as little code as a first run needs."""

from __future__ import annotations

from functools import partial

from numba import njit, types
from numba.core import event
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array

from ncfcheck.core import time_limit

# Divisions need no check: a quotient that is not finite is found by whoever looks at the result.
compiled = partial(njit, cache=True, error_model="numpy", no_cfunc_wrapper=True)
# For what only compiled code calls. Each level is optimised anew with all below: levels are few.
internal = partial(compiled, no_cpython_wrapper=True)
inlined = partial(internal, inline="always")
# For what allocates nothing: counting references at every call takes as long as a tiny network.
bare = partial(internal, _nrt=False)


class _Compiling(event.Listener):
    """What is compiled at its first use costs no instance its time."""

    def on_start(self, _) -> None:
        time_limit.hold()

    def on_end(self, _) -> None:
        time_limit.release()


event.register("numba:compile", _Compiling())


@intrinsic
def matrix_view(typingctx, flat, start, rows, columns):
    """flat[start : start + rows · columns] as a matrix (rows, columns), for compiled code.

    It costs nothing where slicing and reshaping take as long as a small product; but it neither
    checks its bounds nor keeps `flat` alive, so it must not be returned to Python.
    """
    matrix = types.Array(flat.dtype, 2, "C", readonly=not flat.mutable)

    def generate(context, builder, signature, arguments):
        source = make_array(signature.args[0])(context, builder, arguments[0])
        view = make_array(matrix)(context, builder)
        item = context.get_constant(
            types.intp, context.get_abi_sizeof(context.get_data_type(flat.dtype))
        )
        populate_array(
            view,
            data=builder.gep(source.data, [arguments[1]]),
            shape=arguments[2:],
            strides=[builder.mul(arguments[3], item), item],
            itemsize=item,
            meminfo=None,
        )
        return view._getvalue()

    return matrix(flat, types.intp, types.intp, types.intp), generate
