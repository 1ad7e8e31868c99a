"""Trained networks that see pictures and read no texts, each in a module of its own, run by OpenVINO without torch."""
