"""Property-based tests and a conjecture checker for the early training of deep homogeneous
networks.

Every name of the public API is imported when it is first asked for; `__init__.pyi` says from where.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
