"""The planted mistakes: for every formula a few that its author might have made, and claims that ought to catch each."""

from __future__ import annotations

from planting import Mutant

EXPANSION = "homogeneity.loss_expansion"
EULER, LAYER_EULER = "homogeneity.euler", "homogeneity.layer_euler"
ONE_SAMPLE, UNSTABLE = "kkt.one_sample", "kkt.negative_unstable"
SUFFICIENT, PERTURBED = "rank_one.sufficient", "rank_one.perturbed_fails"
MIXED, CLARKE = "rank_one.mixed_sign_even_p", "rank_one.clarke"
ORDER, CONSTANT = "early.tracking_order", "early.tracking_constant"

# Formula → (fragment, replacement, mistake, claims that ought to catch it).
LOSSES = {
    "pseudo_labels": [
        ("y / 2", "y * 1.0", "no half for the logistic loss", EXPANSION),
        ("y / 2", "-y / 2", "sign for the logistic loss", EXPANSION),
        ("y * 1.0", "-y", "sign for the square loss", EXPANSION),
        ("y * 1.0", "y / 2", "a half for the square loss too", EXPANSION),
    ],
    "total_loss": [
        ("0.5 * (", "(", "no half for the square loss", EXPANSION),
        ("outputs - y", "outputs + y", "sign of the label, square", EXPANSION),
        ("-y * outputs", "y * outputs", "sign of the exponent, logistic", EXPANSION),
    ],
    "descent": [
        ("NCF_CODE:\n                out[i, j] = y[i, j]", "NCF_CODE:\n                out[i, j] = -y[i, j]", "sign, NCF", EXPANSION),
        ("y[i, j] - factor * outputs", "y[i, j] + factor * outputs", "sign of ŷ, square", CONSTANT),
        ("- factor * outputs", "- outputs", "no δ^D, square", ORDER),
        ("np.exp(y[i, j]", "np.exp(-y[i, j]", "sign of the exponent, logistic", CONSTANT),
        ("(1.0 + np.exp(", "(np.exp(", "no 1 +, logistic", ORDER),
    ],
}
NCF = {
    "norm": [
        ("(vector, check_finite=False)", "(vector, check_finite=False) ** 2", "square", "kkt.multiplier"),
        ("(vector, ", "(vector, 1, ", "sum of absolute values", "kkt.multiplier"),
    ],
    "Ncf.columns": [
        ("self.X.T", "self.X[::-1].T", "samples in reverse", SUFFICIENT),
        ("self.X.T", "-self.X.T", "sign", SUFFICIENT),
    ],
    "Ncf.ybar_columns": [
        ("self.ybar.T", "-self.ybar.T", "sign", EXPANSION),
        ("self.ybar.T", "self.ybar[::-1].T", "samples in reverse", EXPANSION),
        ("self.ybar.T", "2 * self.ybar.T", "factor 2", EXPANSION),
    ],
    "Ncf.value_and_gradient": [
        ("return float(value), ", "return -float(value), ", "sign of N", EULER),
        ("), gradient", "), 2 * gradient", "factor 2 of ∇N", EULER),
        (
            "), gradient",
            "), gradient * np.where(np.arange(u.size) < self.network.slices[0].stop, -1, 1)",
            "sign of ∂N/∂W_1",
            LAYER_EULER,
        ),
    ],
    "Ncf.value": [
        ("return self", "return -self", "sign", EXPANSION),
        ("return self", "return self.network.order * self", "factor D", EXPANSION),
    ],
    "Ncf.gradient": [
        ("(u)[1]", "(u)[1] / self.network.order", "factor 1/D", "kkt.multiplier"),
        ("(u)[1]", "(u * u)[1]", "at the squares", "homogeneity.gradient_scaling"),
    ],
    "Ncf.residual": [
        ("/ size if", "/ size**2 if", "exponent of ‖∇N‖", PERTURBED),
        ("norm(g - ", "norm(g + ", "sign of the projection", SUFFICIENT),
        ("(g @ u) / (u @ u) * u", "(g @ u) / (u @ u)", "no direction in the projection", SUFFICIENT),
    ],
    "Ncf.hessian": [
        ("return self", "return -self", "sign", ONE_SAMPLE),
        ("return self", "return self.network.order * self", "factor D", ONE_SAMPLE),
    ],
    "Ncf.curvature": [
        ("u, self.columns", "-u, self.columns", "sign of u", ONE_SAMPLE),
        ("self.ybar_columns)", "-self.ybar_columns)", "sign of ȳ", ONE_SAMPLE),
    ],
    "Ncf.rounding": [
        ("return value, norm(gradient)", "return 1e15 * value, 1e15 * norm(gradient)", "not in units of EPS", "control.biases"),
        ("self.X, self.ybar", "1e8 * self.X, self.ybar", "scale of the data", "control.biases"),
    ],
    "Problem.ncf": [
        ("pseudo_labels(self.loss, self.y)", "self.y", "labels for pseudo-labels", EXPANSION),
        ("pseudo_labels", "-pseudo_labels", "sign of ȳ", EXPANSION),
    ],
    "Problem.outputs": [
        ("return kernels", "return -kernels", "sign", EXPANSION),
        ("(w), self", "(w * w), self", "at the squares", "homogeneity.output_scaling"),
        (".T", ".T + 1.0", "a constant", "homogeneity.output_scaling"),
    ],
    "Problem.training_loss": [
        ("self.outputs(w)", "-self.outputs(w)", "sign of H", EXPANSION),
        ("self.outputs(w)", "self.outputs(2 * w)", "at 2w", EXPANSION),
    ],
    "neuron_balance": [
        ("- network.powers[l]", "+ network.powers[l]", "sign", SUFFICIENT),
        ("network.powers[l] * ", "", "no p_l", "kkt.neuron_balance"),
        ("network.powers[l] * ", "network.powers[l - 1] * ", "p_{l−1}", "kkt.neuron_balance"),
        ("network.powers[l] * ", "network.powers[l] ** 2 * ", "exponent of p_l", "kkt.neuron_balance"),
        ("(matrices[l] ** 2)", "np.abs(matrices[l])", "no square", "kkt.neuron_balance"),
    ],
    "layer_norms": [
        ("theta[part] @ theta[part]", "np.sqrt(theta[part] @ theta[part])", "no square", "kkt.layer_balance"),
        ("in network.slices", "in network.slices[::-1]", "order of layers", "kkt.layer_balance"),
    ],
}
KKT = {
    "KktPoint.inertia": [
        ("if self.top_curvature > DEG", "if -self.top_curvature > DEG", "sign of the curvature", ONE_SAMPLE),
        ("self.multiplier == 0", "self.multiplier >= 0", "positive λ taken for 0", ONE_SAMPLE),
        ("self.top_curvature < -DEG", "self.top_curvature < 2 - 1 / DEG", "threshold", ONE_SAMPLE),
    ],
    "KktPoint.is_polished": [
        ("self.residual <=", "self.residual >=", "sign", ONE_SAMPLE),
        ("max(POLISHED, self", "1e9 * max(POLISHED, self", "tolerance", ONE_SAMPLE),
    ],
    "polish": [
        ("point + model", "point - model", "sign of the step", ONE_SAMPLE),
        ("(g @ point) * point", "point", "no projection", ONE_SAMPLE),
        ("norm(tangential) / size", "norm(tangential) * size", "exponent of ‖∇N‖", ONE_SAMPLE),
        ("best, best_residual, last, model = u /", "best, best_residual, last, model = -u /", "antipode", ONE_SAMPLE),
    ],
    "describe": [
        ("float(g @ u)", "value", "no D in λ", "kkt.multiplier"),
        ("float(g @ u)", "norm(g)", "sign of λ", ONE_SAMPLE),
        ("ncf.residual(u), ", "0.0, ", "sin∠ not looked at", ONE_SAMPLE),
        ("ncf.rounding(u)[1] / norm(g)", "norm(g) / ncf.rounding(u)[1]", "inverse", ONE_SAMPLE),
    ],
    "_DenseHessian.__init__": [
        ("projected -= multiplier", "projected += multiplier", "sign of λ", UNSTABLE),
        ("projected -= multiplier", "projected -= 0 * multiplier", "no λ", UNSTABLE),
        ("projected -= multiplier", "projected -= ncf.network.order * multiplier", "factor D of λ", UNSTABLE),
        ("hessian - np.outer(hessian @ u, u)", "1 * hessian", "half of the projection", ONE_SAMPLE),
        ("+ abs(multiplier) * np.outer(u, u)", "- abs(multiplier) * np.outer(u, u)", "sign of the normal", ONE_SAMPLE),
        ("self.scale = abs(multiplier)", "self.scale = multiplier**2", "exponent of |λ|", UNSTABLE),
    ],
    "_DenseHessian.newton_step": [
        ("return -self", "return self", "sign", ONE_SAMPLE),
        (") / inverse)", ") * self.eigenvalues)", "product for quotient", ONE_SAMPLE),
        ("1e-8 * np.abs(self.eigenvalues).max()", "np.abs(self.eigenvalues).max()", "cutoff", ONE_SAMPLE),
    ],
    "_DenseHessian.escape_directions": [
        ("relative[-1]", "relative[0]", "smallest for largest", ONE_SAMPLE),
        ("relative[-1]", "self.eigenvalues[-1]", "not in units of |λ|", ONE_SAMPLE),
        ("relative > DEGENERATE", "relative < -DEGENERATE", "sign", ONE_SAMPLE),
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
        ("direction - self", "direction + self", "sign", "control.degree_two"),
        ("trajectory.direction -", "trajectory.directions[0] -", "first direction for last", "control.degree_two"),
    ],
    "_zero_point": [
        ("KktPoint(u, 0.0, 0.0", "KktPoint(u, 1.0, 0.0", "value", SUFFICIENT),
        ("KktPoint(u, 0.0, 0.0", "KktPoint(u, 0.0, 1.0", "multiplier", "kkt.layer_balance"),
    ],
    "_reach": [
        ("max(1e3 * residual", "1e-3 * max(1e3 * residual", "units", "control.degree_two"),
        ("1e3 * residual, min", "1e9 * residual, min", "factor", "flow.direction_converges"),
    ],
    "flow_limit": [
        ("contiguousarray(start)", "contiguousarray(-start)", "sign of v_0", "flow.blowup_bracket"),
        ("contiguousarray(start)", "contiguousarray(start[::-1])", "weights in reverse", "flow.blowup_bracket"),
    ],
    "_followed": [
        ("residual = HANDOVER", "residual = 0.5", "handed over too early", "flow.direction_converges"),
        ("limit.distance > _reach", "limit.distance < _reach", "sign", "flow.direction_converges"),
    ],
    "positive_limit": [
        ("limit.point.value <= ", "-limit.point.value <= ", "sign of N*", SUFFICIENT),
        ("limit.point.value <= ", "abs(limit.point.value) <= ", "any sign of N*", SUFFICIENT),
    ],
    "blowup_time": [
        ("-(order - 2) * flow", "(order - 2) * flow", "sign of the exponent", "flow.blowup_rate"),
        ("-(order - 2) * flow", "-order * flow", "exponent D", "flow.blowup_rate"),
        ("(order * (order - 2))\n", "order\n", "no D − 2", "flow.blowup_rate"),
        ("rest / optimum", "rest", "no N*", "flow.blowup_rate"),
    ],
}
RANK_ONE = {
    "reduced_value": [
        ("power * z ** (power - 1)", "power * z**power", "exponent of σ'", SUFFICIENT),
        ("side * power * z", "side * z", "no p in σ'", PERTURBED),
        ("else alpha**power", "else alpha", "x"),
        ("z = sign * side", "z = side", "no s_l", SUFFICIENT),
        ("slope * sign * side", "slope * side", "no s_l in the slope", PERTURBED),
        ("ybar * slope", "slope", "no ȳ", PERTURBED),
    ],
}
