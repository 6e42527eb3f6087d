"""Structured points W_l = c_l s_l e_l e_{l−1}ᵀ of an instance; standard library only."""

from __future__ import annotations

from ncfcheck.verifier.networks import unit
from ncfcheck.verifier.numbers import Ball, ball, dot, need


def unequal(case, l):
    return len({abs(e) for e in case.profiles[l] if e}) > 1


def structured(case, coherent=True, uniform=True):
    """The instance has a u, signs ±1 and profiles that fit its network; they are ≥ 0, equal where p
    ≥ 2, as asked for.
    """
    sizes = [len(each) for each in case.profiles]
    need(
        sizes == case.net.widths[1:-1]
        and case.net.widths[-1] == 1
        and len(case.u) == case.net.widths[0],
        "not structured",
    )
    need(
        len(case.signs) == case.net.depth - 1 and all(abs(s) == 1 for s in case.signs),
        "signs other than ±1",
    )
    need(all(map(any, case.profiles)) and any(case.u), "a profile that is 0")
    need(
        not coherent or all(e >= 0 for each in case.profiles for e in each),
        "a profile of mixed signs",
    )
    need(
        not uniform or not any(unequal(case, l) for l, q in enumerate(case.powers) if q > 1),
        "a profile that is not uniform",
    )


def layers(case, rows, columns, norms):
    """Weights c_l s_l rows_l columns_{l−1}ᵀ, columns_0 the direction in the first layer."""
    theta = [Ball(0)] * case.net.size
    for l, (row, column) in enumerate(zip([*rows, [Ball(1)]], columns)):
        for a, numbers_of in zip(row, case.net.index[l]):
            for b, k in zip(column, numbers_of):
                if k >= 0:
                    theta[case.net.starts[l] + k] = a * b * norms[l] * ball([1.0, *case.signs][l])
    return theta


def placed(case, u, rows=None, columns=None, norms=None):
    """Weights of unit rows and columns near `start`, the profiles unless given; norms are balanced
    unless given.
    """
    rows, columns = (
        [list(map(ball, each)) for each in given or case.profiles] for given in (rows, columns)
    )
    norms = norms or [(Ball(order) / case.net.order).root(2) for order in case.net.orders]
    theta = layers(case, map(unit, rows), [unit(u), *map(unit, columns)], norms)
    length = float(dot(theta, theta).root(2))
    need(
        all(abs(float(a) / length - b) < 1e-6 for a, b in zip(theta, case.start)),
        "`start` is another point",
    )
    return theta
