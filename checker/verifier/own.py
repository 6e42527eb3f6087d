"""Claims of the user's own, refuted by the criteria in a file of theirs; standard library only.

The file is run, and gets a stand-in for `ncfcheck`: nothing of the rest of the program takes part.
"""

import builtins
import contextlib
import hashlib
import io
import os
import re
import sys
import traceback
import unicodedata
from importlib.util import find_spec
from types import ModuleType

from . import files
from .criteria import PLACES
from .exact import Exact, is_positive
from .numbers import Rejected, limits, need
from .registry import PROOFS, REFUTATIONS

MOST = 1000  # quantities of one criterion
LONGEST = 100  # characters of an id, or of a name that is printed
ID = re.compile(r"[a-z0-9_][a-z0-9_-]*\.[a-z0-9_][a-z0-9_-]*")  # as in ncfcheck.core.stated
# What other programs show as the end of a line, or not at all, where Python sees neither.
UNSEEN = {"Cc", "Cf", "Zl", "Zp"}
CAUGHT = (Exception, SystemExit, GeneratorExit)


class Own:
    """A claim with its criterion, as a file states them, in the form of the verifier's own."""

    def __init__(self, path, digest, claim, violated, at, hypotheses):
        self.path, self.digest, self.claim, self.at = path, digest, claim, at
        self.violated, self.hypotheses = violated, hypotheses
        place, name = " ".join(PLACES[at].__doc__.split()), _name(violated)
        told = f"all of {name}(…)" if name else "all that it returns"
        self.__doc__ = f"By a criterion of {shown(path)}. {place}: {told} is positive."

    def __call__(self, case, data):
        given = data["criterion"]
        need(
            given["sha256"] == self.digest,
            f"the certificate is for another version of {shown(given['file'])}, not for this "
            f"{shown(self.path)}",
        )
        need(given["at"] == self.at, f"the certificate is of another place than {self.at}")
        words = self._proved(PLACES[self.at](case, data))
        missing = [_quoted(each) for each in self.hypotheses if each not in words]
        assumed = ["that the criterion says what the claim does", "that its `given` may draw this"]
        case.told += ["Proved: " + "; ".join(map(_quoted, words)) + "."] * bool(words)
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
            told = _quoted(words[k]) if words else f"quantity {k}"
            need(is_positive(each), f"{self._place()}: {told} is not proved to be positive")
        return words

    def _asked(self, places):
        """What the criterion returns. Raises Rejected for an error, by file and line, for what was
        rejected in it, even where it catches that, and where it prints.
        """
        printed, place = io.StringIO(), os.path.abspath(self.path)
        try:
            with (
                contextlib.redirect_stdout(printed),
                _alone(place),
                _clock(place),
                _heard() as heard,
            ):
                found = self.violated(*places)
                for each in heard:
                    raise each
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
    _readable(text, path)
    digest, found = hashlib.sha256(text.encode()).hexdigest(), {}
    name = f"criteria_{digest[:16]}"
    module = ModuleType(name)
    module.__file__ = place = os.path.abspath(path)
    stand_in = _stand_in(found, path, digest)
    vars(module)["__builtins__"] = {**vars(builtins), "__import__": _importing(stand_in, place)}
    sys.modules[name] = module  # dataclasses look for it
    try:
        with contextlib.redirect_stdout(io.StringIO()), _alone(place):
            exec(compile(text, place, "exec"), vars(module))
    except CAUGHT as error:
        raise ImportError(f"{_where(error, path) or shown(path)}: {said(error)}") from None
    if not found:
        raise ImportError(f"{shown(path)} states no claim with a criterion: `violated=`")
    return found


def _readable(text, path):
    """Raise ImportError for characters that hide from a reader what Python reads."""
    text = text.replace("\r\n", "\n")
    for k, each in enumerate(text):
        if each not in "\t\n\f" and unicodedata.category(each) in UNSEEN:
            line = text.count("\n", 0, k) + 1
            raise ImportError(
                f"{shown(path)}:{line}: the character U+{ord(each):04X}, which readers may not see"
            )


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
            if not callable(violated) or at not in PLACES or id in found or not _is_own(id):
                raise ValueError(f"no criterion of a claim of one's own: {id}")
            texts = (hypotheses,) if isinstance(hypotheses, str) else hypotheses
            texts = tuple(" ".join(str(each).split()) for each in texts)
            found[id] = Own(path, digest, id, violated, at, texts)
        return lambda function: function

    return type("ncfcheck", (Anything,), {"claim": staticmethod(claim)})


def _is_own(id):
    """Whether an id is of the form of all, and of another area than the claims that are shipped."""
    areas = {each.split(".")[0] for each in (*REFUTATIONS, *PROOFS)}
    fits = isinstance(id, str) and len(id) <= LONGEST and ID.fullmatch(id)
    return bool(fits) and id.split(".")[0] not in areas


def _unasked():
    """Need that no criterion runs: there nothing is known of what stands in for `ncfcheck`."""
    need(limits.heard is None, "it uses something of ncfcheck, which the verifier does not run")


class _Everything(type):
    """Of what every attribute, call, item and sum is `Anything` again, but in a criterion."""

    def __getattr__(cls, name):
        _unasked()
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything

    def __call__(cls, *_, **__):
        _unasked()
        return Anything

    def __iter__(cls):
        _unasked()
        return iter(())

    def __bool__(cls):
        _unasked()
        raise Rejected("a condition on something of ncfcheck, which the verifier does not run")

    def __eq__(cls, other):
        _unasked()
        return cls is other

    def __hash__(cls):
        _unasked()
        return id(cls)

    def __instancecheck__(cls, instance):
        _unasked()
        return super().__instancecheck__(instance)

    def __repr__(cls):
        _unasked()
        return super().__repr__()

    __getitem__ = __or__ = __ror__ = __add__ = __radd__ = __mul__ = __rmul__ = __call__
    __sub__ = __rsub__ = __truediv__ = __rtruediv__ = __pow__ = __neg__ = __contains__ = __call__
    __lt__ = __le__ = __gt__ = __ge__ = __call__


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
def _alone(place):
    """Nothing is imported from beside a file, or from the folder that one is in."""
    before, hidden = sys.path[:], {os.path.realpath(os.path.dirname(place))}
    with contextlib.suppress(OSError):  # there may be no such folder any more
        hidden.add(os.path.realpath(os.getcwd()))
    kept = [each for each in before if os.path.isabs(each)]
    sys.path[:] = [each for each in kept if os.path.realpath(each) not in hidden]
    try:
        yield
    finally:
        sys.path[:] = before


@contextlib.contextmanager
def _heard():
    """What is rejected meanwhile."""
    before, limits.heard = limits.heard, []
    try:
        yield limits.heard
    finally:
        limits.heard = before


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


def _name(function):
    """The name under which a function is written, if it can be printed among other words."""
    name = getattr(getattr(function, "__code__", None), "co_name", "")
    return name if name.isascii() and name.isidentifier() and len(name) <= LONGEST else ""


def _quoted(words):
    """Words of the file's between marks that do not stand in them."""
    return f"“{words.translate(dict.fromkeys(map(ord, '“”„‟')))}”"


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
