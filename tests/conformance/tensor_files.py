"""Files of safetensors, for PyTorch: eight bytes of length, JSON, numbers."""

import json
import struct

import numpy as np
import torch

NUMPY = {"F32": np.float32, "I32": np.int32}

def write_tensors(path, tensors):
    header, data = {}, b""
    for name, a in tensors.items():
        kind = {np.dtype(v): k for k, v in NUMPY.items()}[a.dtype]
        raw = np.ascontiguousarray(a).tobytes()
        header[name] = {"dtype": kind, "shape": list(a.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def read_tensors(path):
    with open(path, "rb") as f:
        raw = f.read()
    size = struct.unpack("<Q", raw[:8])[0]
    out = {}
    for name, t in json.loads(raw[8:8 + size]).items():
        if name != "__metadata__":
            a, b = t["data_offsets"]
            values = np.frombuffer(raw[8 + size + a:8 + size + b], NUMPY[t["dtype"]]).reshape(t["shape"])
            out[name] = torch.from_numpy(values.copy())
    return out
