"""Property-based tests and a conjecture checker for the early training of deep homogeneous
networks.

Importing the package stays cheap: the engine is imported by the modules that need it.
"""
