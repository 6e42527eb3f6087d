"""What instances say of claims: judgement, tallies, witnesses, the ledger, baselines."""
