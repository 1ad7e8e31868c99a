"""The exploration notebook, run from top to bottom on the built-in sample."""

from pathlib import Path
from typing import Any

import pytest

NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "explore.ipynb"


@pytest.fixture
def notebook() -> Any:
    nbformat = pytest.importorskip("nbformat", reason="the extra [test] brings nbformat")  # imports for seconds
    return nbformat.read(NOTEBOOK, as_version=4)


# Jupyter's own machinery warns about itself; the notebook's cells run in another process.
@pytest.mark.filterwarnings("default")
def test_the_notebook_runs_from_top_to_bottom_and_shows_pictures(notebook: Any, tmp_path: Path) -> None:
    nbclient = pytest.importorskip("nbclient", reason="the extra [test] brings nbclient")
    client = nbclient.NotebookClient(notebook, timeout=240, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    html = " ".join(output["data"].get("text/html", "") for output in outputs if "data" in output)
    text = " ".join(output.get("text", "") for output in outputs)
    assert "two red boats at night in the rain" in html, "the results show themselves as cards"
    assert html.count("data:image/") >= 6 + 6 + 3 * 4 + 4
    assert "The best 3 of" in html
    assert "so far" not in html, "what was watched ends with the final results"
    assert "stands at place" in text
    assert "skipped" not in text


def test_the_notebook_is_stored_without_outputs(notebook: Any) -> None:
    assert all(not cell.outputs and cell.execution_count is None for cell in notebook.cells if cell.cell_type == "code")
