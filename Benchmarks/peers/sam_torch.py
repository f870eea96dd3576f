"""Times PyTorch on Segment Anything's ViT-B encoder at 1024 (patches, 12 blocks, neck), random weights, float32.

Usage: sam_torch.py [explicit|fused] [threads] [repetitions]; prints milliseconds, one line a repetition. `explicit` forms the
scores as the published code does; `fused` gives the relative positions to scaled_dot_product_attention as its bias.
Developer's tool: needs the PyPI package torch.
"""
import sys
import time

import torch
import torch.nn.functional as F

fused = len(sys.argv) > 1 and sys.argv[1] == "fused"
torch.set_num_threads(int(sys.argv[2]) if len(sys.argv) > 2 else 2)
width, heads, layers, grid, window, global_blocks = 768, 12, 12, 64, 14, {2, 5, 8, 11}
head = width // heads


class Attention(torch.nn.Module):
    def __init__(self, side):
        super().__init__()
        self.qkv, self.out = torch.nn.Linear(width, 3 * width), torch.nn.Linear(width, width)
        self.rows, self.columns = (torch.nn.Parameter(torch.randn(2 * side - 1, head) * 0.02) for _ in range(2))
        self.register_buffer("offsets", torch.arange(side)[:, None] - torch.arange(side)[None] + side - 1)

    def forward(self, x):
        n, side, cells = x.shape[0], x.shape[1], x.shape[1] ** 2
        q, k, v = self.qkv(x).view(n, cells, 3, heads, head).permute(2, 0, 3, 1, 4).reshape(3, n * heads, cells, head)
        map_ = q.view(n * heads, side, side, head)
        down = torch.einsum("bhwc,hkc->bhwk", map_, self.rows[self.offsets])
        across = torch.einsum("bhwc,wkc->bhwk", map_, self.columns[self.offsets])
        bias = (down[..., :, None] + across[..., None, :]).reshape(n * heads, cells, cells)
        if fused:
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        else:
            mixed = ((q * head**-0.5) @ k.transpose(1, 2) + bias).softmax(-1) @ v
        return self.out(mixed.view(n, heads, side, side, head).permute(0, 2, 3, 1, 4).reshape(n, side, side, width))


class Block(torch.nn.Module):
    def __init__(self, index):
        super().__init__()
        self.window = 0 if index in global_blocks else window
        self.norm1, self.norm2 = torch.nn.LayerNorm(width, 1e-6), torch.nn.LayerNorm(width, 1e-6)
        self.attention = Attention(self.window or grid)
        self.fc1, self.fc2 = torch.nn.Linear(width, 4 * width), torch.nn.Linear(4 * width, width)

    def forward(self, x):
        y = self.norm1(x)
        if self.window:
            w, padding = self.window, -grid % self.window
            count = (grid + padding) // w
            y = F.pad(y, (0, 0, 0, padding, 0, padding)).view(1, count, w, count, w, width).permute(0, 1, 3, 2, 4, 5).reshape(-1, w, w, width)
            y = self.attention(y).view(1, count, count, w, w, width).permute(0, 1, 3, 2, 4, 5).reshape(1, count * w, count * w, width)[:, :grid, :grid]
        else:
            y = self.attention(y)
        x = x + y
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


patch = torch.nn.Conv2d(3, width, 16, 16)
positions = torch.randn(1, grid, grid, width)
blocks = torch.nn.Sequential(*(Block(index) for index in range(layers))).eval()
neck1, neck2 = torch.nn.Conv2d(width, 256, 1, bias=False), torch.nn.Conv2d(256, 256, 3, padding=1, bias=False)
norm1, norm2 = torch.nn.LayerNorm(256, 1e-6), torch.nn.LayerNorm(256, 1e-6)
pixels = torch.randn(1, 3, 1024, 1024)
with torch.inference_mode():
    for repetition in range((int(sys.argv[3]) if len(sys.argv) > 3 else 3) + 1):
        start = time.perf_counter()
        x = blocks(patch(pixels).permute(0, 2, 3, 1) + positions)
        x = norm1(neck1(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
        norm2(neck2(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1))
        if repetition:
            print(f"{(time.perf_counter() - start) * 1000:.0f}")
