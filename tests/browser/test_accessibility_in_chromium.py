"""Every page in both schemes and at the width of a phone, in one visit, which is what takes long.

axe-core (the rules that browsers' own checkers use) finds nothing serious, nothing is too wide.
"""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from modelzoo.config.train_config import TrainConfig
from modelzoo.datasets.synthetic.smears import write_smears
from modelzoo.runs.folder import create_run
from modelzoo.training.run import train
from tests.browser.axe import find_grave_faults
from tests.run_folders import make_run

pytestmark = pytest.mark.browser

PHONE_PX = 390
WIDTH = "document.querySelector('[data-testid=stMain]').scrollWidth"
EXPLAIN = (
    "",
    "Shapley values per cell",
    "Perturbations",
    "Faithfulness",
    "Nearest training images",
)
PAGES = (
    *("", "compare", "compare?section=Confusion", "compare?section=ROC"),
    "compare?section=Learning curves",
    "papers?system=Yaseen+et+al.+2025%3A+EfficientNet-B3%2C+Adam",
    "compare?section=Calibration&calibrated=true",
    "compare?section=Splits&per=per+group",
    *("compare?section=Precision-recall", "compare?section=Hard images&gallery_run=vgg16"),
    "compare?section=Operating point&criterion=wanted+sensitivity&prevalence=10",
    "train?train_backbone=VGG16&train_run=vgg16",
    *(f"explain?view={view}" if view else "explain" for view in EXPLAIN),
)
# An empty home has the same details, of the models that come with the project.
CASES = [("full", name) for name in PAGES]
CASES += [("empty", name) for name in ("", "compare", "train", "explain")]


@pytest.fixture(scope="module")
def addresses(
    serve: Callable[..., str], empty_address: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """The app over nothing, and over runs, one of which can be asked."""
    full = tmp_path_factory.mktemp("full")
    for backbone, skill in (("vgg16", 0.4), ("resnet50", 4.0)):
        make_run(full / "runs", backbone, backbone=backbone, skill=skill)
    make_run(full / "runs", "broken", state="failed", error="Memory ran out.")
    write_smears(full / "smears", images_per_class=8)
    config = TrainConfig(
        data=str(full / "smears"), weights="none", split="random", input_px=64, epochs=5
    )
    lite0 = create_run(full / "runs", "lite0", config)
    train(lite0, store=full / "store", weights_folder=None, device="cpu")
    return {"empty": empty_address, "full": serve(full)}


@pytest.mark.parametrize(("home", "name"), CASES)
def test_no_serious_fault_in_light_and_dark_and_nothing_wider_than_a_phone(
    page: Page, addresses: dict[str, str], name: str, home: str
) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(f"{addresses[home]}/{name}")
    expect(page.get_by_text("Not for diagnosis.").first).to_be_visible()
    expect(page.locator("[data-test-script-state=notRunning]")).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)

    in_light = find_grave_faults(page)
    page.emulate_media(color_scheme="dark")
    expect(page.get_by_test_id("stApp")).to_have_css("color-scheme", "dark")
    in_dark = find_grave_faults(page)
    page.set_viewport_size({"width": PHONE_PX, "height": 844})

    assert (in_light, in_dark) == ([], [])
    page.wait_for_function(f"{WIDTH} <= {PHONE_PX}")
