"""Writes a Hugging Face folder of random bf16 weights at a Llama's published shapes, for load time and memory to be measured on.

Usage: make_folder.py OUT --tokenizer FOLDER [--hidden 4096 --layers 32 --heads 32 --kv-heads 32 --ffn 11008 --vocabulary 32000]
FOLDER is any checkpoint whose tokenizer files are copied. 7 B takes 13.5 GB. Developer's tool: needs numpy.
"""
import argparse
import json
import pathlib
import shutil
import struct

import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("out", type=pathlib.Path)
parser.add_argument("--tokenizer", type=pathlib.Path, required=True)
for name, value in [("hidden", 4096), ("layers", 32), ("heads", 32), ("kv-heads", 32), ("ffn", 11008), ("vocabulary", 32000)]:
    parser.add_argument(f"--{name}", type=int, default=value)
a = parser.parse_args()
a.out.mkdir(parents=True, exist_ok=True)
for name in ["tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"]:
    if (a.tokenizer / name).exists():
        shutil.copy(a.tokenizer / name, a.out / name)

kv = a.hidden // a.heads * a.kv_heads
layer = [("input_layernorm", [a.hidden]), ("self_attn.q_proj", [a.hidden, a.hidden]), ("self_attn.k_proj", [kv, a.hidden]),
         ("self_attn.v_proj", [kv, a.hidden]), ("self_attn.o_proj", [a.hidden, a.hidden]), ("post_attention_layernorm", [a.hidden]),
         ("mlp.gate_proj", [a.ffn, a.hidden]), ("mlp.up_proj", [a.ffn, a.hidden]), ("mlp.down_proj", [a.hidden, a.ffn])]
shards = [[("model.embed_tokens.weight", [a.vocabulary, a.hidden])]]
shards += [[(f"model.layers.{i}.{name}.weight", shape) for name, shape in layer] for i in range(a.layers)]
shards += [[("model.norm.weight", [a.hidden]), ("lm_head.weight", [a.vocabulary, a.hidden])]]
(a.out / "config.json").write_text(json.dumps({
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": a.hidden, "num_hidden_layers": a.layers, "torch_dtype": "bfloat16",
    "num_attention_heads": a.heads, "num_key_value_heads": a.kv_heads, "intermediate_size": a.ffn, "vocab_size": a.vocabulary, "rms_norm_eps": 1e-5,
    "max_position_embeddings": 4096, "hidden_act": "silu", "tie_word_embeddings": False}, indent=1))

numbers = np.random.default_rng(1).standard_normal(1 << 22).astype(np.float32)
index = {}
for number, tensors in enumerate(shards):
    file = f"model-{number + 1:05}-of-{len(shards):05}.safetensors"
    header, offset = {}, 0
    for name, shape in tensors:
        size = 2 * int(np.prod(shape))
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        index[name] = file
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(a.out / file, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors:
            scale = 1 if len(shape) == 1 else shape[1] ** -0.5
            block = ((np.ones_like(numbers) if len(shape) == 1 else numbers * scale).view(np.uint32) >> 16).astype(np.uint16).tobytes()
            left = 2 * int(np.prod(shape))
            while left > 0:
                left -= out.write(block[:left])
(a.out / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
