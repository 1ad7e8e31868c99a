"""Graphs of CLIP's towers and of other networks for OpenVINO, built from weights and configuration, without torch."""
