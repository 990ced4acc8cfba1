"""`make review` and `make plots`: what a reviewer sees of a branch, offline."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from tests.workspace import Workspace


@pytest.fixture
def branch(workspace: Workspace) -> Workspace:
    """A branch on which a parameter and the results changed; nothing has to run for that."""
    workspace.git("switch", "-q", "-c", "longer")
    workspace.set_param("image.high.epochs", 2)
    workspace.replace_text("metrics/image/metrics.json", '"ece_raw": 0.', '"ece_raw": 0.9')
    with (workspace.root / "metrics" / "image" / "curve_high.csv").open("a") as curve:
        curve.write("2,1.5,1.5,0.25\n")
    workspace.commit()
    return workspace


def review(workspace: Workspace, base: str, code: int = 0) -> str:
    return workspace.run("make", "--silent", "review", f"BASE={base}", f"VENV={sys.prefix}", "-o", "setup", code=code)


def test_review_names_what_changed_and_says_whether_it_is_real(branch: Workspace) -> None:
    printed = review(branch, "main")
    assert re.findall("^## (.*)", printed, re.MULTILINE) == ["Parameters", "Metrics", "Is the difference real?"]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in printed.splitlines() if line.startswith("|")]
    assert ["params.yaml", "image.high.epochs", "1", "2"] in rows
    [metric] = [row for row in rows if row[0] == "metrics/image/metrics.json"]
    assert metric[1] == "ece_raw"
    assert float(metric[3]) - float(metric[2]) == pytest.approx(float(metric[4]))
    assert "in main: no difference shown" in printed


def test_first_results_are_reviewed_without_a_verdict(branch: Workspace) -> None:
    branch.git("checkout", "-q", "--orphan", "empty")
    branch.git("rm", "-q", "-r", "--cached", "metrics")
    branch.git("commit", "-q", "-m", "No results yet")
    branch.git("switch", "-q", "-f", "longer")
    printed = review(branch, "empty")
    assert (
        "error: empty: has no metrics/ENCODER/predictions.csv of fusion, image, speech; compare with a revision"
        in printed
    )
    assert "| uar" in printed


def test_unknown_branch_is_named(branch: Workspace) -> None:
    assert "unknown Git revision 'nowhere'" in review(branch, "nowhere", code=2)
    [line] = branch.run(sys.executable, "-m", "tools.plots", "nowhere", "dvc_plots", code=1).splitlines()
    assert "unknown Git revision 'nowhere'" in line


def test_plots_are_drawn_for_both_branches_without_a_network(branch: Workspace) -> None:
    branch.run("make", "plots", f"VENV={sys.prefix}", "-o", "setup")
    folder = branch.root / "dvc_plots"
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert "cdn" not in page
    page = page.split("</script>", 1)[1]  # the library is in the page
    assert not re.search("(src|href)=.?http", page)
    assert page.count("vegaEmbed('#") == 10
    assert {src for src in re.findall(r'<img[^>]* src="([^"]+)"', page) if not (folder / src).exists()} == set()
    assert {path.stem for path in folder.glob("*.png")} == {
        *("image_curve_low", "image_curve_high", "image_predictions", "loss", "reliability"),
        *("speech_curve_head", "speech_curve_all", "speech_predictions"),
        *("fusion_predictions", "fusion_who_is_right"),
    }
    assert {path.name.split("_")[0] for path in folder.glob("static/*.png")} == {"main", "workspace"}
    # The two lines of a plot have the first two colours of DVC's palette.
    assert {(0x94, 0x5D, 0xD6), (0x13, 0xAD, 0xC7)} <= _colours(folder / "image_curve_high.png")
    assert not branch.git("status", "--porcelain")


def _colours(picture: Path) -> set[tuple[int, ...]]:
    pixels = np.round(255 * imread(picture)[..., :3]).astype(int).reshape(-1, 3)
    return {tuple(pixel) for pixel in np.unique(pixels, axis=0).tolist()}
