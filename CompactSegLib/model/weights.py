"""The weights file of a model: hashed, checked tensor by tensor, and never a pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from CompactSegLib.errors import ModelError
from CompactSegLib.network.cost import parameter_count
from CompactSegLib.paths import read_file

if TYPE_CHECKING:
    from torch import Tensor

    from CompactSegLib.network.config import NetConfig
    from CompactSegLib.network.net import MultiLevelNet

WEIGHTS_FILE = "weights.safetensors"
_MOST_BYTES = 2**31
_AGAIN = "copy the model folder again from its source."


def read_bytes(folder: Path, *, sha256: str) -> bytes:
    """The weights file, after its hash was checked. Loads no torch.

    Raises:
        ModelError: Not there, not readable, or not the file that ``model.json`` speaks of.
    """
    path = folder / WEIGHTS_FILE
    try:
        data = read_file(path, most_bytes=_MOST_BYTES)
    except FileNotFoundError:
        raise ModelError(
            f"{path}: expected the model's weights, but there is no such file; {_AGAIN}"
        ) from None
    except OSError as error:
        raise ModelError(
            f"{path}: could not be read ({error.strerror}); check its permissions."
        ) from error
    came = hashlib.sha256(data).hexdigest()
    if came != sha256:
        raise ModelError(
            f"{path}: expected the weights with SHA-256 {sha256[:12]}…, which model.json states, got {came[:12]}…: "
            f"the file is damaged or of another model; {_AGAIN}"
        )
    return data


def read_net(folder: Path, config: NetConfig, *, sha256: str) -> MultiLevelNet:
    """Build the net of `config` and fill it with the folder's weights.

    The bytes that were hashed are the bytes that are loaded. Names, shapes and types must be exactly the net's, but for
    kernels, which may be stored in fp16; the net is in fp32 all the same.

    Raises:
        ModelError: As `read_bytes`; or the file is not in safetensors format or not of this net.
    """
    import safetensors
    import safetensors.torch

    data = read_bytes(folder, sha256=sha256)
    path = folder / WEIGHTS_FILE
    # Before memory is taken for a net that may be absurd.
    least = 2 * parameter_count(config)
    if len(data) < least:
        raise ModelError(
            f"{path}: expected at least {least} bytes for the parameters of the net of model.json, got {len(data)}; "
            f"{_AGAIN}"
        )
    try:
        tensors = safetensors.torch.load(data)
    except (safetensors.SafetensorError, ValueError, KeyError, json.JSONDecodeError) as error:
        raise ModelError(
            f"{path}: expected a file in safetensors format, but it could not be read as one ({error}); {_AGAIN}"
        ) from error
    net = _blank_net(config)
    _check_tensors(path, tensors, expected=net.state_dict())
    net.load_state_dict(tensors)
    return net.eval()


def encode_net(net: MultiLevelNet, *, half: bool = False) -> bytes:
    """The net's state as the content of a weights file, always the same bytes for the same weights.

    Args:
        net: Batch norm not folded.
        half: Store kernels in fp16, which halves the file and moves a weight by a two-thousandth of itself at most;
            all else, such as the statistics of batch norm, stays in fp32.

    Raises:
        ModelError: Batch norm was folded away, or a weight is not finite.
    """
    import safetensors.torch

    tensors = {
        name: (tensor.float() if tensor.is_floating_point() else tensor).detach().cpu().contiguous()
        for name, tensor in net.state_dict().items()
    }
    if half:
        tensors = {name: t.half() if t.ndim > 1 else t for name, t in tensors.items()}
    _check_tensors(Path(WEIGHTS_FILE), tensors, expected=_blank_net(net.config).state_dict())
    return safetensors.torch.save(tensors, metadata={"format": "pt"})


def _blank_net(config: NetConfig) -> MultiLevelNet:
    """A net of no use yet, made without touching the caller's random numbers.

    Not on the meta device, though it would do: initialising there makes torch import its compiler (a second).
    """
    import torch

    from CompactSegLib.network.net import MultiLevelNet

    with torch.random.fork_rng(devices=[]):
        return MultiLevelNet(config)


def _check_tensors(
    path: Path, tensors: Mapping[str, Tensor], *, expected: Mapping[str, Tensor]
) -> None:
    missing = [name for name in expected if name not in tensors]
    foreign = [name for name in tensors if name not in expected]
    if missing:
        raise ModelError(
            f"{path}: expected tensor {missing[0]!r}, which the net of model.json needs, but {len(missing)} of "
            f"{len(expected)} tensors are missing; {_AGAIN}"
        )
    if foreign:
        raise ModelError(
            f"{path}: expected only tensors of the net of model.json, got {foreign[0]!r}; {_AGAIN}"
        )
    for name, tensor in tensors.items():
        if tensor.shape != expected[name].shape:
            raise ModelError(
                f"{path}: expected tensor {name!r} of shape {tuple(expected[name].shape)}, which the net of model.json "
                f"needs, got {tuple(tensor.shape)}; {_AGAIN}"
            )
        halved = tensor.ndim > 1 and _word(tensor) == "float16"
        if tensor.dtype != expected[name].dtype and not halved:
            raise ModelError(
                f"{path}: expected tensor {name!r} of type {_word(expected[name])}, got {_word(tensor)}; {_AGAIN}"
            )
        if not bool(tensor.isfinite().all()):
            raise ModelError(
                f"{path}: expected finite numbers in tensor {name!r}, got some that are not; {_AGAIN}"
            )


def _word(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
