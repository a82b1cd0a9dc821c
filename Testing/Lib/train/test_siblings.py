import dataclasses

import pytest

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.model.registry import load_model
from CompactSegLib.train.run import train


@pytest.fixture
def a_judged_model(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path):
    """Trained with fold 0 held out."""
    run = tmp_path / "judged"
    return load_model(train(a_short_plan, a_tiny_net, data=a_dataset_folder, output=run, fold=0))


def test_a_model_of_all_cases_carries_the_figures_of_its_sibling_and_says_so(
    a_judged_model, a_dataset_folder, a_tiny_net, a_short_plan, tmp_path
):
    folder = train(
        a_short_plan,
        a_tiny_net,
        data=a_dataset_folder,
        output=tmp_path / "all",
        fold=None,
        figures_from=a_judged_model,
    )
    model = load_model(folder)
    assert model.weights_sha256 != a_judged_model.weights_sha256
    assert [level.validation for level in model.levels] == [
        level.validation for level in a_judged_model.levels
    ]
    assert model.stop == a_judged_model.stop
    origin = model.provenance["figures_from"]
    assert origin["weights_sha256"] == a_judged_model.weights_sha256
    assert origin["validation_cases"] == a_judged_model.provenance["split"]["validation_cases"]
    assert "the same net and plan, trained without them" in " ".join(
        (folder / "README.md").read_text(encoding="utf-8").split()
    )


def test_figures_of_another_recipe_are_refused(
    a_judged_model, a_dataset_folder, a_tiny_net, a_short_plan, tmp_path
):
    other = dataclasses.replace(a_short_plan, learning_rate=1e-5)
    run = {"data": a_dataset_folder, "output": tmp_path / "all", "figures_from": a_judged_model}
    with pytest.raises(ConfigurationError, match="learning_rate differ"):
        train(other, a_tiny_net, fold=None, **run)
    with pytest.raises(ConfigurationError, match="holds out fold 0"):
        train(a_short_plan, a_tiny_net, fold=0, **run)
    wider = dataclasses.replace(a_tiny_net, in_channels=2)
    with pytest.raises(ConfigurationError, match="another net"):
        train(a_short_plan, wider, fold=None, **run)
    assert not (tmp_path / "all").exists()


def test_a_model_without_figures_lends_none(a_dataset_folder, a_tiny_net, a_short_plan, tmp_path):
    run = {"data": a_dataset_folder, "fold": None}
    unjudged = load_model(train(a_short_plan, a_tiny_net, output=tmp_path / "one", **run))
    with pytest.raises(ConfigurationError, match="no figures"):
        train(a_short_plan, a_tiny_net, output=tmp_path / "two", figures_from=unjudged, **run)
