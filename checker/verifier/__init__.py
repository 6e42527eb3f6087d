"""The independent verifier: standard library only, nothing of the rest of the program (docs/certificates.md)."""
