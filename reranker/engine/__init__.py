"""CLIP on a CPU without torch: towers exported once, kept in the cache directory, run by OpenVINO.

`spec` picks the encoder. `export_process` starts `export_child`, in which `export` makes the artefacts; `artefacts`
and `records` keep them. `openvino_encoder` runs them with the tokenizer and the preprocessing of `clip_tokenizer` and
`preprocessing`.
"""
