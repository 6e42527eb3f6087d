"""Every claim that a certificate may be about, with what the verifier proves of it; standard
library only.
"""

from ncfcheck.verifier import biases, branches, early, fading, kinks, kkt, points, rank_one

CONTROLS = [
    *(
        points.biases,
        points.biases_expansion,
        points.wrong_labels,
        points.negative_factor,
        points.any_point,
        points.zero_points,
    ),
    *(points.any_negative_point, points.shared_conserved, points.degree_two, points.flat_neurons),
    *(
        rank_one.nonuniform,
        rank_one.unbalanced,
        rank_one.any_direction,
        rank_one.signless,
        rank_one.sparse_layers,
    ),
    *(
        rank_one.two_sided,
        rank_one.equal_entries,
        rank_one.flat_entries,
        rank_one.negative_value,
        rank_one.blind_input,
    ),
    *(
        rank_one.any_rank_one,
        kkt.shared_balance,
        kkt.positive_unstable,
        kkt.every_kkt_rank_one,
        kkt.saddles,
    ),
    *(kkt.shared_neurons, kkt.no_blowup, kkt.doubled_start, kinks.slope_outside),
    *(biases.biases_collapse, branches.kinks),
]
FLOWS = [
    *(
        early.large_init,
        early.large_init_escape,
        early.positive_collapse,
        early.wrong_target,
        early.wrong_norm,
    ),
    *(
        early.initial_direction,
        early.order,
        early.wrong_labels_tracking,
        early.wrong_labels_collapse,
    ),
    *(fading.no_escape, fading.large_init_tracking, fading.large_init_collapse),
    *(
        biases.biases_early,
        branches.kink_start,
        branches.kink_start_tracking,
        branches.kink_collapse,
    ),
]
CLAIMS = {f"control.{each.__name__}": each for each in CONTROLS + FLOWS} | {
    "conjecture.mixed_labels_grow": fading.mixed_labels_grow,
    "conjecture.one_limit": fading.one_limit,
    "conjecture.strongest_neuron": fading.strongest_neuron,
    "control.global": early.global_maximiser,
    "conjecture.rank_one_limits": kkt.conjecture(kkt.hidden_rank_two),
    "conjecture.rank_one_maxima": kkt.conjecture(kkt.hidden_rank_two),
    "conjecture.one_neuron_limits": kkt.conjecture(kkt.hidden_neurons),
    "conjecture.one_signed_labels": kkt.conjecture(kkt.hidden_neurons, one_signed=True),
    "conjecture.outputs_rank_one": kkt.conjecture(kkt.any_rank_two, outputs=(2, 3)),
    "conjecture.above_a_filter": kkt.conjecture(kkt.later_rank_two, filtered=True),
}
