import jax.numpy as jnp

from ncfcheck import OwnModel, own_model


@own_model(tokens=(1, 4), dim=(1, 3), heads=(2, 2))
def linear_attention(tokens, dim, heads):
    def outputs(X, w):
        S = X.reshape(-1, tokens, dim)
        scores = jnp.einsum("nti,hij,hkj,nuk->hntu", S, w["Q"], w["K"], S)
        return jnp.einsum("hntu,nuj,hj->n", scores, S, w["V"])

    shapes = {"Q": (heads, dim, dim), "K": (heads, dim, dim), "V": (heads, dim)}
    return OwnModel.jax(outputs, shapes, inputs=tokens * dim)
