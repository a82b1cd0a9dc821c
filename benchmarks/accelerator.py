"""An accelerator that is not there: tensors that only operations of the same device may touch.

PyTorch without CUDA has no device but the CPU that holds values, so here a tensor of ``cuda`` or ``mps`` is one of the
CPU in disguise. It says that it is elsewhere, and as on a real device an operation fails that takes tensors of both, or
numbers that this device lacks; NumPy can not look at it. Of each operation it is counted whether it had to be begun,
and whether the program waits for it or copies. How long anything takes it can not tell, nor what a driver does wrong.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

_ops = torch.ops.aten
# PyTorch lets no tensor be of CUDA where it has none; of this device it does.
_DISGUISE = torch.device("meta")
_CROSSING = {
    _ops._to_copy.default,
    _ops.copy_.default,
    _ops._has_compatible_shallow_copy_type.default,
}
_INDEXING = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}
_WAITED_FOR = {
    "aten::_local_scalar_dense",
    "aten::bincount",
    "aten::equal",
    "aten::is_nonzero",
    "aten::item",
    "aten::masked_select",
    "aten::nonzero",
}
_NOTHING_TO_BEGIN = {
    "aten::_has_compatible_shallow_copy_type",
    "aten::empty",
    "aten::empty_like",
    "aten::empty_strided",
    "aten::new_empty",
    "aten::new_empty_strided",
}
_NOT_ON_MPS = {torch.float64, torch.complex128}


@dataclass
class Work:
    """What a device was asked to do.

    Attributes:
        begun: Operations, by name; views and empty tensors are none.
        waits: Of those, how often the program went on only with the result.
        uploads: How often something came from the CPU.
        bytes_up: From the CPU.
        bytes_down: To the CPU.
    """

    begun: Counter[str] = field(default_factory=Counter)
    waits: int = 0
    uploads: int = 0
    bytes_up: int = 0
    bytes_down: int = 0


class Elsewhere(torch.Tensor):
    """A tensor of the pretended device; `values` holds what it holds."""

    device_type: str
    work: Work
    values: torch.Tensor

    @staticmethod
    def __new__(cls, values: torch.Tensor) -> Elsewhere:
        # Else views of weights, which are no inference tensors, could not be made in inference mode.
        with torch.inference_mode(False):
            made = torch.Tensor._make_wrapper_subclass(
                cls,
                values.size(),
                strides=values.stride(),
                storage_offset=values.storage_offset(),
                dtype=values.dtype,
                device=_DISGUISE,
                requires_grad=values.requires_grad,
            )
        made.values = values
        return made

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, operation, _types, arguments=(), options=None):
        return _run(operation, arguments, options or {})

    @property
    def device(self) -> torch.device:
        return torch.device(self.device_type, 0)

    def tolist(self):
        self.work.waits += 1
        return self.values.tolist()

    def numpy(self, *_arguments, **_options):
        raise TypeError(f"can't convert {self.device} device type tensor to numpy.")

    __array__ = numpy

    def __deepcopy__(self, _memo: object) -> Elsewhere:
        copied = Elsewhere(self.values.detach().clone()).requires_grad_(self.requires_grad)
        if isinstance(self, torch.nn.Parameter):
            copied._is_param = True
        return copied

    def __reduce_ex__(self, protocol):
        return self.values.detach().__reduce_ex__(protocol)

    def __repr__(self, **_options) -> str:
        return f"{self.device}: {self.values!r}"


def _run(operation, arguments, options):
    """Run an operation on the values, if a real device would."""
    tensors = list(_tensors((*arguments, *options.values())))
    mine = [each for each in tensors if isinstance(each, Elsewhere)]
    others = [each for each in tensors if not isinstance(each, Elsewhere) and each.dim()]
    name, target = operation._schema.name, options.get("device")
    stays = bool(mine) if target is None else torch.device(target) == _DISGUISE
    if mine and others and operation not in _CROSSING:
        raise RuntimeError(
            f"Expected all tensors to be on the same device, got {mine[0].device} and cpu: {name}"
        )
    if mine or stays:
        _count(operation, arguments, mine=mine, others=others, stays=stays)
    if target is not None:
        options = {**options, "device": "cpu", "pin_memory": False}
    result = operation(
        *_values(arguments), **{name: _values(each) for name, each in options.items()}
    )
    known = {id(each.values): each for each in mine}
    if operation is _ops.copy_.default:
        return arguments[0]

    def placed(made: Any) -> Any:
        if not isinstance(made, torch.Tensor):
            return made
        if not stays:
            return made.clone() if id(made) in known else made
        if Elsewhere.device_type == "mps" and made.dtype in _NOT_ON_MPS:
            raise TypeError(f"Cannot convert a MPS Tensor to {made.dtype}: {name}")
        return known[id(made)] if id(made) in known else Elsewhere(made)

    return tree_map(placed, result)


def _tensors(argument: Any) -> Iterator[torch.Tensor]:
    if isinstance(argument, torch.Tensor):
        yield argument
    elif isinstance(argument, list | tuple):
        for each in argument:
            yield from _tensors(each)


def _values(argument: Any) -> Any:
    if isinstance(argument, list | tuple):
        return [_values(each) for each in argument]
    return argument.values if isinstance(argument, Elsewhere) else argument


def _count(operation, arguments, *, mine, others, stays) -> None:
    work, schema = Elsewhere.work, operation._schema
    aliases = [each.alias_info for each in schema.returns]
    is_view = bool(aliases) and all(alias and not alias.is_write for alias in aliases)
    if not is_view and schema.name not in _NOTHING_TO_BEGIN:
        work.begun[schema.name] += 1
    by_mask = schema.name in _INDEXING and any(
        each.dtype == torch.bool for each in _tensors(arguments[1])
    )
    work.waits += not stays or by_mask or schema.name in _WAITED_FOR
    if operation in _CROSSING and mine and not stays:
        work.bytes_down += mine[0].nbytes
    elif operation in _CROSSING and others:
        work.uploads += 1
        work.bytes_up += others[0].nbytes


class _Operations(TorchDispatchMode):
    def __torch_dispatch__(self, operation, _types, arguments=(), options=None):
        if operation.overloadpacket is _ops.to:  # its device is no named argument
            with self:
                return operation.decompose(*arguments, **(options or {}))
        return _run(operation, arguments, options or {})


class _Calls(TorchFunctionMode):
    """Devices that callers name become the disguise, before PyTorch looks for them."""

    def __torch_function__(self, function, _types, arguments=(), options=None):
        if function is torch.device:
            return function(*arguments, **(options or {}))
        arguments = tuple(map(_disguised, arguments))
        options = {name: _disguised(each) for name, each in (options or {}).items()}
        if function is torch.Tensor.new_tensor and isinstance(arguments[0], Elsewhere):
            made = torch.tensor(arguments[1], dtype=options.get("dtype", arguments[0].dtype))
            return made.to(_DISGUISE)
        is_made_of_numbers = function in (torch.tensor, torch.as_tensor, torch.asarray)
        if is_made_of_numbers and options.get("device") in (_DISGUISE, _DISGUISE.type):
            return function(*arguments, **{**options, "device": "cpu"}).to(_DISGUISE)
        return function(*arguments, **options)


def _disguised(argument: Any) -> Any:
    kind = Elsewhere.device_type
    if isinstance(argument, torch.device) and argument.type == kind:
        return _DISGUISE
    return (
        _DISGUISE.type
        if isinstance(argument, str) and argument in (kind, f"{kind}:0")
        else argument
    )


class _Generator(torch.Generator):
    place: torch.device

    def __new__(cls, device: torch.device | str = "cpu") -> _Generator:
        made = super().__new__(cls, "cpu")
        made.place = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return self.place


@contextlib.contextmanager
def accelerator(kind: str = "cuda", *, free_bytes: int = 2**33) -> Iterator[Work]:
    """A machine with one such device, ``cuda`` or ``mps``, and what that is asked to do."""
    Elsewhere.device_type, Elsewhere.work = kind, Work()
    load = torch.load

    def load_to(*arguments, map_location=None, **options):
        loaded = load(*arguments, **options)
        is_tensor = torch.is_tensor
        return tree_map(
            lambda each: each.to(map_location or "cpu") if is_tensor(each) else each, loaded
        )

    cuda = {
        "is_available": kind == "cuda",
        "device_count": int(kind == "cuda"),
        "current_device": 0,
        "get_device_name": "pretended",
        "get_device_capability": (8, 0),
        "is_bf16_supported": True,
        "mem_get_info": (free_bytes, 2 * free_bytes),
        "memory_reserved": 0,
        "memory_allocated": 0,
        "empty_cache": None,
    }
    mps = {
        "recommended_max_memory": free_bytes,
        "current_allocated_memory": 0,
        "empty_cache": None,
    }
    with contextlib.ExitStack() as stack:
        for module, answers in (
            (torch.cuda, cuda),
            (torch.mps, mps),
            (torch.backends.mps, {"is_available": kind == "mps"}),
            # Else a module's weights keep the values that they had elsewhere.
            (torch.__future__, {"get_overwrite_module_params_on_conversion": True}),
        ):
            for name, answer in answers.items():
                stack.enter_context(
                    mock.patch.object(
                        module, name, lambda *_, _said=answer, **__: _said, create=True
                    )
                )
        stack.enter_context(mock.patch.object(torch, "Generator", _Generator))
        stack.enter_context(mock.patch.object(torch, "load", load_to))
        stack.enter_context(_Operations())
        stack.enter_context(_Calls())
        yield Elsewhere.work
