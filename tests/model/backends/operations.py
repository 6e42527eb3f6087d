"""Functions of samples X (n, 4) and weights `A` (3, 4), `B` (2, 3), in numpy's names, which JAX and
PyTorch share: each is read as a program.
"""

SHAPES = {"A": (3, 4), "B": (2, 3)}


def last(hidden, w):
    """Outputs (n, 2) of hidden units (n, 3)."""
    return hidden @ w["B"].T


def chosen(lib, z, ahead, behind):
    """ahead·z where z > 0, behind·z where not."""
    return lib.where(z > 0, ahead * z, behind * z)


READ = {
    "linear": lambda X, w, lib: last(X @ w["A"].T, w),
    "positive part": lambda X, w, lib: last(lib.maximum(X @ w["A"].T, lib.zeros(())), w),
    "absolute value": lambda X, w, lib: last(abs(X @ w["A"].T), w),
    "cube": lambda X, w, lib: last((X @ w["A"].T) ** 3, w),
    "leaky by a choice": lambda X, w, lib: last(chosen(lib, X @ w["A"].T, 1.0, -0.3), w),
    "steeper below 0": lambda X, w, lib: last(chosen(lib, X @ w["A"].T, 0.5, 3.0) ** 2, w),
    "falling above 0": lambda X, w, lib: last(chosen(lib, X @ w["A"].T, -2.0, 0.5) ** 3, w),
    "einsum": lambda X, w, lib: last(lib.einsum("nd,hd,hd->nh", X, w["A"], w["A"]), w),
    "tied": lambda X, w, lib: last(X @ w["A"].T @ w["A"] @ w["A"].T, w),
    "gated": lambda X, w, lib: last((X @ w["A"].T) * (X[:, :1] - 2 * X[:, 1:2] / 3), w),
    "tokens": lambda X, w, lib: last(
        lib.einsum(
            "nti,hi,nth->nh", X.reshape(-1, 2, 2), w["A"][:, :2], X.reshape(-1, 2, 2) @ w["B"]
        ),
        w,
    ),
    "mean and sum": lambda X, w, lib: last((X @ w["A"].T) * X.mean(1)[:, None], w),
    "constants": lambda X, w, lib: last(X @ lib.ones((4, 4)) @ w["A"].T - X[:, 1:], w),
    "smaller of two": lambda X, w, lib: last(lib.minimum(X @ w["A"].T, X[:, 1:]), w),
    "product": lambda X, w, lib: last((X @ w["A"].T) * (X[:, :2]).prod(1)[:, None], w),
    "pieces": lambda X, w, lib: last(lib.stack([X[:, k] * w["A"][0, k] for k in range(3)], 1), w),
}
# Homogeneous functions of which something has no instruction.
NOT_READ = {
    "a norm": lambda X, w, lib: last((X @ w["A"].T) * lib.sqrt((w["A"] ** 2).sum()), w),
    "a real power": lambda X, w, lib: last(abs(X @ w["A"].T) ** 1.5, w),
    "a sine of samples": lambda X, w, lib: last(lib.sin(X) @ w["A"].T, w),
}
