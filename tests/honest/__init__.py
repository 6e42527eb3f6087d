"""Error bars held against the truth: |margin − truth| ≤ error on instances made to break that."""
