"""The computed receptive field is the one that gradients show."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings

from CompactSegLib.network.config import BranchConfig
from CompactSegLib.network.reach import halo, receptive_field
from Testing.Lib.nets import layer, net_config, net_configs, parallel, serial
from Testing.Lib.network.gradients import gradient_reach

pytestmark = pytest.mark.slow


POOLED_BY_8 = net_config(
    serial(layer(2)), parallel(BranchConfig((layer(1),)), BranchConfig((layer(1),), pool=8))
)


# What is computed grows with the third power of the stride, so that drawn nets have small ones.
@settings(max_examples=15)
@example(POOLED_BY_8)
@given(net_configs(most_levels=2).filter(lambda config: config.stride() <= 4))
def test_the_field_equals_the_one_that_gradients_show(config):
    for level in range(1, config.levels + 1):
        computed = halo(config, level)
        assert (computed.before, computed.after, computed.size) == gradient_reach(config, level)


def test_serial_convolutions_add_up():
    config = net_config(serial(layer(1), layer(1)), serial(layer(1, 5), layer(1, dilation=4)))
    assert receptive_field(config, 1) == 1 + 2 + 2 + 4 + 8


def test_a_pooled_branch_reaches_further_than_its_kernel():
    flat = net_config(serial(layer(1)), serial(layer(1)))
    pooled = net_config(
        serial(layer(1)), parallel(BranchConfig((layer(1),)), BranchConfig((layer(1),), pool=4))
    )
    assert receptive_field(flat, 1) == 5
    # Two coarse voxels to interpolate from, one more on each side for the kernel, of four voxels each, and block 1.
    assert receptive_field(pooled, 1) == 4 * 4 + 2


def test_a_later_start_needs_a_smaller_halo():
    config = net_config(*(serial(layer(2)) for _ in range(4)))
    reaches = [halo(config, 3, start=start).before for start in (0, 1, 2, 3)]
    assert reaches == [4, 3, 2, 1]
