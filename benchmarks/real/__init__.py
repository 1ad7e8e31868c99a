"""How good phrasepix is on real photographs and real sentences: `python -m benchmarks.real`.

Measures the product's own code on two directories of real data, which are not part of the project:

- `--clip DIR`: vectors that a CLIP model gave of photographs and their captions (default `../shared/real_clip`);
- `--captions DIR`: photographs' captions by several people, as a stock site (default `../shared/real_captions`).

Writes `benchmarks/REAL.md`; with `--plain` it prints one line a figure, `name value low high`, and writes nothing.

The shape of it: each module named in `benchmarks.real.__main__.PARTS` has a function `measured(directory) -> Part`. A
`Part` (`benchmarks.real.figures`) holds the `Figure`s of what is shipped, in their order, and a section of Markdown
that compares them with the code of 4e827df and with the other rules that were tried. `interval` there makes a figure
with its bootstrap interval from one value for each phrase. A part whose directory is absent is left out, and said so
on stderr.

    scores   nothing_recognised false_alarms nothing_auc clear_shows own_clear       (the clip directory)
    order    r1_cosine r1_normalised r1_tags … r1_descriptions_normalised            (the clip directory)
    minus    minus_gone minus_wanted minus_none_wanted                               (the clip directory)
    tags     tags_in_pool questions                                                  (the captions directory)
"""
