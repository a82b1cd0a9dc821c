"""What a model states of its data and limits reaches the module, wherever the worker runs."""

from __future__ import annotations

from CompactSegLib.json_data import build
from CompactSegLib.serve.events import ready
from CompactSegMRML.WorkerFace import ModelCard, Offer
from Testing.MRML.conftest import wait


def test_the_workers_models_come_with_their_cards(logic):
    wait(logic, lambda: logic.models)
    for model in logic.models:
        card = model.card
        assert card.madeFrom.endswith(f"{'20' if card.isSynthetic else '208'} cases")
        assert card.limits[0].startswith(f"It is made for {model.modality} only")
        assert 0 < card.dice < 1
        assert card.expected.keys() == {label.name for label in model.labels}


def test_a_worker_that_tells_no_card_has_models_all_the_same():
    event = ready()
    for model in event["models"]:
        del model["card"]
    models = build(Offer, event, where="ready", others=True).models
    assert models
    assert all(vars(model.card) == vars(ModelCard()) for model in models)
