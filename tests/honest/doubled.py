"""Double-double numbers, 106 bits, for compiled code: high and low part as a complex number.

Error-free sums and products (Dekker 1971; Hida, Li and Bailey 2001). No fused operations, and no
reordering: numba compiles as IEEE says unless told otherwise.
"""

from __future__ import annotations

import math

from ncfcheck.core.compiling import compiled

SPLITTER = 134217729.0  # 2^27 + 1
LN2 = complex(0.6931471805599453, 2.3190468138462996e-17)


@compiled()
def plain(a):
    """The double-double of a float."""
    return complex(a, 0.0)


@compiled()
def _joined(high, low):
    total = high + low
    return complex(total, low - (total - high))


@compiled()
def add(a, b):
    """a + b."""
    s = a.real + b.real
    from_b = s - a.real
    e = (a.real - (s - from_b)) + (b.real - from_b)
    t = a.imag + b.imag
    from_b = t - a.imag
    f = (a.imag - (t - from_b)) + (b.imag - from_b)
    first = _joined(s, e + t)
    return _joined(first.real, first.imag + f)


@compiled()
def mul(a, b):
    """a · b."""
    product = a.real * b.real
    c = SPLITTER * a.real
    a_high = c - (c - a.real)
    a_low = a.real - a_high
    c = SPLITTER * b.real
    b_high = c - (c - b.real)
    b_low = b.real - b_high
    e = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low
    return _joined(product, e + (a.real * b.imag + a.imag * b.real))


@compiled()
def sub(a, b):
    """a − b."""
    return add(a, complex(-b.real, -b.imag))


@compiled()
def div(a, b):
    """a/b."""
    first = a.real / b.real
    rest = sub(a, mul(b, complex(first, 0.0)))
    second = rest.real / b.real
    rest = sub(rest, mul(b, complex(second, 0.0)))
    return add(_joined(first, second), complex(rest.real / b.real, 0.0))


@compiled()
def root(a):
    """√a; 0 where a is not above 0."""
    if not a.real > 0.0:
        return complex(0.0, 0.0)
    near = complex(math.sqrt(a.real), 0.0)
    return add(near, complex(sub(a, mul(near, near)).real / (2.0 * near.real), 0.0))


@compiled()
def power(a, exponent):
    """a to a whole number from 0 up."""
    out = complex(1.0, 0.0)
    for _ in range(exponent):
        out = mul(out, a)
    return out


@compiled()
def exponential(a):
    """e^a, for |a| < 700."""
    k = math.floor(a.real / LN2.real + 0.5)
    r = sub(a, mul(complex(k, 0.0), LN2))
    r = complex(r.real / 256.0, r.imag / 256.0)
    term, total = complex(1.0, 0.0), complex(1.0, 0.0)
    for i in range(1, 12):
        term = div(mul(term, r), complex(float(i), 0.0))
        total = add(total, term)
    for _ in range(8):
        total = mul(total, total)
    size = 2.0**k
    return complex(total.real * size, total.imag * size)
