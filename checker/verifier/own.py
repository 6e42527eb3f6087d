"""Claims of the user's own, refuted by the criteria in a file of theirs; standard library only.

The file is run, and gets a stand-in for `ncfcheck`: nothing of the rest of the program takes part.
"""

import builtins
import contextlib
import hashlib
import io
import os
import sys
import traceback
from importlib.util import find_spec
from types import ModuleType

from . import files
from .criteria import PLACES
from .exact import Exact, is_positive
from .numbers import Rejected, need
from .registry import REFUTATIONS

MOST = 1000  # quantities of one criterion
CAUGHT = (Exception, SystemExit, GeneratorExit)


class Own:
    """A claim with its criterion, as a file states them, in the form of the verifier's own."""

    def __init__(self, path, digest, claim, violated, at, hypotheses):
        self.path, self.digest, self.claim, self.at = path, digest, claim, at
        self.violated, self.hypotheses = violated, hypotheses
        place, name = " ".join(PLACES[at].__doc__.split()), getattr(violated, "__name__", "it")
        self.__doc__ = f"By a criterion of {shown(path)}. {place}: all of {name}(…) is positive."

    def __call__(self, case, data):
        given = data["criterion"]
        need(
            given["sha256"] == self.digest,
            f"the certificate is for another version of {shown(given['file'])}, not for this "
            f"{shown(self.path)}",
        )
        need(given["at"] == self.at, f"the certificate is of another place than {self.at}")
        words = self._proved(PLACES[self.at](case, data))
        missing = [f"“{each}”" for each in self.hypotheses if each not in words]
        assumed = ["that the criterion says what the claim does", "that its `given` may draw this"]
        case.told += ["Proved: " + "; ".join(f"“{each}”" for each in words) + "."] * bool(words)
        case.told.append("Not proved: " + "; ".join(assumed + missing) + ".")

    def _proved(self, places):
        """The words for the quantities, those there are, once all are proved to be positive."""
        found = self._asked(places)
        words = [str(each)[:200] for each in found] if isinstance(found, dict) else []
        found = list(found.values()) if isinstance(found, dict) else found
        found = [found] if isinstance(found, Exact) else found
        right = f"{self._place()}: it returns exact numbers, all positive where the claim fails"
        need(isinstance(found, list | tuple), f"{right}, not {type(found).__name__}")
        need(0 < len(found) <= MOST, f"{right}, not {len(found)} of them")
        for k, each in enumerate(found):
            need(isinstance(each, Exact), f"{right}, not {type(each).__name__}, made of no point")
            told = f"“{words[k]}”" if words else f"quantity {k}"
            need(is_positive(each), f"{self._place()}: {told} is not proved to be positive")
        return words

    def _asked(self, places):
        """What the criterion returns. Raises Rejected for an error, by file and line, and where it
        prints.
        """
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed), _clock(os.path.abspath(self.path)):
                found = self.violated(*places)
        except CAUGHT as error:
            raise Rejected(f"{_where(error, self.path) or self._place()}: {said(error)}") from None
        need(not printed.getvalue(), f"{self._place()}: it prints, but it only says what is so")
        return found

    def _place(self):
        code = getattr(self.violated, "__code__", None)
        return f"{shown(self.path)}:{code.co_firstlineno}" if code else shown(self.path)


def criteria(path) -> dict:
    """The claims with criteria of a file, by id. Raises OSError, ValueError, ImportError."""
    text = files.text(path)
    digest, found = hashlib.sha256(text.encode()).hexdigest(), {}
    name = f"criteria_{digest[:16]}"
    module = ModuleType(name)
    module.__file__, place = path, os.path.abspath(path)
    stand_in = _stand_in(found, path, digest)
    vars(module)["__builtins__"] = {**vars(builtins), "__import__": _importing(stand_in, place)}
    sys.modules[name] = module  # dataclasses look for it
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(text, place, "exec"), vars(module))
    except CAUGHT as error:
        raise ImportError(f"{_where(error, path) or shown(path)}: {said(error)}") from None
    if not found:
        raise ImportError(f"{shown(path)} states no claim with a criterion: `violated=`")
    return found


def unknown(document, claims) -> str:
    """Why nothing is known about a claim: which file of the user's to name, if one states it."""
    claim, data = shown(document["claim"]), document["certificate"]["data"]
    if "criterion" in data and claims.keys() == REFUTATIONS.keys():
        file = shown(data["criterion"]["file"])
        return f"{claim} is stated in a file {file}: name it, by --claims {file}"
    return f"no certificates are known for {claim}"


def _stand_in(found, path, digest):
    """What the file imports as `ncfcheck`: its claims are noted, all else is of no concern."""

    def claim(id, *_, violated=None, at=None, hypotheses=(), **__):
        if violated is not None:
            if not callable(violated) or at not in PLACES or id in found or id in REFUTATIONS:
                raise ValueError(f"no criterion of a claim of one's own: {id}")
            texts = (hypotheses,) if isinstance(hypotheses, str) else hypotheses
            texts = tuple(" ".join(str(each).split()) for each in texts)
            found[id] = Own(path, digest, id, violated, at, texts)
        return lambda function: function

    return type("ncfcheck", (Anything,), {"claim": staticmethod(claim)})


class _Everything(type):
    """Of what every attribute, call, item and sum is `Anything` again."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything

    def __call__(cls, *_, **__):
        return Anything

    def __iter__(cls):
        return iter(())

    __getitem__ = __or__ = __ror__ = __add__ = __radd__ = __mul__ = __rmul__ = __call__


class Anything(metaclass=_Everything):
    """Stands for all of `ncfcheck` that says how claims are checked, not what they say."""


def _importing(stand_in, place):
    """`import` as the file gets it: what lies beside it is no part of what its digest says."""

    def importing(name, globals=None, locals=None, fromlist=(), level=0):
        first = name.split(".")[0]
        if first == "ncfcheck" and not level:
            return stand_in
        if not level and _is_beside(first, os.path.dirname(place)):
            raise ImportError(f"a criterion stands in one file: it imports {first} from beside it")
        return builtins.__import__(name, globals, locals, fromlist, level)

    return importing


def _is_beside(name, folder):
    """Whether a module or package of this name lies in a folder, and nowhere before it."""
    try:
        spec = find_spec(name)
    except ValueError:
        return False
    if spec is None:
        return any(os.path.exists(os.path.join(folder, name + end)) for end in ("", ".py"))
    places = [*(spec.submodule_search_locations or [])] or [spec.origin] * spec.has_location
    return any(os.path.dirname(os.path.abspath(each)) == folder for each in places)


@contextlib.contextmanager
def _clock(place):
    """Look at the clock at every line of a file."""

    def watch(frame, event, argument):
        need(True, "")
        return watch if frame.f_code.co_filename == place else None

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        yield
    finally:
        sys.settrace(before)


def _where(error, path):
    """ "file:line" of the last line of the file that an error comes from; empty for none."""
    place, name = os.path.abspath(path), shown(path)
    if isinstance(error, SyntaxError) and error.filename == place:
        return f"{name}:{error.lineno or 1}"
    lines = [at.lineno for at in traceback.extract_tb(error.__traceback__) if at.filename == place]
    return f"{name}:{lines[-1]}" if lines else ""


def said(error):
    """An error in words, whatever it says."""
    try:
        message = str(getattr(error, "msg", None) or error)[:200]
    except CAUGHT:
        message = ""
    return message if isinstance(error, Rejected) else f"{type(error).__name__}: {message}"


def shown(path):
    """A file's name without its folder, or a claim's, as printed."""
    return ascii(os.path.basename(str(path)))[1:-1][:80]
