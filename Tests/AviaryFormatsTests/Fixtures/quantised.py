"""Writes quantised.safetensors: blocks of every quantised type, and the floats that PyPI's `gguf` (0.19) makes of them.

Random blocks, then extreme ones: all bits clear and all set, scales that are zero, subnormal, the largest, infinite, NaN.
Run: pip install gguf safetensors numpy; python quantised.py
"""

import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize
from safetensors.numpy import save_file

# Where the half-precision numbers of a block are.
SCALES = {
    T.Q8_0: [0], T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2],
    T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0], T.IQ4_XS: [0],
}
EXTREME = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0x7E00]

random = np.random.default_rng(6)
tensors = {}
for kind, halves in SCALES.items():
    size = GGML_QUANT_SIZES[kind][1]
    blocks = [random.integers(0, 256, size, dtype=np.uint8) for _ in range(8)]
    for block in blocks:
        for at in halves:
            block[at : at + 2] = np.frombuffer(np.float16(random.normal() * 0.01).tobytes(), np.uint8)
    blocks += [np.zeros(size, np.uint8), np.full(size, 255, np.uint8)]
    for bits in EXTREME:
        block = random.integers(0, 256, size, dtype=np.uint8)
        for at in halves:
            block[at : at + 2] = [bits & 255, bits >> 8]
        blocks.append(block)
    name = kind.name.lower()
    tensors[name + ".blocks"] = np.stack(blocks)
    with np.errstate(all="ignore"):
        tensors[name + ".floats"] = dequantize(np.stack(blocks), kind).astype(np.float32)
save_file(tensors, "quantised.safetensors")
