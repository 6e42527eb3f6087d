"""Compiled products of matrices and derivatives along directions agree with numpy's, on both sides
of every switch.
"""

import numpy as np
import pytest

from ncfcheck.core.compiling import compiled
from ncfcheck.model.kernels.matrix_products import SMALL, product, product_with_transposed
from ncfcheck.strategies.draw import draw
from ncfcheck.strategies.instances import instances
from ncfcheck.theory.early.training import second_orders

SIZES = [(1, 1, 1), (3, 5, 7), (2, 1, 9), (20, 10, 50)]


@compiled()
def products(A, B):
    out = (
        np.empty((A.shape[0], B.shape[1])),
        np.empty((A.shape[0], B.shape[1])),
        np.empty((A.shape[0], B.shape[1])),
    )
    product(A, B, out[0])
    product(A.T.copy().T, B, out[1])
    product_with_transposed(A, B.T.copy(), out[2])
    return out


def test_sizes_lie_on_both_sides_of_the_switch_to_blas():
    assert {int(np.prod(size) > SMALL) for size in SIZES} == {0, 1}


@pytest.mark.parametrize("rows, inner, columns", SIZES)
def test_products_are_those_of_numpy(rows, inner, columns):
    rng = np.random.default_rng(0)
    A, B = rng.standard_normal((rows, inner)), rng.standard_normal((inner, columns))
    bound = 4e-16 * inner * np.abs(A) @ np.abs(B)
    for found in products(A, B):
        assert (np.abs(found - A @ B) <= bound).all()


def test_products_with_the_curvature_are_those_of_its_matrix():
    drawn = list(draw(instances().strategy(), 40, 3, simplest=True))
    assert {each.network.layout.index.size > 0 for each in drawn} == {True, False}
    for number, each in enumerate(drawn):
        direction = np.random.default_rng(number).standard_normal(each.start.size)
        found, exact = (
            each.ncf.curvature_product(each.start, direction),
            each.ncf.curvature(each.start),
        )
        size = np.abs(exact.products(np.eye(each.start.size))).sum() + 1e-300
        assert np.linalg.norm(found - exact.product(direction)) <= 1e-12 * size
        assert np.abs(each.ncf.hessian(each.start) - exact.matrix()).max() <= 1e-12 * size


def test_the_second_order_of_the_loss_is_a_gradient_with_outputs_as_labels():
    drawn = list(draw(instances().strategy(), 20, 4, simplest=False))
    for each in drawn:
        problem = each.problem
        outputs = problem.loss.second_order(problem.outputs(each.start), problem.y)
        change = type(each.ncf)(each.network, each.ncf.X, outputs)
        found, expected = (
            second_orders(each.problem)(each.start.copy()[None])[0],
            change.gradient(each.start),
        )
        assert np.linalg.norm(found - expected) <= 1e-13 * np.linalg.norm(expected)
