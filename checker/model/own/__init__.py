"""The user's own networks: as models, drawn by their sizes, and checked before use."""
