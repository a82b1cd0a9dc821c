from __future__ import annotations

import json

import pytest
from hypothesis import given

from CompactSegLib.errors import ConfigurationError
from CompactSegLib.network.config import BranchConfig, NetConfig
from Testing.Lib.nets import layer, net_config, net_configs, parallel, serial


@given(net_configs())
def test_a_configuration_survives_json(config):
    assert NetConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def good() -> dict:
    return net_config(serial(layer(2)), serial(layer(3))).to_dict()


@pytest.mark.parametrize(
    ("path", "value", "sentence"),
    [
        (("classes",), 1, "net, classes: expected a whole number from 2 to 256, got 1"),
        (("classes",), 300, "net, classes: expected a whole number from 2 to 256, got 300"),
        (
            ("in_channels",),
            "one",
            'net, in_channels: expected a whole number from 1 to [0-9]+, got "one"',
        ),
        (("upsampling",), "cubic", 'net, upsampling: expected one of linear, got "cubic"'),
        (("blocks", 1, "pool"), 3, r"net, blocks\[1\].pool: expected one of 1, 2, 4, 8, got 3"),
        (
            ("blocks", 1, "pool"),
            True,
            r"net, blocks\[1\].pool: expected one of 1, 2, 4, 8, got true",
        ),
        (
            ("blocks", 1, "pool"),
            2.0,
            r"net, blocks\[1\].pool: expected one of 1, 2, 4, 8, got 2.0",
        ),
        (("blocks", 0, "branches"), [], r"net, blocks\[0\].branches: expected at least one branch"),
        (
            ("blocks", 0, "branches", 0, "layers", 0, "kernel"),
            4,
            r"net, blocks\[0\].branches\[0\].layers\[0\].kernel: expected an odd edge length",
        ),
        (
            ("blocks", 0, "branches", 0, "layers", 0, "channels"),
            0,
            r"layers\[0\].channels: expected a whole number from 1 to [0-9]+, got 0",
        ),
        (
            ("blocks", 0, "branches", 0, "layers", 0, "dilation"),
            1.5,
            r"layers\[0\].dilation: expected a whole number from 1 to [0-9]+, got 1.5",
        ),
        (
            ("blocks", 0, "branches", 0, "layers"),
            [],
            "expected a layer or pooling, got an empty branch",
        ),
        (("blocks", 0, "branches", 0, "layers"), 5, "layers: expected a list of at most 64, got 5"),
        (("heads",), [], "expected one block more than there are heads"),
        (("heads", 0), None, r"net, heads\[0\]: expected an object with layers, got null"),
        (
            ("blocks", 0, "poool"),
            2,
            r"net, blocks\[0\]: expected only branches, pool, got \"poool\"",
        ),
        # What no machine could compute.
        (("in_channels",), 10**400, r"at most|from 1 to"),
        (("blocks", 0, "branches", 0, "layers", 0, "channels"), 10**400, r"at most|from 1 to"),
        (("blocks", 0, "branches", 0, "layers", 0, "kernel"), 10**9 + 1, r"at most|from 1 to"),
        (("blocks", 0, "branches", 0, "layers", 0, "dilation"), 10**30, r"at most|from 1 to"),
        (("blocks", 0, "branches", 0, "layers"), [{"channels": 1}] * 1000, r"at most|from 1 to"),
        (("blocks", 0, "branches"), [{"layers": [{"channels": 1}]}] * 1000, r"at most|from 1 to"),
        (("heads", 0, "layers"), [{"channels": 1}] * 1000, r"at most|from 1 to"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(path, value, sentence):
    place = data = json.loads(json.dumps(good()))
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(ConfigurationError, match=sentence) as raised:
        NetConfig.from_dict(data)
    assert len(str(raised.value)) < 300


def test_a_missing_name_is_named():
    data = good()
    del data["classes"]
    with pytest.raises(
        ConfigurationError,
        match="net: expected classes, a whole number from 2 to",
    ):
        NetConfig.from_dict(data)


def test_channels_and_strides_follow_the_blocks():
    block = parallel(BranchConfig((layer(3),)), BranchConfig((), pool=4), pool=2)
    config = net_config(serial(layer(2)), block, serial(layer(5)))
    assert config.map_channels == (2, 5, 5)
    assert config.map_strides == (1, 2, 2)
    assert config.stride() == 8
    assert config.stride(1) == 1
    assert [config.level_channels(level) for level in (1, 2)] == [7, 10]


def test_poolings_levels_and_weights_have_limits_together():
    block = {"branches": [{"layers": [{"channels": 2}]}], "pool": 8}
    wide = {"branches": [{"layers": [{"channels": 4096, "kernel": 31}] * 2}]}
    thin = {"branches": [{"layers": [{"channels": 1, "kernel": 1}]}]}
    for blocks in ([block] * 8, [thin] * 5001, [wide] * 2):
        data = good() | {"blocks": blocks, "heads": [{"layers": []}] * (len(blocks) - 1)}
        with pytest.raises(ConfigurationError, match="at most"):
            NetConfig.from_dict(data)
