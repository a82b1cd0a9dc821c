"""What ships is what the plan of its training says: no name, colour or code can change unseen."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from CompactSegLib.json_data import read_json
from CompactSegLib.labels import labels_of, structures_of
from CompactSegLib.model.card import model_card
from CompactSegLib.model.folder import check_model
from CompactSegLib.model.model import Model
from CompactSegLib.network.config import NetConfig
from CompactSegLib.train.training_plan import TrainingPlan
from Testing.repository import REPOSITORY

MODELS = sorted(path.parent for path in (REPOSITORY / "Resources/Models").glob("*/model.json"))


@pytest.fixture(params=MODELS, ids=lambda folder: folder.name)
def shipped(request: pytest.FixtureRequest) -> Model:
    """Loaded as far as it goes, weights included."""
    return check_model(request.param)


def training_of(model: Model, pattern: str) -> list[Path]:
    files = sorted((REPOSITORY / "Resources/Training" / model.folder.name).glob(pattern))
    assert files
    return files


def test_its_labels_are_those_of_its_plan(shipped: Model):
    labels = {str(number): told for number, told in structures_of(shipped.labels).items()}
    assert labels_of(structures_of(shipped.labels)) == list(shipped.labels)
    plans = [TrainingPlan.read(path) for path in training_of(shipped, "plan*.json")]
    assert labels in [plan.labels for plan in plans]
    plan = TrainingPlan.from_dict(shipped.provenance["plan"])
    assert plan.labels == labels
    assert (plan.spacing_mm, plan.orientation) == (shipped.spacing_mm, shipped.orientation)


def test_its_net_is_one_that_it_says_how_to_train(shipped: Model):
    nets = [NetConfig.from_dict(read_json(path)) for path in training_of(shipped, "net*.json")]
    assert shipped.net_config in nets


def test_its_card_is_made_of_what_it_states(shipped: Model):
    assert (shipped.folder / "README.md").read_text("utf-8") == model_card(shipped)


def test_its_weights_are_those_it_names_and_its_provenance_begins_elsewhere(shipped: Model):
    weights = (shipped.folder / "weights.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == shipped.weights_sha256
    assert shipped.provenance["started_from"]["weights_sha256"] != shipped.weights_sha256
