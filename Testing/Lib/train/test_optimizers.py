import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import Parameter

from CompactSegLib.network.net import MultiLevelNet
from CompactSegLib.train.muon import Muon, orthogonalised
from CompactSegLib.train.optimisation import Update
from CompactSegLib.train.stages import stages_of
from CompactSegLib.train.training_plan import TrainingPlan


def an_update(net, plan):
    (stage,) = stages_of(plan, levels=net.levels)
    return Update(net, plan, stage, device=torch.device("cpu"), precision="fp32")


@given(rows=st.integers(1, 40), columns=st.integers(1, 40), seed=st.integers(0, 99))
def test_singular_values_become_about_one_and_directions_stay(rows, columns, seed):
    matrix = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    # Directions that hardly exist are not brought up to the others.
    kept = values > 0.05 * values.max()
    result = torch.diagonal(left.T @ orthogonalised(matrix) @ right.T)[kept]
    assert result.min() > 0.3
    assert result.max() < 1.3


def test_updates_are_as_large_as_those_of_adamw():
    random = torch.Generator().manual_seed(1)
    for shape in ((24, 24, 3, 3, 3), (16, 40, 1, 1, 1), (40, 6, 3, 3, 3)):
        kernel = Parameter(torch.zeros(shape))
        kernel.grad = torch.randn(shape, generator=random) * 1e-3
        Muon([kernel], lr=0.01).step()
        assert 0.1 < kernel.detach().square().mean().sqrt() / 0.01 < 0.3


def test_decay_pulls_kernels_towards_nothing():
    kernel = Parameter(torch.ones(4, 4))
    kernel.grad = torch.zeros(4, 4)
    Muon([kernel], lr=0.1, weight_decay=0.5).step()
    assert torch.allclose(kernel, torch.tensor(0.95))


def test_a_direction_of_small_gradients_is_followed_as_far():
    target = torch.diag(torch.tensor([1.0, 0.01, 0.01]))
    kernel = Parameter(torch.zeros(3, 3))
    optimizer = Muon([kernel], lr=0.01)
    for _ in range(5):
        kernel.grad = kernel.detach() - target
        optimizer.step()
    moved = kernel.detach().diagonal()
    assert moved[1] > 0.5 * moved[0]


def test_kernels_are_muons_and_the_rest_is_adamws(a_tiny_net):
    plan = TrainingPlan(optimizer="muon", steps=10)
    net = MultiLevelNet(a_tiny_net)
    update = an_update(net, plan)
    by_muon = [p for g in update.optimizers["muon"].param_groups for p in g["params"]]
    by_adamw = [p for g in update.optimizers["adamw"].param_groups for p in g["params"]]
    assert {id(p) for p in by_muon} == {id(p) for p in net.parameters() if p.ndim > 1}
    assert {id(p) for p in by_adamw} == {id(p) for p in net.parameters() if p.ndim <= 1}


def test_state_from_before_there_was_a_choice_is_read(a_tiny_net):
    plan = TrainingPlan(steps=10)
    net = MultiLevelNet(a_tiny_net)
    update = an_update(net, plan)
    update(sum(p.square().sum() for p in net.parameters()), 0.01)
    now = update.state_dict()
    before = {"optimizer": now["optimizers"]["adamw"], "scaler": now["scaler"]}
    other = an_update(net, plan)
    other.load_state_dict(before)
    assert (
        other.optimizers["adamw"].state_dict()["state"].keys()
        == before["optimizer"]["state"].keys()
    )
