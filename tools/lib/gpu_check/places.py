# SPDX-License-Identifier: Apache-2.0
"""What is here: our programs, libtorch, a GPU. Standard library only, like all of gpu-check but its peer."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path


class Unfit(Exception):
    """This machine cannot: status 69."""


@dataclass
class Programs:
    prefix: Path  # the bundle, an installation, or a build folder
    peft_studio: Path
    make_model: Path
    tests: Path  # folder of the test programs
    module: Path  # libpst_cuda.so, which need not exist
    environment: dict = field(default_factory=dict)

    def text(self, name: str) -> str:
        file = self.prefix / "share/peft-studio" / name
        return file.read_text().strip() if file.is_file() else "unknown"


def find_programs(home: Path, build: Path | None, torch: Path | None) -> Programs:
    """`home` is the folder of gpu-check: of a bundle, or tools/ of a checkout."""
    if build is None and (home / "bin/peft-studio").exists():
        found = Programs(home, home / "bin/peft-studio", home / "libexec/peft-studio/make-tiny-model",
                         home / "libexec/peft-studio/tests", home / "lib/peft-studio/libpst_cuda.so")
    else:
        build = build or home.parent / "build/dev"
        found = Programs(build, build / "bin/peft-studio", build / "bin/make-tiny-model", build / "bin",
                         build / "lib/peft-studio/libpst_cuda.so")
    if not found.peft_studio.exists():
        raise Unfit(f"there is no {found.peft_studio}; unpack a bundle (tools/bundle), or build and give --build")
    found.environment = dict(os.environ)
    if found.module.exists():
        found.environment["PST_CUDA_MODULE"] = str(found.module)
    folder = torch or find_torch(found.prefix)
    if folder is not None:
        if not (folder / "lib/libtorch_cpu.so").exists():
            raise Unfit(f"{folder} has no lib/libtorch_cpu.so: --torch wants the folder named torch of an installed wheel")
        beside = [folder.parent / "nvidia" / name / "lib" for name in ("nccl", "cu13", "cudnn")]  # for those without libtorch
        paths = [str(folder / "lib"), *(str(p) for p in beside if p.is_dir()), os.environ.get("LD_LIBRARY_PATH", "")]
        found.environment["LD_LIBRARY_PATH"] = ":".join(p for p in paths if p)
    return found


def find_torch(prefix: Path) -> Path | None:
    if (prefix / "lib/peft-studio/torch").exists():
        return prefix / "lib/peft-studio/torch"
    if os.environ.get("PST_TORCH_ROOT"):
        return Path(os.environ["PST_TORCH_ROOT"])
    spec = importlib.util.find_spec("torch")
    if spec is not None and spec.submodule_search_locations:
        return Path(list(spec.submodule_search_locations)[0])
    return None  # a build folder knows its own


@dataclass
class Gpu:
    name: str
    memory_bytes: int
    capability: str
    driver: str  # NVIDIA's version; CUDA's in brackets


def find_gpu() -> Gpu:
    """GPU 0 by way of the driver, without any CUDA installation. Raises Unfit with the reason."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        raise Unfit("no NVIDIA driver is installed here (libcuda.so.1 is missing)") from None
    count, device, version = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    status = cuda.cuInit(0)
    if status == 0:
        status = cuda.cuDeviceGetCount(ctypes.byref(count))
    if status != 0 or count.value == 0:
        raise Unfit(f"the NVIDIA driver shows no GPU (status {status})")
    name, memory, major, minor = ctypes.create_string_buffer(128), ctypes.c_size_t(), ctypes.c_int(), ctypes.c_int()
    cuda.cuDeviceGet(ctypes.byref(device), 0)
    cuda.cuDeviceGetName(name, len(name), device)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    cuda.cuDeviceGetAttribute(ctypes.byref(major), 75, device)
    cuda.cuDeviceGetAttribute(ctypes.byref(minor), 76, device)
    cuda.cuDriverGetVersion(ctypes.byref(version))
    driver = "unknown"
    told = Path("/proc/driver/nvidia/version")
    if told.exists():
        driver = next((word for word in told.read_text().split() if word.count(".") == 2 and word[0].isdigit()), driver)
    return Gpu(name.value.decode(errors="replace"), memory.value, f"{major.value}.{minor.value}",
               f"{driver} (CUDA {version.value // 1000}.{version.value % 1000 // 10})")


class MemoryWatch:
    """The most memory that was in use on GPU 0 while it was looked at; None where NVML is not there."""

    class _Info(ctypes.Structure):
        _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]

    def __init__(self):
        self.peak, self._nvml, self._device = None, None, ctypes.c_void_p()
        try:
            nvml = ctypes.CDLL("libnvidia-ml.so.1")
        except OSError:
            return
        if nvml.nvmlInit_v2() == 0 and nvml.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(self._device)) == 0:
            self._nvml = nvml

    def look(self):
        info = self._Info()
        if self._nvml is not None and self._nvml.nvmlDeviceGetMemoryInfo(self._device, ctypes.byref(info)) == 0:
            self.peak = max(self.peak or 0, info.used)


def sanitizer() -> Path | None:
    for place in (shutil.which("compute-sanitizer"), "/usr/local/cuda/bin/compute-sanitizer"):
        if place and Path(place).exists():
            return Path(place)
    return None


def python_has(python: str, module: str) -> bool:
    check = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    return subprocess.run([python, "-c", check], capture_output=True, check=False).returncode == 0


def processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return sys.platform
