"""Where the net runs and in which precision, and how much memory is free there."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import torch

from CompactSegLib.errors import DeviceError
from CompactSegLib.inference.memory import free_main_memory

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "fp32", "bf16", "fp16")
_OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "status_alloc_failed",  # cuDNN and cuBLAS
    "invalid buffer size",  # MPS, for a single tensor that is too large
    "std::bad_alloc",
)
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Runtime:
    """A device and the precision the net runs in there."""

    device: torch.device
    precision: str

    @property
    def dtype(self) -> torch.dtype:
        return _DTYPES[self.precision]

    @property
    def name(self) -> str:
        """What a person calls the device."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return platform.processor() or platform.machine()

    def in_fp32(self) -> Runtime:
        return Runtime(self.device, "fp32")

    def on_cpu(self) -> Runtime:
        return select_runtime("cpu", "auto" if self.precision != "fp32" else "fp32")

    def free_bytes(self) -> int:
        """Memory that a run may still take on the device."""
        if self.device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(self.device)
            cached = torch.cuda.memory_reserved(self.device) - torch.cuda.memory_allocated(
                self.device
            )
            return free + cached
        available = free_main_memory()
        recommended = getattr(torch.mps, "recommended_max_memory", None)  # from torch 2.5 on
        if self.device.type == "mps" and recommended is not None:
            return min(available, recommended() - torch.mps.current_allocated_memory())
        return available

    @contextmanager
    def settings(self) -> Iterator[None]:
        """Inference mode; in fp32 on CUDA with TF32 off, since its ten-bit mantissa is not what fp32 promises."""
        with (
            torch.inference_mode(),
            torch.backends.cudnn.flags(
                enabled=torch.backends.cudnn.enabled,
                benchmark=False,
                deterministic=False,  # deterministic cuDNN makes dilated 3D convolutions 10-80 times slower
                allow_tf32=self.precision != "fp32",
            ),
        ):
            yield


def select_runtime(device: str = "auto", precision: str = "auto") -> Runtime:
    """Choose a device and a precision.

    Args:
        device: ``auto`` takes CUDA, then Apple's MPS, then the CPU.
        precision: ``auto`` takes bf16 (or fp16) where the hardware computes in it, else fp32.

    Raises:
        DeviceError: The name is unknown or there is no such device.
    """
    if precision not in PRECISIONS:
        raise DeviceError(f"precision: expected one of {', '.join(PRECISIONS)}, got {precision!r}.")
    kind, _, index = device.partition(":")
    if kind not in DEVICES or (index and (kind != "cuda" or not index.isdecimal())):
        raise DeviceError(
            f"device: expected one of {', '.join(DEVICES)} or a numbered one such as cuda:1, got {device!r}."
        )
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (not index or int(index) < torch.cuda.device_count()),
        "mps": torch.backends.mps.is_available(),
    }
    if kind == "auto":
        kind = next(name for name in ("cuda", "mps", "cpu") if available[name])
    if not available[kind]:
        raise DeviceError(
            f"device: expected one that torch {torch.__version__} can use here, got {device!r}, which it does not see; "
            "use auto or cpu, or install the torch build for this hardware."
        )
    chosen = torch.device(f"{kind}:{index}" if index else kind)
    if precision == "auto":
        precision = _fastest_precision(chosen)
    return Runtime(chosen, precision)


def _fastest_precision(device: torch.device) -> str:
    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        if capability >= (8, 0):
            return "bf16"
        # Before tensor cores, most devices have 64 times fewer units for fp16 than for fp32.
        return "fp16" if capability >= (7, 0) else "fp32"
    if device.type == "cpu":
        # Emulated bf16 is slower than fp32, so only processors with its instructions count.
        for instruction in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
            if getattr(torch.cpu, instruction, lambda: False)():
                return "bf16"
    return "fp32"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on any device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _OUT_OF_MEMORY)


def keep_freed_memory(*, also_largest: bool = False) -> None:
    """Let this process keep what it frees, so that the next tensor does not wait for the kernel to hand out pages.

    Saves a third of a level's time on Linux, where glibc would map and unmap every feature map. The largest, such as
    maps of a whole head, still are: kept, they leave holes that the next one does not fit. For processes of our own
    only: a program that uses the library decides for itself. Elsewhere nothing happens.

    Args:
        also_largest: Keep these too: in training, where every step asks for the same sizes, a step is twice as fast.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # from malloc.h
    libc.mallopt(mmap_threshold, 32 * 2**20)  # glibc takes no more
    libc.mallopt(trim_threshold, 2**31 - 1)
    libc.mallopt(top_pad, 64 * 2**20)
    if also_largest:
        mmap_max = -4
        libc.mallopt(mmap_max, 0)


def release_cached(device: torch.device) -> None:
    """Give memory that torch keeps for later back to the device, if it is there and takes it."""
    # A device that failed may refuse this too, and what goes on elsewhere should not end for it.
    with suppress(RuntimeError):
        if device.type == "cuda":
            torch.cuda.empty_cache()
        elif device.type == "mps" and torch.backends.mps.is_available():
            torch.mps.empty_cache()
