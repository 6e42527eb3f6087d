"""Tests of flows through kinks."""
