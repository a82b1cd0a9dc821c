"""What a model's folder states reaches the module without torch; a folder that is not here states nothing."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from CompactSegMRML.Results import ModelCard
from CompactSegMRML.WorkerOffer import readCard
from Testing.MRML.conftest import REPOSITORY, wait

MODELS = REPOSITORY / "Resources" / "Models"


@pytest.fixture
def a_folder(tmp_path):
    """A model's ``model.json`` alone, and what it says."""
    data = json.loads((MODELS / "brain-mr" / "model.json").read_text(encoding="utf-8"))

    def write(**changed):
        data["provenance"].update(changed)
        (tmp_path / "model.json").write_text(json.dumps(data), encoding="utf-8")
        return str(tmp_path), data

    return write


def test_data_figures_limits_and_volumes_are_read(a_folder):
    folder, data = a_folder(limits=["Adults only."])
    card = readCard(folder, title=data["title"])
    stated, figures = data["provenance"]["dataset"], data["levels"][-1]["validation"]
    assert card.madeFrom.startswith(f"{stated['name']} ({stated['reference']}; ")
    assert card.madeFrom.endswith(f"{stated['licence']}), {stated['cases']} cases")
    assert (card.dice, card.cases) == (figures["dice"], figures["cases"])
    assert card.isSynthetic
    assert card.limits == ("Adults only.",)
    least = {name: volume["least"] for name, volume in data["expected_millilitres"].items()}
    assert {name: volume.least for name, volume in card.expected.items()} == least


@pytest.mark.parametrize(
    "dataset", [None, "a name", {"cases": 3}, {"name": "Brains", "cases": "x"}]
)
def test_provenance_of_any_form_is_no_error(a_folder, dataset):
    folder, data = a_folder(dataset=dataset, limits=5, plan=None)
    card = readCard(folder, title=data["title"])
    assert card.madeFrom in ("", "Brains")
    assert card.limits == ()
    assert not card.isSynthetic


def test_a_folder_that_is_not_here_or_has_another_model_states_nothing(a_folder, tmp_path):
    folder, _ = a_folder()
    for place, title in ((str(tmp_path / "elsewhere"), "Brain"), (folder, "Another")):
        card = readCard(place, title=title)
        assert vars(card) == vars(ModelCard())


def test_the_workers_models_come_with_their_cards(logic):
    wait(logic, lambda: logic.models)
    for model in logic.models:
        assert model.card.madeFrom
        assert model.card.expected.keys() == {label.name for label in model.labels}


def test_reading_a_card_loads_no_torch():
    code = (
        "import sys; sys.path[:0] = sys.argv[1:3]\n"
        "from CompactSegMRML.WorkerOffer import readCard\n"
        "assert readCard(sys.argv[3], title=sys.argv[4]).madeFrom\n"
        "assert 'torch' not in sys.modules"
    )
    folder = MODELS / "brain-mr"
    title = json.loads((folder / "model.json").read_text(encoding="utf-8"))["title"]
    places = [REPOSITORY, REPOSITORY / "CompactSeg", folder]
    subprocess.run([sys.executable, "-c", code, *map(str, places), title], check=True)
