"""Speed of the engine beside what its users would pick instead, measured in pairs; `python -m
benchmarks`.
"""
