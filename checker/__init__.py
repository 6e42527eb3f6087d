"""Property-based tests and a conjecture checker for the early training of deep homogeneous
networks.

Every name of the public API is imported when it is first asked for; `__init__.pyi` says from where.
"""

try:
    import lazy_loader

    __getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
except ImportError as error:  # of no concern to commands; who asks for a name is told
    _missing = error

    def __getattr__(name):
        raise _missing
