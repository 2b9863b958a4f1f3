"""Estimators: what users fit, as in scikit-learn."""
