"""The planted mistakes: for every formula a few that its author might have made, and claims that
ought to catch each.
"""

from __future__ import annotations

import types

from ncfcheck.model.models import Evaluation, Model, SecondDerivatives
from tests.support.planting import Mutant

EXPANSION, CONSTANT = "homogeneity.loss_expansion", "early.tracking_constant"
EULER, LAYER_EULER, ONE_SAMPLE = "homogeneity.euler", "homogeneity.layer_euler", "kkt.one_sample"
SUFFICIENT, PERTURBED = "rank_one.sufficient", "rank_one.perturbed_fails"
MIXED, CLARKE = "rank_one.mixed_sign_even_p", "rank_one.clarke"
AT_ONCE, DIRECTION = "rank_one.spoilt_at_once", "control.any_direction"
BLOWUP, DEGREE_TWO = "flow.blowup_rate", "control.degree_two"

# Formula → (fragment, replacement, mistake, the claim or claims that ought to catch it).
LOSSES = {
    "Square.of": [
        ("0.5 * (", "(", "no half", EXPANSION),
        ("x - y", "x + y", "sign of the label", EXPANSION),
    ],
    "Square.change": [
        ("0.5 * x", "x", "no half", EXPANSION),
        ("- y)", "+ y)", "sign of the label", EXPANSION),
    ],
    "Square.descent": [
        ("return y - x", "return y + x", "sign of ŷ", EXPANSION),
        ("return y - x", "return -y - x", "sign of the label", EXPANSION),
        ("return y - x", "return y / 2 - x", "half of the label", EXPANSION),
    ],
    "Square.curvature": [
        ("return np", "return -np", "sign", CONSTANT),
        ("return np", "return 2 * np", "factor 2", CONSTANT),
    ],
    "Logistic.of": [
        ("-y * x", "y * x", "sign of the exponent", EXPANSION),
        ("logaddexp(0.0", "logaddexp(1.0", "e for 1", EXPANSION),
    ],
    "Logistic.change": [
        ("-y * x", "y * x", "sign of the exponent", EXPANSION),
        (" / 2", "", "no half", EXPANSION),
    ],
    "Logistic.descent": [
        ("np.exp(y", "np.exp(-y", "sign of the exponent", EXPANSION),
        ("(1.0 + np.exp(", "(np.exp(", "no 1 +", EXPANSION),
        ("return y", "return -y", "sign of the label", EXPANSION),
    ],
    "Logistic.curvature": [
        ("(y - w)", "(y + w)", "sign of −ℓ'", CONSTANT),
        ("return w", "return -w", "sign", CONSTANT),
    ],
    "Huber.of": [
        ("0.5 * w", "w", "no half", EXPANSION),
        ("y - x) -", "y + x) -", "sign of ŷ", EXPANSION),
    ],
    "Huber.change": [
        ("-w * x", "w * x", "sign", EXPANSION),
        ("y - 0.5", "y + 0.5", "sign of the mean", EXPANSION),
    ],
    "Huber.descent": [
        ("return clipped", "return -clipped", "sign", EXPANSION),
        ("self.threshold", "2 * self.threshold", "threshold", EXPANSION),
    ],
    "Huber.curvature": [
        ("1.0, 0.0", "0.0, 1.0", "sides", CONSTANT),
        ("1.0, 0.0", "2.0, 0.0", "factor 2", CONSTANT),
    ],
    "clipped": [
        ("y - x", "y + x", "sign of ŷ", EXPANSION),
        ("-threshold)", "-2 * threshold)", "cut at −2κ", EXPANSION),
    ],
    "Exponential.of": [
        ("-y * x", "y * x", "sign of the exponent", EXPANSION),
        ("np.exp(", "2 * np.exp(", "factor 2", EXPANSION),
    ],
    "Exponential.change": [
        ("-y * x", "y * x", "sign of the exponent", EXPANSION),
        ("np.expm1(", "2 * np.expm1(", "factor 2", EXPANSION),
    ],
    "Exponential.descent": [
        ("-y * x", "y * x", "sign of the exponent", EXPANSION),
        ("return y *", "return -y *", "sign of the label", EXPANSION),
    ],
    "Exponential.curvature": [
        ("y**2", "y", "exponent of the label", CONSTANT),
        ("y**2", "-(y**2)", "sign", CONSTANT),
    ],
    "Softmax.shares": [
        ("powers / powers.sum", "2 * powers / powers.sum", "factor 2", EXPANSION),
        ("powers / powers.sum", "powers / 2 / powers.sum", "half", EXPANSION),
        ("powers.sum(axis=1, keepdims=True)", "powers.sum()", "over samples", EXPANSION),
    ],
    "Softmax.of": [
        ("return np", "return 2 * np", "factor 2", EXPANSION),
        ("return np", "return -np", "sign", EXPANSION),
    ],
    "Softmax.beyond": [
        ("x - (x", "x + (x", "sign", EXPANSION),
        ("(x * y)", "(x * (1 - y))", "the other classes", EXPANSION),
    ],
    "Softmax.change": [
        (".mean(", ".sum(", "sum for the mean", EXPANSION),
        ("return np", "return -np", "sign", EXPANSION),
    ],
    "Softmax.descent": [
        ("y - Soft", "y + Soft", "sign of the shares", EXPANSION),
        ("return y", "return -y", "sign of the label", EXPANSION),
    ],
    "Softmax.curvature": [
        ("- p[:, None]", "+ p[:, None]", "sign of ppᵀ", CONSTANT),
        ("np.eye(p.shape[1])", "1.0", "ones for the identity", CONSTANT),
    ],
    "Loss.of": [
        ("return self", "return -self", "sign", EXPANSION),
        ("return self", "return 2 * self", "factor 2", EXPANSION),
    ],
    "Loss.change": [
        ("return self", "return -self", "sign", EXPANSION),
        ("return self", "return 2 * self", "factor 2", EXPANSION),
    ],
    "Loss.descent": [
        ("return self", "return -self", "sign", EXPANSION),
        ("return self", "return 2 * self", "factor 2", EXPANSION),
    ],
    "Loss.curvature": [
        ("return self", "return -self", "sign", CONSTANT),
        ("return self", "return 2 * self", "factor 2", CONSTANT),
    ],
    "descent": [
        (
            "NCF_CODE:\n                out[i, j] = y",
            "NCF_CODE:\n                out[i, j] = -y",
            "sign, NCF",
            EXPANSION,
        ),
        ("= y[i, j] * (", "= -y[i, j] * (", "sign, second order", CONSTANT),
        ("_square(factor * ", "_square(", "no δ^D, square", EXPANSION),
        ("_logistic(factor * ", "_logistic(", "no δ^D, logistic", EXPANSION),
        ("_clipped(factor * ", "_clipped(", "no δ^D, Huber", EXPANSION),
        ("_exponential(factor * ", "_exponential(", "no δ^D, exponential", EXPANSION),
    ],
    "_softmax": [
        ("np.exp(factor * ", "np.exp(", "no δ^D, softmax", EXPANSION),
        ("y[i, j] - out", "y[i, j] + out", "sign of the shares", EXPANSION),
    ],
}
LOSS_FUNCTIONS = {
    "LossFunction.total": [
        ("return float", "return 2 * float", "factor 2", EXPANSION),
        (".sum()", ".mean()", "mean for the sum", EXPANSION),
    ],
    "LossFunction.pseudo_labels": [
        ("return self", "return -self", "sign", EXPANSION),
        ("return self", "return 2 * self", "factor 2", EXPANSION),
    ],
    "LossFunction.curvature_at_zero": [
        ("return self", "return -self", "sign", CONSTANT),
        ("return self", "return 2 * self", "factor 2", CONSTANT),
    ],
}
NCF = {
    "unit": [
        ("theta / size", "-theta / size", "sign", SUFFICIENT),
        ("theta / size", "np.abs(theta) / size", "of absolute values", ONE_SAMPLE),
    ],
    "norm": [
        ("dnrm2(flat)", "dnrm2(flat) ** 2", "square", "kkt.multiplier"),
        ("dnrm2(flat)", "np.abs(flat).sum()", "sum of absolute values", "kkt.multiplier"),
    ],
    "Ncf.value_and_gradient": [
        ("return value, ", "return -value, ", "sign of N", EULER),
        ("return value, gradient", "return value, 2 * gradient", "factor 2 of ∇N", EULER),
        (
            "return value, gradient",
            "return value, np.concatenate([-gradient[: u.size // 2], gradient[u.size // 2 :]])",
            "sign of the first half of ∂N",
            LAYER_EULER,
        ),
    ],
    "Correlation.value": [
        ("return self", "return -self", "sign", EXPANSION),
        ("return self", "return self.network.order * self", "factor D", EXPANSION),
    ],
    "Correlation.gradient": [
        ("(u)[1]", "(u)[1] / self.network.order", "factor 1/D", "kkt.multiplier"),
        ("(u)[1]", "(u * u)[1]", "at the squares", "homogeneity.gradient_scaling"),
    ],
    "sine": [
        ("/ size if", "/ size**2 if", "exponent of ‖∇N‖", PERTURBED),
        ("norm(gradient - ", "norm(gradient + ", "sign of the projection", SUFFICIENT),
        (
            "(gradient @ u) / (u @ u) * u",
            "(gradient @ u) / (u @ u)",
            "no direction in the projection",
            SUFFICIENT,
        ),
    ],
    "Correlation.residual": [
        ("gradient(u), u)", "gradient(u), u * u)", "to the squares", PERTURBED),
        ("return sine", "return 1 - sine", "complement", PERTURBED),
    ],
    "Ncf.head_start": [
        ("_finite(u)", "_finite(-u)", "sign of u", ONE_SAMPLE),
        ("_finite(u)", "_finite(u[::-1])", "entries in reverse", ONE_SAMPLE),
    ],
    "Ncf.projected_hessian": [
        ("ybar, multiplier", "ybar, -multiplier", "sign of λ", ONE_SAMPLE),
        ("ybar, multiplier", "ybar, 0.0 * multiplier", "no λ", ONE_SAMPLE),
    ],
    "Ncf.curvature": [
        ("_finite(u)", "_finite(-u)", "sign of u", ONE_SAMPLE),
        ("_finite(u)", "_finite(u[::-1])", "entries in reverse", ONE_SAMPLE),
    ],
    "Correlation.rounding": [
        (
            "return value, norm(gradient)",
            "return 1e15 * value, 1e15 * norm(gradient)",
            "not in units of EPS",
            ONE_SAMPLE,
        ),
        (
            "return value, norm(gradient)",
            "return value, norm(gradient) ** 0.5",
            "a square root",
            ONE_SAMPLE,
        ),
    ],
    "Ncf.gradient_bound": [
        ("self._finite(u)", "self._finite(1e3 * u)", "scale of the point", ONE_SAMPLE),
        ("self.ybar", "1e15 * self.ybar", "scale of the pseudo-labels", ONE_SAMPLE),
    ],
    "Problem.ncf": [
        ("self.loss.pseudo_labels(self.y)", "self.y", "labels for pseudo-labels", EXPANSION),
        ("self.loss", "-self.loss", "sign of ȳ", EXPANSION),
    ],
    "Problem.outputs": [
        ("return self", "return -self", "sign", EXPANSION),
        ("outputs(w)", "outputs(w * w)", "at the squares", "homogeneity.output_scaling"),
        ("outputs(w)", "outputs(w) + 1.0", "a constant", "homogeneity.output_scaling"),
    ],
    "Problem.output_bound": [
        ("return self", "return 1e15 * self", "scale of the data", "control.negative_factor"),
        ("bound(w)", "bound(1e10 * w)", "scale of the weights", "control.negative_factor"),
    ],
    "Problem.training_loss": [
        ("self.outputs(w)", "-self.outputs(w)", "sign of H", EXPANSION),
        ("self.outputs(w)", "self.outputs(2 * w)", "at 2w", EXPANSION),
    ],
    "neuron_balance": [
        ("(theta)", "(theta**2)", "of the squares of the weights", SUFFICIENT),
        ("network.matrices(theta)", "network.matrices(theta)[::-1]", "order of layers", SUFFICIENT),
    ],
    "euler_sides": [
        ("* value", "* -value", "sign of N", EULER),
        ("network.order", "(network.order + 1)", "D + 1", EULER),
    ],
    "group_euler_sides": [
        ("group.order * value", "network.order * value", "D for P_g", LAYER_EULER),
        ("group.order * value", "value", "no P_g", LAYER_EULER),
    ],
    "balances": [
        ("- network.powers[l]", "+ network.powers[l]", "sign", SUFFICIENT),
        ("network.powers[l] * ", "", "no p_l", "flow.balance"),
        ("network.powers[l] * ", "network.powers[l - 1] * ", "p_{l−1}", "kkt.neuron_balance"),
        (
            "network.powers[l] * ",
            "network.powers[l] ** 2 * ",
            "exponent of p_l",
            "kkt.neuron_balance",
        ),
        ("[W * W", "[np.abs(W)", "no square", "kkt.neuron_balance"),
    ],
    "sign_flipped": [
        ("*= -1", "*= 1", "no sign", "kkt.sign_flip"),
        ("linear[-1]", "network.groups[0].part", "of W_1", "kkt.sign_flip"),
    ],
    "group_squares": [
        (
            "theta[group.part] @ theta[group.part]",
            "np.sqrt(theta[group.part] @ theta[group.part])",
            "no square",
            "kkt.layer_balance",
        ),
        ("in ordered(network)", "in ordered(network)[::-1]", "order", "kkt.layer_balance"),
    ],
}
COLUMNS = {
    "ColumnEvaluation.columns": [
        ("self.X.T", "self.X[::-1].T", "samples in reverse", SUFFICIENT),
        ("self.X.T", "-self.X.T", "sign", SUFFICIENT),
    ],
    "ColumnEvaluation.rows_to_columns": [
        ("np.array(r.T", "np.array(-r.T", "sign", EXPANSION),
        ("np.array(r.T", "np.array(r[::-1].T", "samples in reverse", EXPANSION),
        ("np.array(r.T", "np.array(2 * r.T", "factor 2", EXPANSION),
    ],
}
LAYERED = {
    "LayeredEvaluation.outputs": [
        ("return gradients", "return -gradients", "sign", EXPANSION),
        ("w, self", "w * w, self", "at the squares", "homogeneity.output_scaling"),
        (".T", ".T + 1.0", "a constant", "homogeneity.output_scaling"),
    ],
    "LayeredEvaluation.pull_back": [
        ("layout, w", "layout, -w", "sign of w", EXPANSION),
        ("layout, w", "layout, w[::-1].copy()", "entries in reverse", EXPANSION),
    ],
    "LayeredEvaluation.curvature": [
        ("_at(w, r)", "_at(-w, r)", "sign of w", ONE_SAMPLE),
        ("_at(w, r)", "_at(w[::-1].copy(), r)", "entries in reverse", ONE_SAMPLE),
    ],
    "LayeredEvaluation.output_bound": [
        ("return output", "return 1e15 * output", "not in units of EPS", "control.negative_factor"),
        ("layout, w", "layout, 1e10 * w", "scale of the weights", "control.negative_factor"),
    ],
    "LayeredEvaluation.bounds": [
        ("_at(w, r)", "_at(1e3 * w, r)", "scale of the point", ONE_SAMPLE),
        ("_at(w, r)", "_at(w, 1e15 * r)", "scale of the pseudo-labels", ONE_SAMPLE),
    ],
    "LayeredEvaluation.hessian": [
        ("return self.curvature", "return -self.curvature", "sign", ONE_SAMPLE),
        ("return self.curvature", "return 3 * self.curvature", "factor 3", ONE_SAMPLE),
    ],
    "LayeredEvaluation.curvature_product": [
        ("return tangents", "return -tangents", "sign", CONSTANT),
        ("return tangents", "return 2 * tangents", "factor 2", CONSTANT),
    ],
    "LayeredEvaluation.projected_hessian": [
        ("float(multiplier)", "-float(multiplier)", "sign of λ, few weights", ONE_SAMPLE),
        ("float(multiplier)", "0.0", "no λ, few weights", ONE_SAMPLE),
    ],
    "LayeredEvaluation.head_start": [
        ("_at(u, r)", "_at(-u, r)", "sign of u", ONE_SAMPLE),
        ("_at(u, r)", "_at(u[::-1].copy(), r)", "entries in reverse", ONE_SAMPLE),
    ],
    "LayeredEvaluation.second_orders": [
        ("return gradients", "return -gradients", "sign", CONSTANT),
        ("return gradients", "return 2 * gradients", "factor 2", CONSTANT),
    ],
}
MODELS = {
    "projected": [
        ("] -= multiplier", "] += multiplier", "sign of λ", ONE_SAMPLE),
        ("] -= multiplier", "] -= 0 * multiplier", "no λ", ONE_SAMPLE),
        ("] -= multiplier", "] -= 3 * multiplier", "factor 3 of λ", ONE_SAMPLE),
        ("dsyr2(-1.0", "dsyr2(0.0", "no projection", ONE_SAMPLE),
        (
            "multiplier - abs(multiplier))",
            "multiplier + abs(multiplier))",
            "sign of the normal",
            ONE_SAMPLE,
        ),
    ],
}
KKT_POINT = {
    "KktPoint.inertia": [
        (
            "if self.top_curvature > flat",
            "if -self.top_curvature > flat",
            "sign of the curvature",
            ONE_SAMPLE,
        ),
        ("self.multiplier == 0", "self.multiplier >= 0", "positive λ taken for 0", ONE_SAMPLE),
        (
            "self.top_curvature < -flat",
            "self.top_curvature < 2 - 1 / flat",
            "threshold",
            ONE_SAMPLE,
        ),
    ],
    "KktPoint.is_polished": [
        ("self.residual <=", "self.residual >=", "sign", ONE_SAMPLE),
        ("max(POLISHED, min", "1e9 * max(POLISHED, min", "tolerance", ONE_SAMPLE),
    ],
}
KKT = {
    "polish": [
        ("*refined(ncf, u, steps)", "u", "no step at all", ONE_SAMPLE),
        ("*refined(ncf, u, steps)", "*refined(ncf, -u, steps)", "antipode", ONE_SAMPLE),
    ],
    "refined": [
        ("point + model", "point - model", "sign of the step", ONE_SAMPLE),
        ("(g @ point) * point", "point", "no projection", ONE_SAMPLE),
        ("norm(tangential) / size", "norm(tangential) * size", "exponent of ‖∇N‖", ONE_SAMPLE),
        ("u = u /", "u = -u /", "antipode", ONE_SAMPLE),
    ],
    "describe": [
        ("float(g @ u)", "value", "no D in λ", "kkt.multiplier"),
        ("float(g @ u)", "norm(g)", "sign of λ", ONE_SAMPLE),
        ("else sine(g, u)", "else 0.0", "sin∠ not looked at", ONE_SAMPLE),
        ("ncf.rounding(u)[1] / norm(g)", "norm(g) / ncf.rounding(u)[1]", "inverse", ONE_SAMPLE),
    ],
    "_DenseHessian.__init__": [
        (
            "self.matrix = abs(multiplier)",
            "self.matrix = multiplier**2",
            "exponent of |λ|",
            ONE_SAMPLE,
        ),
        ("(u, multiplier)", "(u, -multiplier)", "sign of λ", ONE_SAMPLE),
    ],
    "_DenseHessian.newton_step": [
        ("-tangential", "tangential", "sign", ONE_SAMPLE),
        ("solved.real", "solved.imag", "imaginary part", ONE_SAMPLE),
        ("max(1e-8,", "max(1.0,", "damping", ONE_SAMPLE),
    ],
    "_DenseHessian._turned": [
        ("which, self", '"T", self', "Qᵀ for Q", ONE_SAMPLE),
        ("out[1:] = ", "out[1:] = -", "sign", ONE_SAMPLE),
    ],
    "_DenseHessian.escape_directions": [
        ("values[-1] / self.scale", "values[0] / self.scale", "smallest for largest", ONE_SAMPLE),
        ("values[-1] / self.scale", "values[-1]", "not in units of |λ|", ONE_SAMPLE),
        ("values > DEGENERATE", "values > 1 / DEGENERATE", "threshold", ONE_SAMPLE),
    ],
    "_HessianProducts.__init__": [
        ("- multiplier * tangent", "+ multiplier * tangent", "sign of λ", ONE_SAMPLE),
        ("curvature.product(tangent)", "-curvature.product(tangent)", "sign of ∇²N", ONE_SAMPLE),
        ("- self.scale * normal", "+ self.scale * normal", "sign of the normal", ONE_SAMPLE),
    ],
    "_HessianProducts.newton_step": [
        ("-tangential", "tangential", "sign", ONE_SAMPLE),
        ("return step", "return 2 * step", "factor 2", ONE_SAMPLE),
    ],
    "_HessianProducts.escape_directions": [
        ('which="LA"', 'which="SA"', "smallest for largest", ONE_SAMPLE),
        ("values.max() / self.scale", "values.max()", "not in units of |λ|", ONE_SAMPLE),
        ("values > DEGENERATE", "values < -DEGENERATE", "sign", ONE_SAMPLE),
    ],
    "Limit.distance": [
        ("direction - self", "direction + self", "sign", DEGREE_TWO),
        (
            "trajectory.direction -",
            "trajectory.directions[0] -",
            "first direction for last",
            DIRECTION,
        ),
    ],
    "_zero_point": [
        ("KktPoint(u, 0.0, 0.0", "KktPoint(u, 1.0, 0.0", "value", SUFFICIENT),
        ("KktPoint(u, 0.0, 0.0", "KktPoint(u, 0.0, 1.0", "multiplier", "kkt.layer_balance"),
    ],
    "_reach": [
        (
            "1e3 * residual, min(10 * flat",
            "1e3 * residual**2, min(10 * flat**2",
            "exponent of sin∠",
            "control.any_rank_one",
        ),
        ("return max(", "return -max(", "sign", DEGREE_TWO),
    ],
    "flow_limit": [
        ("start.tobytes", "(-start).tobytes", "sign of v_0", "flow.blowup_bracket"),
        (
            "start.tobytes",
            "start[::-1].tobytes",
            "weights in reverse",
            "flow.blowup_bracket",
        ),
    ],
    "_followed": [
        (
            "residual = HANDOVER",
            "residual = 0.5",
            "handed over too early",
            "flow.direction_converges",
        ),
        ("limit.distance > _reach", "limit.distance < _reach", "sign", DEGREE_TWO),
        ("escaping <= max", "escaping >= max", "sign of the departure from a saddle", DEGREE_TWO),
    ],
    "positive_limit": [
        ("limit.point.value <= ", "-limit.point.value <= ", "sign of N*", "control.no_blowup"),
        ("limit.point.value <= ", "abs(limit.point.value) <= ", "any sign of N*", BLOWUP),
    ],
    "_blowup": [
        ("-(order - 2) * flow", "(order - 2) * flow", "sign of the exponent", BLOWUP),
        ("-(order - 2) * flow", "-order * flow", "exponent D", BLOWUP),
        ("(order * (order - 2))\n", "order\n", "no D − 2", BLOWUP),
        ("+ rest / optimum", "+ Bounded(rest)", "no N*", BLOWUP),
    ],
}
RANK_ONE = {
    "reduced_value": [
        ("ybar * slopes", "slopes", "no ȳ in ∇n", PERTURBED),
        ("ybar @ values", "abs(ybar) @ values", "|ȳ| in n", SUFFICIENT),
        ("network, X @ u", "network, X @ -u", "sign of u", SUFFICIENT),
    ],
    "_chained": [
        ("power * z ** (power - 1)", "power * z**power", "exponent of σ'", PERTURBED),
        ("side * power * z", "side * z", "no p in σ'", ONE_SAMPLE),
        ("alpha**power", "alpha", "exponent of α", SUFFICIENT),
        ("z >= 0, 1.0", "z <= 0, 1.0", "side of the kink", SUFFICIENT),
        ("z = sign * side", "z = side", "no s_l", SUFFICIENT),
        ("slope * sign * side", "slope * side", "no s_l in the slope", ONE_SAMPLE),
        ("zip(network.powers, ", "zip(network.powers[::-1], ", "order of layers, p_l", SUFFICIENT),
        (
            "network.slopes, signs",
            "network.slopes, signs[::-1]",
            "order of layers, s_l",
            SUFFICIENT,
        ),
    ],
    "balanced_norms": [
        (
            "np.sqrt(np.array(network.orders) / network.order)",
            "np.array(network.orders) / network.order",
            "no root",
            SUFFICIENT,
        ),
        ("/ network.order)", "/ network.depth)", "L for D", SUFFICIENT),
        ("(network.orders)", "(network.orders[::-1])", "order of layers", SUFFICIENT),
        ("np.array(network.orders)", "np.array((*network.orders[1:], 1))", "P_{l+1}", SUFFICIENT),
    ],
    "structured_point": [
        ("c * sign * np.outer", "sign * np.outer", "no c_l", SUFFICIENT),
        ("c * sign * np.outer", "c**2 * sign * np.outer", "exponent of c_l", SUFFICIENT),
        ("c * sign * np.outer", "c * np.outer", "no s_l", SUFFICIENT),
        ("(1.0, *signs)", "(*signs, 1.0)", "s_{l+1}", SUFFICIENT),
        ("[u, *profiles]", "[-u, *profiles]", "sign of u", SUFFICIENT),
    ],
    "predicted_tangent": [
        ("np.sqrt(", "(", "no root", AT_ONCE),
        (
            "np.array(network.orders) / network.order",
            "np.array(network.orders) / network.depth",
            "L for D",
            AT_ONCE,
        ),
        ("[reduced_tangent, *(", "[0.0, *(", "no τ_0", AT_ONCE),
        ("[:-1]) ** 2", "[:-1])", "exponent of τ_{l−1}", AT_ONCE),
        ("[1:]) ** 2", "[1:])", "exponent of τ_l", AT_ONCE),
        ("network.powers)), 0.0]", "network.powers[::-1])), 0.0]", "order of layers, p_l", AT_ONCE),
        ("shares / norms - norms", "shares / norms + norms", "sign of c_l", AT_ONCE),
        ("+ (shares / norms) ** 2 * ", "+ ", "no (P_l/(D c_l))²", AT_ONCE),
        ("+ (shares / norms) ** 2", "+ (shares / norms)", "exponent of P_l/(D c_l)", AT_ONCE),
        ("before + after + before * after", "before + after", "no τ_l² τ_{l−1}²", AT_ONCE),
        ("before + after + before", "before + before", "no τ_l²", AT_ONCE),
    ],
    "_turn": [
        ("profile**power", "profile ** (power - 1)", "exponent of e", AT_ONCE),
        ("image - along", "image + along", "sign of the projection", AT_ONCE),
        (") / along", ")", "sine for tangent, not scale-free", AT_ONCE),
    ],
    "tangent": [
        ("gradient - along", "gradient + along", "sign of the projection", AT_ONCE),
        (") / abs(along)", ") * abs(along)", "exponent of ⟨∇N, w⟩", AT_ONCE),
        (") / abs(along)", ") / norm(gradient)", "sine for tangent", AT_ONCE),
    ],
    "structured_value": [
        (
            "(1 - np.array(network.powers))",
            "(np.array(network.powers) - 1)",
            "sign of the exponent",
            SUFFICIENT,
        ),
        (
            "(1 - np.array(network.powers))",
            "-np.array(network.powers)",
            "exponent −p_l",
            SUFFICIENT,
        ),
        ("orders[1:]", "orders[:-1]", "P_l for P_{l+1}", SUFFICIENT),
        (" / 2", "", "no half", SUFFICIENT),
        (" ** network.orders", "", "no P_l", SUFFICIENT),
        ("n * float(", "float(", "no n(u)", SUFFICIENT),
    ],
    "reduced_point": [
        ("matrices[0][0], ", "-matrices[0][0], ", "sign of u", SUFFICIENT),
        ("in matrices[1:]", "in matrices[:-1]", "s_{l−1}", SUFFICIENT),
        ("np.sign(W[0, 0])", "W[0, 0]", "not a sign", SUFFICIENT),
        ("u / np.linalg.norm(u)", "u", "u not a unit vector", SUFFICIENT),
    ],
    "narrowed": [
        (
            "network.powers, network.slopes)",
            "network.powers, network.slopes[::-1])",
            "order of layers, α_l",
            SUFFICIENT,
        ),
        (
            "network.powers, network.slopes)",
            "network.powers[::-1], network.slopes)",
            "order of layers, p_l",
            SUFFICIENT,
        ),
    ],
    "mixed_layers": [
        ("% 2 == 0", "% 2 == 1", "odd for even", MIXED),
        ("alpha <= 0", "alpha >= 0", "sign of α", MIXED),
        ("network.powers[:-1]", "network.powers[1:]", "p_l for p_{l−1}", MIXED),
        ("network.slopes[:-1]", "network.slopes[1:]", "α_l for α_{l−1}", MIXED),
    ],
    "mixed_point": [
        ("(-1 / (power - 1))", "(1 / (power - 1))", "sign of the exponent", MIXED),
        ("(-1 / (power - 1))", "(-1 / power)", "exponent −1/p", MIXED),
        ("(-alpha) ** power if", "alpha**power if", "sign of α", MIXED),
        ("else (-alpha) ** -power", "else (-alpha) ** power", "not the inverse for t < 0", MIXED),
        ("(X @ point.u)[0] > 0", "(X @ point.u)[0] < 0", "sign of t, first layer", MIXED),
        ("point.signs[layer - 1] > 0", "point.signs[layer] > 0", "s_{l+1} for s_l", MIXED),
        (
            "np.where(negative, -size, size)",
            "np.where(negative, size, size)",
            "no sign of −Q",
            MIXED,
        ),
        ("np.sign(ratio) * size", "size", "no sign of ρ", MIXED),
        ("(1.0, *point.signs)", "(*point.signs, 1.0)", "s_{l+1}", MIXED),
    ],
    "clarke_problem": [
        ("alpha + (1 - alpha) * shares", "(1 - alpha) * shares", "no α", CLARKE),
        ("alpha + (1 - alpha) * shares", "alpha + shares", "no 1 − α", CLARKE),
        ("T, -off", "T, off", "sign of the rest", CLARKE),
        ("needed * np.prod(signs)", "needed", "no s_l", CLARKE),
        (
            "needed * np.prod(signs) / np.where(np.abs(slopes) > 1e-3, slopes, 1e-3)",
            "needed * np.prod(signs) * slopes",
            "exponent of the slopes",
            CLARKE,
        ),
        ("min(network.slopes)", "-min(network.slopes)", "sign of α", CLARKE),
    ],
    "off_kinks": [
        (
            "gradient - (gradient @ u) * u",
            "gradient + (gradient @ u) * u",
            "sign of the projection",
            "control.slope_outside",
        ),
        ("value <= 0", "-value <= 0", "sign of n(u)", CLARKE),
        ("return u, off", "return -u, off", "sign of u", CLARKE),
    ],
}

TABLES = {
    "ncfcheck.model.losses": LOSSES,
    "ncfcheck.model.loss_functions": LOSS_FUNCTIONS,
    "ncfcheck.model.ncf": NCF,
    "ncfcheck.model.columns": COLUMNS,
    "ncfcheck.model.layered": LAYERED,
    "ncfcheck.model.models": MODELS,
    "ncfcheck.theory.kkt.point": KKT_POINT,
    "ncfcheck.theory.kkt.points": KKT,
    "ncfcheck.theory.rank_one.points": RANK_ONE,
}
# Functions without a planted mistake, and why.
EXEMPT = {
    "ncfcheck.model.ncf:Problem.training_gradient": "no claim asks for it; tested by differences",
    **{
        f"ncfcheck.model.losses:{name}": "which labels there are, or what a loss is made of"
        for name in (
            *(f"{each}.labels_of" for each in ("Square", "Logistic", "Huber", "Exponential")),
            *("Softmax.labels_of", "Loss.labels_of", "Loss.__new__", "Huber.code", "Huber.labels"),
            *("Huber.__post_init__", "Huber.pseudo_label", "loss_of", "admitted"),
        )
    },
    **{
        f"ncfcheck.model.losses:{name}.steepest": "a bound; tested on the way, and by exact margins"
        for name in ("Square", "Logistic", "Huber", "Exponential", "Softmax", "Loss")
    },
    **{
        f"ncfcheck.model.loss_functions:{name}": "of losses of the user's own, or their differences"
        for name in (
            *("of", "descent", "curvature", "change", "steepest", "labels_of", "__str__"),
            *("second_order",),
        )
        for name in (f"LossFunction.{name}",)
    },
    **{
        f"ncfcheck.model.loss_functions:{name}": "of losses of the user's own, or plain algebra"
        for name in (
            *("held_against_itself", "_array", "_same", "applied", "applied_to_columns"),
            *("bent_by", "sizes", "row_norms"),
        )
    },
    **{
        f"ncfcheck.model.ncf:{name}": "converts, or refuses what does not fit; computes nothing"
        for name in (
            *("Problem.__post_init__", "Problem.__init_subclass__", "fitting", "group_norms"),
            *("Ncf.__post_init__", "Ncf.__init_subclass__", "Ncf.on_data", "Ncf._finite"),
            "Ncf._pull_back",
            *("Correlation.value_and_gradient", "Correlation.gradient_bound"),
        )
    },
    "ncfcheck.model.columns:ColumnEvaluation.__init__": "keeps what it is given",
    "ncfcheck.model.ncf:Ncf.curvature_product": "no claim asks for it; tested by complex steps",
    "ncfcheck.model.ncf:Ncf.hessian": "helps a search, and finds what is proved; tested "
    "by complex steps",
    **{
        f"ncfcheck.model.layered:LayeredEvaluation.{name}": "keeps what it is given"
        for name in ("__init__", "_at")
    },
    **{
        f"ncfcheck.model.models:{each.__name__}.{name}": "a protocol; what it computes for "
        "models of other kinds is tested on these"
        for each in (Model, SecondDerivatives, Evaluation)
        for name, found in vars(each).items()
        if isinstance(found, property | types.FunctionType)
        and getattr(found, "__module__", each.__module__) == each.__module__
    },
    **{
        of: "about models of other kinds, and tested on these"
        for of in (
            *(f"ncfcheck.model.ncf:{name}" for name in ("ordered", "is_odd", "group_balance")),
            "ncfcheck.theory.kkt.points:_DenseHessian.error",
            "ncfcheck.theory.kkt.points:blowups_ahead",
        )
    },
    "ncfcheck.model.losses:Loss._missing_": "refuses what is no loss",
    "ncfcheck.theory.kkt.points:off_kinks": "says which points are drawn",
    "ncfcheck.theory.kkt.points:_polished": "who polishes; ends of kinked flows have tests of "
    "their own",
    "ncfcheck.theory.rank_one.points:is_two_sided": "says which points are drawn",
    "ncfcheck.theory.rank_one.points:input_sides": "says of which points claims speak",
    "ncfcheck.theory.kkt.point:KktPoint.off": "a bound; where it is too large exact counterparts "
    "decide",
    "ncfcheck.theory.rank_one.points:reduced_rounding": "a bound; tested in rational numbers",
    "ncfcheck.theory.rank_one.points:reduced_shift": "a bound; held against the truth",
    **{
        f"ncfcheck.theory.kkt.points:{name}": "a bound, or what is bounded; held against the truth"
        for name in (
            *("blowup_time", "_rounded"),
            *("curvature_there", "least_curved", "Limit.end", "_extrapolated"),
        )
    },
    "ncfcheck.theory.rank_one.points:RankOneInstance.coverage": "names strata for the report; no "
    "margin depends "
    "on it",
    "ncfcheck.theory.rank_one.points:RankOneInstance.confirmations": "there is nothing to "
    "integrate",
}
MUTANTS = [
    Mutant(
        f"{module}:{name}",
        fragment,
        replacement,
        mistake,
        (claims,) if isinstance(claims, str) else claims,
    )
    for module, table in TABLES.items()
    for name, mistakes in table.items()
    for fragment, replacement, mistake, claims in mistakes
]
