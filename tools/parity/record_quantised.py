#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Records what bitsandbytes makes of some small matrices: the fixtures of tests/unit/kernels and tests/unit/quant.

    record_quantised.py OUT_DIR

Writes OUT_DIR/nf4.safetensors and OUT_DIR/int8.safetensors. For every case: `<case>.values` as quantised, and what bitsandbytes
saves of a layer of that name, in its layout (`<case>.weight`, `<case>.weight.absmax`, ..., `<case>.SCB`). Also `<case>.absmax`, before
double quantisation, and `<case>.dequantised`. `mean.count` and `mean.value` are means of i * 2654435761 mod 2^24 as ATen adds them.

Runs on one thread with ATen's AVX2 code, whatever the machine, for torch's sums depend on both. Needs torch 2.11.0, safetensors 0.8.0,
bitsandbytes 0.50.2.
"""
import os
import sys

os.environ["ATEN_CPU_CAPABILITY"] = "avx2"
os.environ["OMP_NUM_THREADS"] = "1"
import bitsandbytes as bnb  # noqa: E402
import bitsandbytes.functional as bnbf  # noqa: E402
import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

assert bnb.__version__ == "0.50.2", bnb.__version__
torch.set_num_threads(1)
MEANS = [*range(1, 40), 63, 64, 65, 127, 255, 256, 257, 511, 513, 1000, 2047, 2048, 2049, 4096, 13824, 32767, 32768, 100003, 917504]
DEQUANTISED = ("plain", "bf16", "outliers")


def matrices():
    def normal(seed, *shape):
        return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))

    yield "plain", normal(1, 24, 64)
    yield "bf16", (normal(2, 24, 96) * 0.02).bfloat16()
    yield "f16", (normal(3, 8, 48) * 0.1).half()
    yield "ragged", normal(4, 33, 40)
    yield "odd", normal(5, 5, 7)
    zeros = normal(6, 8, 64)
    zeros[2:5] = 0
    zeros[6] = -zeros[6].abs()
    yield "zeros", zeros
    tail = normal(7, 2, 80)
    tail[1, -32:] = 0
    yield "zero_tail", tail.bfloat16()
    outliers = normal(8, 16, 64) * 0.01
    outliers[::3, 5] = 4e4
    outliers[1, :] = -60000
    yield "outliers", outliers
    yield "tiny", normal(9, 3, 64) * torch.tensor([[1e-30], [3e-39], [1e-44]])
    levels = bnbf.get_4bit_type("nf4", device="cpu")
    middles = torch.cat([(levels[:-1] + levels[1:]) / 2, levels, torch.tensor([1.0])])
    ties = torch.cat([middles, torch.nextafter(middles, torch.tensor(2.0))]).clamp(-1, 1)
    yield "ties", torch.stack([ties * s for s in (1.0, 0.5, 8.0, 3.0)])
    yield "many_blocks", (normal(10, 300, 64) * torch.linspace(0.01, 3, 300)[:, None]).bfloat16()
    yield "one_row", normal(11, 1, 64)


def nf4():
    tensors = {}
    for name, values in matrices():
        packed, plain = bnbf.quantize_4bit(values, blocksize=64, quant_type="nf4")
        layer = bnb.nn.Linear4bit(values.shape[1], values.shape[0], bias=False, compress_statistics=True, quant_type="nf4")
        layer.weight = bnb.nn.Params4bit(values.clone(), requires_grad=False, compress_statistics=True, quant_type="nf4", module=layer)
        layer.to("cpu")
        if layer.weight.quant_state is None:
            layer.weight._quantize("cpu")
        tensors |= {f"{name}.{key}": value for key, value in layer.state_dict().items()}
        assert torch.equal(layer.weight.data, packed)
        tensors |= {f"{name}.values": values, f"{name}.absmax": plain.absmax}
        if name in DEQUANTISED:
            tensors[f"{name}.dequantised"] = bnbf.dequantize_4bit(layer.weight.data, layer.weight.quant_state)
    numbers = torch.arange(max(MEANS), dtype=torch.int64) * 2654435761 % (1 << 24)
    tensors["mean.count"] = torch.tensor(MEANS)
    tensors["mean.value"] = torch.stack([(numbers[:n].float() / (1 << 24)).mean() for n in MEANS])
    return tensors


def int8():
    tensors = {}
    for name, values in matrices():
        if name in ("tiny", "many_blocks"):
            continue  # zeros in f16; nothing that the others do not show
        layer = bnb.nn.Linear8bitLt(values.shape[1], values.shape[0], bias=False, has_fp16_weights=False)
        layer.weight = bnb.nn.Int8Params(values.clone(), requires_grad=False, has_fp16_weights=False)
        layer.to("cpu")
        if layer.weight.SCB is None:
            layer.weight._quantize("cpu")
        tensors |= {f"{name}.{key}": value for key, value in layer.state_dict().items()}
        scale = tensors[f"{name}.SCB"]
        tensors[f"{name}.values"] = values
        if name in DEQUANTISED:
            tensors[f"{name}.dequantised"] = layer.weight.data.to(values.dtype, copy=True).mul_(scale.unsqueeze(1).mul(1.0 / 127.0))
    return tensors


for file, made in (("nf4", nf4()), ("int8", int8())):
    save_file({key: value.contiguous() for key, value in sorted(made.items())}, f"{sys.argv[1]}/{file}.safetensors")
