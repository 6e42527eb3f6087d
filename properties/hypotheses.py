"""The theorems' hypotheses, each in one wording, so that a control can name the one it drops."""

from ncfcheck.core.needs import Need

HOMOGENEOUS = "H homogeneous"
POSITIVE_FACTOR = "c > 0"
TRUE_LABELS = "ȳ of the data trained on"
SUPERQUADRATIC = "D > 2"
TWO_HOMOGENEOUS = "D = 2"
LIPSCHITZ = "∇H locally Lipschitz"
POSITIVE_LIMIT = "N* > 0"
NONPOSITIVE_LIMIT = "N* ≤ 0"
UNIT_START = "‖u(0)‖ = 1"
SMALL_START = "δ → 0"
FLOW_LIMIT = "u* the limit of the NCF flow from v_0"
UNBRANCHED = "the NCF flow from v_0 does not branch"
UNSHARED = "unshared layers"
KKT = "u a KKT point"
NONZERO = "λ ≠ 0"
NEGATIVE = "N(u) < 0"
POSITIVE_VALUE = "N(u) > 0"
DENSE = "dense layers"
RANK_ONE = "hidden layers of rank one"
COHERENT = "sign-coherent: every a_l ≥ 0"
UNIFORM = "e_l uniform on its support where p_l ≥ 2"
CURVED_THERE = "p_l ≥ 2 where entries are compared"
MIXED = "e_l of entries 0, P and −Q in one layer, uniform in others with p_l ≥ 2"
LAYER_NORMS = "c_l² = P_l/D"
REDUCED = "u a KKT point of the reduced problem"
ONE_SIGN = "the layer's inputs have one sign"
CLARKE_REDUCED = "u a Clarke KKT point of the reduced problem: slopes in [α, 1]"
LOCAL_MAXIMUM = "u a local maximum, N(u) > 0"
CURVED_LAST = "p_{L−1} ≥ 2"

# What claims need of a model that is no layered network.
FLOW = Need.HOMOGENEOUS, Need.LIPSCHITZ
EARLY = *FLOW, Need.SUPERQUADRATIC
TWO = Need.HOMOGENEOUS, Need.QUADRATIC
