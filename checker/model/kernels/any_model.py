"""Kernels of layered networks and of programs under one name, by the type of what they run on."""

from __future__ import annotations

from numba import types
from numba.extending import overload

from ncfcheck.model.instructions import Code
from ncfcheck.model.kernels import gradients, programs


def _module(is_program: bool):
    return programs if is_program else gradients


def _is_code(kind) -> bool:
    """Whether a compiled function is handed a program."""
    return isinstance(kind, types.BaseNamedTuple) and kind.instance_class is Code


def workspace(layout, samples):
    """Scratch for some samples."""
    return _module(isinstance(layout, Code)).workspace(layout, samples)


@overload(workspace, inline="always")
def _workspace(layout, samples):
    found = _module(_is_code(layout)).workspace

    def chosen(layout, samples):
        return found(layout, samples)

    return chosen


def pull_back(layout, theta, X, y, loss, factor, scale, weights, work, gradient):
    """`gradients.pull_back`; of programs X are the units that depend on no weights."""
    kernel = programs.pull_back_weighed if isinstance(layout, Code) else gradients.pull_back
    return kernel(layout, theta, X, y, loss, factor, scale, weights, work, gradient)


@overload(pull_back, inline="always")
def _pull_back(layout, theta, X, y, loss, factor, scale, weights, work, gradient):
    found = programs.pull_back_weighed if _is_code(layout) else gradients.pull_back

    def chosen(layout, theta, X, y, loss, factor, scale, weights, work, gradient):
        return found(layout, theta, X, y, loss, factor, scale, weights, work, gradient)

    return chosen
