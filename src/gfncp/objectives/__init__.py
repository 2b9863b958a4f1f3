"""Objectives: the losses that networks are trained with."""
