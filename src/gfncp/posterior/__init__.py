"""Posteriors: from sampled clusterings to answers, tables and plots."""
