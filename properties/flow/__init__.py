"""The flow of the NCF (theory §3)."""

from ncfcheck.properties.flow import theorems, controls
