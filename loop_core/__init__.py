"""Loopbench's core."""
