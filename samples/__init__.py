"""Demonstrations that run from a checkout."""
