"""The independent verifier: standard library only, nothing of the rest of the program
(docs/certificates.md).

Every certificate rests on `numbers` (intervals, derivatives) and `networks` (H, N, ∇N, and the
instance of a witness), those with a box also on `boxes` and `symmetries`, those of structured
points on `structures`. `claims` lists all claims; what is proved of each is one function of
`points`, `rank_one`, `kkt`, `kinks` or, with the tubes of `flows`, `polynomials` and `windows`,
`early`.
"""
