"""What is open (docs/conjectures.md)."""

from ncfcheck.properties.conjectures import conjectures
