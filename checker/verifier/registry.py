"""The claims that certificates may be about, with what is proved of each; standard library only.

A claim keeps hypotheses, each with the function that proves it: `keeps` maps their wordings in the
theory to functions marked `proof` or `fact`. These record on the case that they returned, and a
claim whose case lacks one of its records is rejected: no hypothesis can go without its proof.
"""

from functools import partial, wraps

from .numbers import Rejected, need

REFUTATIONS, PROOFS, FACTS = {}, {}, set()


def proof(check):
    """Mark a function that proves a hypothesis of a case, its first argument, and raises Rejected
    otherwise.
    """

    @wraps(check)
    def proved(case, *arguments, **named):
        try:
            found = _answered(check, case, *arguments, **named)
        except Rejected as reason:
            reason.failed = {proved, *getattr(reason, "failed", ())}
            raise
        case.proved.add(proved)
        return found

    return proved


def _answered(check, *arguments, **named):
    """What a proof returns, rejected where the certificate lacks what it asks for."""
    try:
        return check(*arguments, **named)
    except KeyError as missing:
        raise Rejected(f"the certificate lacks {missing}") from None


def fact(check):
    """The same of a hypothesis about nothing but the case, which is proved before all else."""
    FACTS.add(proved := proof(check))
    return proved


def refutes(*claims, keeps):
    """Register, under the ids of claims, a function of a case and of a certificate's data that
    needs what makes their conclusion false, and the proofs of the hypotheses that they keep. The
    first paragraph of its docstring says what it proves.
    """
    return partial(_register, REFUTATIONS, claims, keeps)


def proves(*claims, keeps):
    """The same of a function that needs what makes their conclusion true on the instance."""
    return partial(_register, PROOFS, claims, keeps)


def _register(table, claims, keeps, check):
    @wraps(check)
    def claimed(case, data):
        try:
            for each in keeps.values():
                if each in FACTS:
                    each(case)
            check(case, data)
        except Rejected as reason:
            failed = [name for name, each in keeps.items() if each in getattr(reason, "failed", ())]
            raise Rejected(f"“{failed[0]}” is not proved: {reason}" if failed else reason) from None
        for name, each in keeps.items():
            need(each in case.proved, f"“{name}” is not proved")

    if table.keys() & set(claims):
        raise ValueError(f"registered twice: {claims}")
    claimed.keeps = keeps
    table.update(dict.fromkeys(claims, claimed))
    return check
