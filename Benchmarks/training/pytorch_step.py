"""Seconds of a training step in PyTorch and transformers, for the configuration of a model's folder with random weights.

python pytorch_step.py Zoo/wren/base --batch 64 --tokens 90 --steps 10 [--bf16]
"""
import argparse
import statistics
import time

import torch
from transformers import AutoConfig, LlavaForConditionalGeneration

parser = argparse.ArgumentParser()
parser.add_argument("model")
parser.add_argument("--batch", type=int, default=64)
parser.add_argument("--tokens", type=int, default=90)
parser.add_argument("--steps", type=int, default=10)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--bf16", action="store_true")
arguments = parser.parse_args()

torch.manual_seed(0)
torch.set_num_threads(arguments.threads)
config = AutoConfig.from_pretrained(arguments.model)
model = LlavaForConditionalGeneration(config).train()
vision = config.vision_config
rows = (vision.image_size // vision.patch_size) ** 2
ids = torch.randint(5, config.text_config.vocab_size, (arguments.batch, arguments.tokens))
ids[:, 2 : 2 + rows] = config.image_token_index
labels = torch.full_like(ids, -100)
labels[:, -4:] = ids[:, -4:]
pixels = torch.randn(arguments.batch, 3, vision.image_size, vision.image_size)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
seconds = []
for _ in range(arguments.steps):
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=arguments.bf16):
        loss = model(input_ids=ids, pixel_values=pixels, labels=labels, logits_to_keep=0).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    seconds.append(time.perf_counter() - start)
count = sum(p.numel() for p in model.parameters())
print(f"{count} parameters, {arguments.batch} x {arguments.tokens}: median {statistics.median(seconds[2:]):.3f} s, best {min(seconds):.3f} s a step")
