"""A user's first claim, as the documents show it."""

from tests.support.commands import claim_file, ncfcheck

FIRST = '''
@claim("mine.finite", kind=CONJECTURE, reference="-", given=instances())
def finite(instance):
    """N(v_0) is finite."""
    return Margin(1.0 if np.isfinite(instance.ncf.value(instance.start)) else -1.0, 0.0)
'''


def test_a_true_claim_of_ones_own(tmp_path):
    """a file with one true claim, checked in an empty folder → not refuted, exit code 0"""
    path = claim_file(tmp_path, FIRST)
    found = ncfcheck("check", "--claims", path, "--examples", 20, folder=tmp_path)
    assert found.returncode == 0, found.stderr
    assert "not refuted" in found.stdout
