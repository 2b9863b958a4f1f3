"""Metrics, exact yardsticks and evaluation protocols."""
