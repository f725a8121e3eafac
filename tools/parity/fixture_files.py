# SPDX-License-Identifier: Apache-2.0
"""What the recordings of record_fixtures.py share: the versions, numbers drawn from a name, files with the same bytes every time."""
import json
import struct
import zlib
from pathlib import Path

import peft
import torch
import transformers
from safetensors.torch import save

RECORDED_BY = (f"tools/parity/record_fixtures.py with torch {torch.__version__.split('+')[0]}, transformers {transformers.__version__}, "
               f"peft {peft.__version__}")


def random_of(name):
    return torch.Generator().manual_seed(zlib.crc32(name.encode()))


def save_record(path, tensors, **metadata):
    """safetensors writes the metadata in an order of chance; here they are sorted."""
    data = save({key: value.contiguous() for key, value in tensors.items()}, metadata={"recorded_by": RECORDED_BY} | metadata)
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data[8 + size:])
