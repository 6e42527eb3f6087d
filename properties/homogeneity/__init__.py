"""Homogeneity of the network, and of the loss around zero (theory §1, §2)."""

from ncfcheck.properties.homogeneity import theorems, controls
