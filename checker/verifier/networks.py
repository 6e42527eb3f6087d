"""Networks over intervals, and the instance of a witness; standard library only."""

import math

from .numbers import Ball, ball, bend, dot, need, power


class Net:
    """Widths, laws (q, plus, minus), numbers of parameters at layers' entries, biases or not."""

    def __init__(self, widths, laws, index, bias=False):
        self.widths, self.laws, self.index, self.bias = widths, laws, index, bias
        self.depth = len(widths) - 1
        self.counts = [max((k for row in each for k in row), default=-1) + 1 for each in index]
        self.starts = [sum(self.counts[:l]) for l in range(self.depth + 1)]
        self.orders = [math.prod(q for q, _, _ in laws[l:]) for l in range(self.depth)]
        self.order, self.size = sum(self.orders), self.starts[-1]
        used = [sorted(k for row in each for k in row if k >= 0) for each in index]
        need(
            all(sorted(set(u)) == list(range(c)) for u, c in zip(used, self.counts)),
            "parameters are not numbered in full",
        )
        self.shared = [len(u) > c for u, c in zip(used, self.counts)]
        self.plain = [own == row_by_row for own, row_by_row in zip(index, full(widths))]
        self.dense = all(self.plain) and not bias

    def part(self, theta, l):
        return theta[self.starts[l] : self.starts[l + 1]]

    def matrices(self, theta):
        parts = [self.part(theta, l) for l in range(self.depth)]
        return [
            [[own[k] if k >= 0 else Ball(0) for k in row] for row in each]
            for own, each in zip(parts, self.index)
        ]

    def run(self, theta, X, Y=None):
        """Outputs of every sample, N and ∇N."""
        W, value, outputs, terms = self.matrices(theta), Ball(0), [], [[] for _ in range(self.size)]
        for i, x in enumerate(X):
            need(True, "")
            h, slopes = [[*x, Ball(1)] if self.bias else x], []
            for w, law in zip(W, self.laws):
                bent = [bend(dot(row, h[-1]), *law) for row in w]
                slopes.append([b for _, b in bent])
                h.append([a for a, _ in bent] + [Ball(1)] * self.bias)
            outputs.append([dot(row, h[-1]) for row in W[-1]])
            if Y is None:
                continue
            delta, value = Y[i], value + dot(Y[i], outputs[-1])
            for l in reversed(range(self.depth)):
                for d, row in zip(delta, self.index[l]):
                    for k, below in zip(row, h[l]):
                        if k >= 0:
                            terms[self.starts[l] + k].append((d, below))
                if l:
                    delta = [
                        dot([row[j] for row in W[l]], delta) * slope
                        for j, slope in enumerate(slopes[l - 1])
                    ]
        return outputs, value, [dot((d for d, _ in each), (h for _, h in each)) for each in terms]


def number(text):
    need(
        isinstance(text, str) and len(text) <= 40 and math.isfinite(float.fromhex(text)),
        "not a finite number",
    )
    return float.fromhex(text)


def numbers(values):
    return [numbers(each) for each in values] if isinstance(values, list) else number(values)


def plain(value):
    """Tagged JSON as numbers, lists and dicts."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    for tag, read in (("float", number), ("array", numbers), ("tuple", plain), ("list", plain)):
        if tag in value:
            return read(value[tag])
    return value["name"] if "enum" in value else {key: plain(each) for key, each in value.items()}


def full(widths):
    return [[[i * a + j for j in range(a)] for i in range(b)] for a, b in zip(widths, widths[1:])]


def whole(values, low, high):
    return isinstance(values, list) and all(
        type(each) is int and low <= each <= high for each in values
    )


class Case:
    """An instance, with everything that claims need of it as exact intervals."""

    def __init__(self, raw):
        self.proved, self.told = set(), []
        self.get = lambda name: plain(raw[name]) if raw.get(name) else None
        problem = self.get("problem")
        spec, X, y = problem["network"], problem["X"], problem["y"]
        widths, self.powers, self.slopes = spec["widths"], spec["powers"], spec["slopes"]
        need(
            whole(widths, 1, 500) and 3 <= len(widths) <= 9 and whole(self.powers, 1, 8),
            "not a network",
        )
        depths = len(widths), len(self.powers) + 2, len(self.slopes) + 2, len(spec["patterns"]) + 1
        need(len(set(depths)) == 1, "not a network")
        need(
            all(isinstance(a, float | int) and -1 <= a <= 1 for a in self.slopes),
            "a slope outside [-1, 1]",
        )
        need(math.prod(self.powers) <= 200, "the order is too large")
        entries = sum(a * b for a, b in zip(widths, widths[1:]))
        shapes = {len(row) for row in X} == {widths[0]} and {len(row) for row in y} == {widths[-1]}
        need(
            0 < len(X) == len(y) and shapes and entries * len(X) <= 10**6,
            "shapes that do not fit, or too large",
        )
        index = [each["index"] or dense for each, dense in zip(spec["patterns"], full(widths))]
        for each, a, b in zip(index, widths, widths[1:]):
            need(
                len(each) == b and all(len(row) == a and whole(row, -1, entries) for row in each),
                "a pattern of another shape",
            )
        self.square = problem["loss"] == "SQUARE"
        logistic = problem["loss"] == "LOGISTIC" and all(abs(v) == 1 for row in y for v in row)
        need(self.square or logistic, "not a loss with its labels")
        self.laws = [(q, Ball(1), power(ball(a), q)) for q, a in zip(self.powers, self.slopes)]
        self.net, self.floats = Net(widths, self.laws, index), X
        self.X = [[ball(v) for v in row] for row in X]
        self.labels = [[v if self.square else v / 2 for v in row] for row in y]
        self.Y = [[ball(v) for v in row] for row in self.labels]
        self.start = self.get("start")
        need(
            len(self.start) == self.net.size and any(self.start), "a start of another length, or 0"
        )
        self.u, self.signs, self.profiles, self.norms = (
            self.get(name) for name in ("u", "signs", "profiles", "norms")
        )
        self.theta = [ball(v) for v in self.start]
        self.lipschitz = all(q > 1 or a == 1 for q, a in zip(self.powers, self.slopes))


def unit(vector):
    vector = list(map(ball, vector))
    length = dot(vector, vector).root(2)
    return [each / length for each in vector]
