"""The exploration notebook, run from top to bottom on the built-in sample."""

from pathlib import Path
from typing import Any

import pytest

from phrasepix import find_images
from phrasepix.notebook import side_by_side

pytestmark = pytest.mark.sample_remembered

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "explore.ipynb"


@pytest.fixture
def notebook() -> Any:
    nbformat = pytest.importorskip("nbformat", reason="the extra [test] brings nbformat")  # imports for seconds
    return nbformat.read(NOTEBOOK, as_version=4)


# Jupyter's own machinery warns about itself; the notebook's cells run in another process.
@pytest.mark.filterwarnings("default")
@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom_and_shows_pictures(notebook: Any, tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="the extra [test] brings nbclient")
    client = nbclient.NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    html = " ".join(output["data"].get("text/html", "") for output in outputs if "data" in output)
    text = " ".join(output.get("text", "") for output in outputs)
    assert "two red boats at night in the rain" in html, "the results show themselves as cards"
    assert html.count("data:image/") >= 6 + 6 + 3 * 4 + 4 + 3 * 4
    assert "The best 3 of" in html
    assert "nearness" in html, "three orders stand side by side"
    assert "so far" not in html, "what was watched ends with the final results"
    assert "stands at place" in text
    assert "skipped" not in text


def test_the_notebook_is_stored_without_outputs(notebook: Any) -> None:
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")


def test_orders_stand_side_by_side_each_with_what_its_places_are_made_of() -> None:
    asked: dict[str, Any] = {"phrase": "a boat on a lake at night", "tag": "boat", "source": "sample"}
    plain, both = find_images(**asked, top=2), find_images(**asked, top=3, rank="normalised", words=0.5)
    html = str(side_by_side({"plain <b>": plain, "both": both}).data)
    assert html.count("<tr>") == 1 + 3
    assert html.count("data:image/jpeg;base64,") == 2 + 3
    assert "<td></td>" in html, "the third row of the shorter column is empty"
    assert "plain &lt;b&gt;" in html
    for match in plain:
        assert f"{match.rank}. {match.score:.3f}<br>" in html
    for match in both:
        sign = "−" if match.bonus < 0 else "+"
        parts = f"{match.score:.3f} − {match.nearness:.3f} nearness {sign} {abs(match.bonus):.3f} words"
        assert f"{match.rank}. {parts} = <b>{match.total:.3f}</b>" in html
