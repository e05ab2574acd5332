"""Inference: functions of arrays only. NumPy and numba, no class, no dict, no string."""
