"""Networks over intervals, and the instance of a witness; standard library only."""

import math

from .numbers import Ball, ball, bend, dot, need, power
from .reading import instance, number, numbers, whole  # noqa: F401  for all who read data


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


def full(widths):
    return [[[i * a + j for j in range(a)] for i in range(b)] for a, b in zip(widths, widths[1:])]


def canonical(index):
    """Whether parameters are numbered in the order in which they first stand in the matrix."""
    used = [k for row in index for k in row if k >= 0]
    return list(dict.fromkeys(used)) == list(range(len(set(used)))) != []


class Case:
    """An instance, with everything that claims need of it as exact intervals."""

    def __init__(self, raw):
        self.proved, self.told = set(), []
        self.get = instance(raw).get
        problem = self.get("problem")
        spec, X, y = problem["network"], problem["X"], problem["y"]
        widths, self.powers, self.slopes = spec["widths"], spec["powers"], spec["slopes"]
        patterns = spec["patterns"]
        depths = len(widths), len(self.powers) + 2, len(self.slopes) + 2, len(patterns) + 1
        need(len(set(depths)) == 1 and len(widths) >= 3, "widths, powers … of other numbers")
        need(len(widths) <= 9, "more than 8 layers: nothing is proved of them")
        need(whole(widths, 1, 10**9) and whole(self.powers, 1, 10**9), "a width or power below 1")
        need(max(widths) <= 500, "a layer of more than 500 neurons: nothing is proved of it")
        need(max(self.powers) <= 8, "a power above 8: nothing is proved of it")
        need(all(-1 <= a <= 1 for a in self.slopes), "a slope outside [-1, 1]")
        need(math.prod(self.powers) <= 200, "powers whose product is above 200: nothing is proved")
        entries = sum(a * b for a, b in zip(widths, widths[1:]))
        need({len(row) for row in X} == {widths[0]}, "samples of another number of inputs, or none")
        need({len(row) for row in y} == {widths[-1]}, "labels of another number of outputs")
        need(len(X) == len(y), "not as many labels as samples")
        small = entries * len(X) <= 10**6
        need(small, "more than 10⁶ weights times samples: nothing is proved of them")
        pairs = zip(patterns, full(widths))
        index = [own if each["index"] is None else each["index"] for each, own in pairs]
        for each, a, b in zip(index, widths, widths[1:]):
            need({len(row) for row in each} == {a} and len(each) == b, "a pattern of another shape")
            need(all(whole(row, -1, entries) for row in each), "a number of no parameter")
            told = "a layer without weights, or not numbered in the order in which they first stand"
            need(canonical(each), told)
        need(
            all(each["kind"] != "dense" or each["index"] is None for each in patterns),
            "a dense layer with a pattern",
        )
        self.square = problem["loss"] == "SQUARE"
        logistic = problem["loss"] == "LOGISTIC" and all(abs(v) == 1 for row in y for v in row)
        need(self.square or logistic, "not labels of the logistic loss")
        self.laws = [(q, Ball(1), power(ball(a), q)) for q, a in zip(self.powers, self.slopes)]
        self.net, self.floats = Net(widths, self.laws, index), X
        self.X = [[ball(v) for v in row] for row in X]
        self.labels = [[v if self.square else v / 2 for v in row] for row in y]
        self.Y = [[ball(v) for v in row] for row in self.labels]
        self.start = self.get("start")
        need(len(self.start) == self.net.size, "a start of another length")
        self.u, self.signs, self.profiles, self.norms = (
            self.get(name) for name in ("u", "signs", "profiles", "norms")
        )
        self.theta = [ball(v) for v in self.start]
        self.lipschitz = all(q > 1 or a == 1 for q, a in zip(self.powers, self.slopes))


def unit(vector):
    vector = list(map(ball, vector))
    length = dot(vector, vector).root(2)
    return [each / length for each in vector]
