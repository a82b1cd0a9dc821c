"""Cost from the configuration equals what hooks and the parameters themselves count."""

from __future__ import annotations

import torch
from hypothesis import given, settings

from CompactSegLib.network.cost import level_costs, parameter_count
from CompactSegLib.network.net import MultiLevelNet
from Testing.Lib.nets import layer, net_config, net_configs, random_image, serial


def macs_seen_by_hooks(net: MultiLevelNet, image: torch.Tensor, level: int) -> float:
    """Multiply-accumulates per image voxel of the convolutions that one level alone executes."""
    macs: list[int] = []

    def count(conv: torch.nn.Conv3d, _inputs: object, output: torch.Tensor) -> None:
        macs.append(conv.weight.numel() * output[0, 0].numel())

    handles = [
        module.register_forward_hook(count)
        for module in net.modules()
        if isinstance(module, torch.nn.Conv3d)
    ]
    with torch.no_grad():
        net.evaluate(image).logits(level)
    for handle in handles:
        handle.remove()
    return sum(macs) / image[0, 0].numel()


@settings(max_examples=20)
@given(net_configs())
def test_macs_equal_what_hooks_count(config):
    net = MultiLevelNet(config).eval()
    edge = config.stride() * (2 if config.stride() < 8 else 1)
    image = random_image(config, (edge, edge, edge))
    for cost in level_costs(config):
        assert cost.macs_per_voxel == macs_seen_by_hooks(net, image, cost.level)


@given(net_configs())
def test_parameters_equal_the_nets_own(config):
    net = MultiLevelNet(config)
    assert parameter_count(config) == sum(p.numel() for p in net.parameters())
    for cost in level_costs(config):
        used = [*net.blocks[: cost.level + 1], net.heads[cost.level - 1]]
        assert cost.parameters == sum(p.numel() for module in used for p in module.parameters())


def test_all_levels_count_each_block_once_and_every_head():
    config = net_config(serial(layer(2)), serial(layer(3)), serial(layer(4)))
    one, two = level_costs(config)
    blocks = [27 * 2, 27 * 6, 27 * 12]
    heads = [3 * 5, 3 * 7]
    assert one.macs_per_voxel == one.macs_per_voxel_all_levels == sum(blocks[:2]) + heads[0]
    assert two.macs_per_voxel == sum(blocks) + heads[1]
    assert two.macs_per_voxel_all_levels == sum(blocks) + sum(heads)
