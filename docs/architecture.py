"""The table and the picture of ARCHITECTURE.md, from the imports: `python -m docs.architecture` writes both."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path

from docs.marked import with_content
from tests.test_layers import PACKAGES, graph_of_imports, in_circles, modules

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
PICTURE = ROOT / "docs" / "architecture.svg"
START, END = "<!-- folders:start -->", "<!-- folders:end -->"

WHY = {
    "phrasepix_core": "the ground floor: candidate, credit and licences, errors, options, messages, the SQLite store, "
    "files, addresses, deadlines, forks, text",
    "phrasepix_core.bare": "what a picture is before a decoder sees it; strips it to pixels",
    "retriever": "stage 1: the protocols, filters, keys, and what a source says of itself",
    "retriever.api": "the machine that any JSON API is asked by, through an adapter of its own",
    "retriever.http": "polite HTTP: kept answers, rate limits, retries, keys",
    "retriever.commons": "Wikimedia Commons: dialect, hits, profile",
    "retriever.folder": "a folder of one's own pictures, with their metadata",
    "retriever.openverse": "Openverse, likewise",
    "retriever.pexels": "Pexels, likewise",
    "retriever.pixabay": "Pixabay, likewise",
    "retriever.unsplash": "Unsplash, likewise",
    "retriever.testing": "the contract of a source, and a double",
    "reranker": "stage 2: query, encoder, scores, ranking",
    "reranker.descriptors": "classical descriptions of pictures: local features, gradients, colours, a hash",
    "reranker.adapters": "layers learnt on one's own labelled pictures, over an encoder that stays as it is",
    "reranker.engine": "models made ready for OpenVINO and run without torch",
    "reranker.graphs": "graphs of CLIP's towers and of other networks, built from configuration and weights",
    "reranker.dedup": "the same picture once",
    "reranker.memory": "embeddings, fingerprints and files on disk",
    "reranker.models": "models by name, their weights, torch",
    "reranker.networks": "trained networks that see pictures and read no texts, a module each",
    "reranker.pictures": "pictures fetched from public addresses only, and decoded within a budget",
    "reranker.testing": "the contract of an encoder, and a double",
    "phrasepix": "both joined: request, finder, results, events, configuration, the functions",
    "phrasepix.adapting": "an adapter learnt from labelled folders or from picks, and kept if it helps",
    "phrasepix.assistant": "tools for assistants: what they do, how they are declared, the protocol's server and grid",
    "phrasepix.comparing": "one picture asked of several encoders, as rows of a page, a notebook and a table",
    "phrasepix.cli": "the command: options made of the request, table, progress, exit codes",
    "phrasepix.views": "what people see: table, page, cards, JSON, links",
    "phrasepix.sources": "sources by name, their readiness, and those that stay open",
    "phrasepix.models": "which model, loaded once and kept",
    "phrasepix.sample": "drawn pictures, their stock site on loopback, a tiny model",
    "phrasepix.saving": "files with their credit inside and beside them",
    "phrasepix.searching": "one search: tags, pool, ranking, ranking again",
    "phrasepix.library": "a table of one's own pictures: kept in step, searched by vector, filtered, asked by SQL, "
    "shown as a timeline and a map",
    "phrasepix.names": "names that people teach, and the phrases in which they stand",
    "phrasepix.server": "the finder over HTTP: who is let in, searches kept, the API, inference endpoints",
    "phrasepix.tags": "tags found in a phrase, its language",
}
"""Why each folder is there."""


def folder_of(module: str) -> str:
    """Return a module's folder, such as `reranker.memory`: its package, or the room of the package that it is in."""
    parts = modules()[module].relative_to(ROOT).parts[:-1]
    return ".".join(parts[:2])


def imports_between(folders: Mapping[str, str]) -> Counter[tuple[str, str]]:
    """Return how many imports lead from one folder to another; `folders` are those of the modules."""
    graph = _graph(hidden=True)
    pairs = ((folders[module], folders[imported]) for module, several in graph.items() for imported in several)
    return Counter(pair for pair in pairs if pair[0] != pair[1])


@cache
def _graph(*, hidden: bool) -> Mapping[str, set[str]]:
    return graph_of_imports(hidden=hidden)


def table() -> str:
    """Return the table of folders: why each is there, and which it imports."""
    folders = {module: folder_of(module) for module in modules()}
    imported = defaultdict(set)
    for one, other in imports_between(folders):
        imported[one].add(other)
    lines = ["| folder | why | imports |", "|---|---|---|"]
    for package in PACKAGES:
        for folder in sorted({folder for folder in folders.values() if folder.split(".")[0] == package}):
            names = ", ".join(f"`{_short(one, package)}`" for one in sorted(imported[folder]))
            lines.append(f"| `{_path(folder)}/` | {WHY[folder]} | {names or '–'} |")
    return "\n".join([*lines, "", _figures()])


def _short(folder: str, package: str) -> str:
    return _path(folder.removeprefix(f"{package}."))


def _path(folder: str) -> str:
    return folder.replace(".", "/")


BEFORE = (20, 0, 12, 15, 9)
"""The figures at 4e827df, before the finder: of the same kinds as `figures`."""

_FIGURES = (
    "folders",
    "modules in circles of imports",
    "the same, imports within functions and for types counted",
    "imports between packages that lead upward or sideways",
    "pairs of folders that import each other, likewise counted",
)


def figures() -> tuple[int, ...]:
    """Return today's figures, in the order of `_FIGURES`."""
    folders = {module: folder_of(module) for module in modules()}
    between = imports_between(folders)
    return (
        len({*folders.values()}),
        len(in_circles(_graph(hidden=False))),
        len(in_circles(_graph(hidden=True))),
        _against_the_storeys(),
        sum(pair[::-1] in between for pair in between) // 2,
    )


def _between_packages() -> Counter[tuple[str, str]]:
    return imports_between({module: module.split(".")[0] for module in modules()})


def _against_the_storeys() -> int:
    return sum(count for pair, count in _between_packages().items() if pair not in _COLUMNS)


def _figures() -> str:
    rows = zip(_FIGURES, BEFORE, figures(), strict=True)
    return "\n".join(
        ["| | 4e827df | today |", "|---|---:|---:|"] + [f"| {name} | {before} | {now} |" for name, before, now in rows]
    )


def with_table(text: str) -> str:
    """Return the page with the table between its markers."""
    return with_content(text, START, END, table())


def picture() -> str:
    """Return the picture of the four packages with their rooms, and which package imports which."""
    places = {"phrasepix": (10, 10, 740), "retriever": (10, 170, 350), "reranker": (400, 170, 350)}
    places["phrasepix_core"] = (10, 330, 740)
    drawn = [_storey(package, *place) for package, place in places.items()]
    for one, other in sorted(_between_packages()):
        top, end = places[one][1] + _HEIGHT, places[other][1] - 9
        x = _COLUMNS.get((one, other))
        if x is None:
            raise ValueError(f"{one} imports {other}, which is not below it")
        drawn.append(f'<path d="M{x} {top}V{end}" class="arrow"/>')
    return _SVG.format("\n".join(drawn))


_COLUMNS = {
    ("phrasepix", "retriever"): 185,
    ("phrasepix", "phrasepix_core"): 380,
    ("phrasepix", "reranker"): 575,
    ("retriever", "phrasepix_core"): 185,
    ("reranker", "phrasepix_core"): 575,
}
"""Where the arrows that lead down are drawn."""
_HEIGHT = 110
_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 450" font-family="sans-serif">
<title>phrasepix joins retriever and reranker, which know nothing of each other; phrasepix_core is below all</title>
<style>.storey{{fill:#eef3fa;stroke:#456}}.arrow{{stroke:#456;stroke-width:2;marker-end:url(#tip)}}.name{{font-weight:bold}}
.rooms{{font-size:12px;fill:#345}}</style>
<defs><marker id="tip" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="5" markerHeight="5" orient="auto">
<path d="M0 0L8 4L0 8z" fill="#456"/></marker></defs>
<rect width="760" height="450" fill="#fff"/>
{}
</svg>
"""
_SAYS = {
    "phrasepix": "the two joined, for people",
    "retriever": "stage 1: a tag in, candidates out",
    "reranker": "stage 2: a phrase and candidates in, matches out",
    "phrasepix_core": "the ground floor, the standard library alone",
}


def _storey(package: str, x: int, y: int, width: int) -> str:
    rooms = sorted(folder.partition(".")[2] for folder in WHY if folder.startswith(f"{package}."))
    half = len(rooms) // 2 + len(rooms) % 2 if width < 500 else len(rooms)
    rows = [" · ".join(rooms[:half]), " · ".join(rooms[half:])]
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{_HEIGHT}" rx="6" class="storey"/>'
        f'<text x="{x + 14}" y="{y + 28}" class="name">{package}</text>'
        f'<text x="{x + 14}" y="{y + 50}" class="rooms">{escape(_SAYS[package])}</text>'
        + "".join(
            f'<text x="{x + 14}" y="{y + 74 + 18 * number}" class="rooms">{escape(row)}</text>'
            for number, row in enumerate(filter(None, rows))
        )
    )


def write() -> None:
    """Write page and picture."""
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    PICTURE.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    write()
