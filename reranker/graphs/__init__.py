"""The graphs of CLIP's towers for OpenVINO, built from a model's configuration and its weights, without torch."""
