"""Times PyTorch on CLIP ViT-L/14 at 336 up to its last layer but one: 23 blocks over 577 tokens, random weights.

Usage: clip_torch.py [bf16|f32] [threads] [repetitions]; prints milliseconds, one line a repetition.
Developer's tool: needs the PyPI package torch.
"""
import sys
import time

import torch
import torch.nn.functional as F

dtype = {"bf16": torch.bfloat16, "f32": torch.float32}[sys.argv[1] if len(sys.argv) > 1 else "bf16"]
torch.set_num_threads(int(sys.argv[2]) if len(sys.argv) > 2 else 2)
width, ffn, heads, layers = 1024, 4096, 16, 23


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.q, self.k, self.v, self.o = (torch.nn.Linear(width, width) for _ in range(4))
        self.fc1, self.fc2 = torch.nn.Linear(width, ffn), torch.nn.Linear(ffn, width)

    def forward(self, x):
        y = self.norm1(x)
        q, k, v = (p(y).view(1, -1, heads, width // heads).transpose(1, 2) for p in (self.q, self.k, self.v))
        x = x + self.o(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(1, -1, width))
        y = self.fc1(self.norm2(x))
        return x + self.fc2(y * torch.sigmoid(1.702 * y))


patch = torch.nn.Conv2d(3, width, 14, 14, bias=False).to(dtype)
blocks = torch.nn.Sequential(*(Block() for _ in range(layers))).to(dtype).eval()
pixels = torch.randn(1, 3, 336, 336).to(dtype)
with torch.inference_mode():
    for repetition in range((int(sys.argv[3]) if len(sys.argv) > 3 else 3) + 1):
        start = time.perf_counter()
        rows = patch(pixels).flatten(2).transpose(1, 2)
        blocks(torch.cat([rows[:, :1], rows], 1))
        if repetition:
            print(f"{(time.perf_counter() - start) * 1000:.0f}")
