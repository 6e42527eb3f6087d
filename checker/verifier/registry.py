"""The claims that certificates may be about, with what is proved of each; standard library only."""

from functools import partial

REFUTATIONS, PROOFS = {}, {}


def refutes(*claims):
    """Register, under the ids of claims, a function of a case and of a certificate's data that
    needs what makes their conclusion false. The first paragraph of its docstring says what it
    proves.
    """
    return partial(_register, REFUTATIONS, claims)


def proves(*claims):
    """The same of a function that needs what makes their conclusion true on the instance."""
    return partial(_register, PROOFS, claims)


def _register(table, claims, check):
    if table.keys() & set(claims):
        raise ValueError(f"registered twice: {claims}")
    table.update(dict.fromkeys(claims, check))
    return check
