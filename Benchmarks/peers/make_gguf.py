"""Writes a GGUF file of random weights at a Llama's published shapes, for llama.cpp to be measured on.

Usage: make_gguf.py OUT.gguf [--type bf16|f16|f32 | --blocks FILE.gguf] [--hidden 2048 --layers 22 --heads 32 --kv-heads 4 --ffn 5632 --vocabulary 32000]
With --blocks every matrix is FILE's quantised blocks over and over, in their type: a large file without quantising one.
Developer's tool: needs the PyPI packages gguf and numpy.
"""
import argparse

import gguf
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("out")
parser.add_argument("--type", default="bf16", choices=["bf16", "f16", "f32"])
parser.add_argument("--blocks")
for name, value in [("hidden", 2048), ("layers", 22), ("heads", 32), ("kv-heads", 4), ("ffn", 5632), ("vocabulary", 32000)]:
    parser.add_argument(f"--{name}", type=int, default=value)
a = parser.parse_args()

writer = gguf.GGUFWriter(a.out, "llama")
writer.add_context_length(2048)
writer.add_embedding_length(a.hidden)
writer.add_block_count(a.layers)
writer.add_feed_forward_length(a.ffn)
writer.add_head_count(a.heads)
writer.add_head_count_kv(a.kv_heads)
writer.add_layer_norm_rms_eps(1e-5)
writer.add_rope_dimension_count(a.hidden // a.heads)
writer.add_vocab_size(a.vocabulary)
writer.add_tokenizer_model("none")

blocks = next(t for t in gguf.GGUFReader(a.blocks).tensors if t.name == "blk.0.ffn_up.weight") if a.blocks else None
numbers = np.random.default_rng(1).standard_normal(1 << 22).astype(np.float32)


def matrix(name, rows, columns):
    if blocks is not None:
        size, bytes = gguf.GGML_QUANT_SIZES[blocks.tensor_type]
        width = columns // size * bytes
        writer.add_tensor(name, np.resize(blocks.data.reshape(-1), rows * width).reshape(rows, width), raw_dtype=blocks.tensor_type)
        return
    values = np.resize(numbers * columns**-0.5, rows * columns).reshape(rows, columns)
    if a.type == "f32":
        writer.add_tensor(name, values)
    elif a.type == "f16":
        writer.add_tensor(name, values.astype(np.float16))
    else:
        bits = (values.view(np.uint32) >> 16).astype(np.uint16)
        writer.add_tensor(name, bits.view(np.uint8).reshape(rows, columns * 2), raw_dtype=gguf.GGMLQuantizationType.BF16)


def vector(name, size):
    writer.add_tensor(name, np.ones(size, np.float32))


kv = a.hidden // a.heads * a.kv_heads
matrix("token_embd.weight", a.vocabulary, a.hidden)
for i in range(a.layers):
    vector(f"blk.{i}.attn_norm.weight", a.hidden)
    matrix(f"blk.{i}.attn_q.weight", a.hidden, a.hidden)
    matrix(f"blk.{i}.attn_k.weight", kv, a.hidden)
    matrix(f"blk.{i}.attn_v.weight", kv, a.hidden)
    matrix(f"blk.{i}.attn_output.weight", a.hidden, a.hidden)
    vector(f"blk.{i}.ffn_norm.weight", a.hidden)
    matrix(f"blk.{i}.ffn_gate.weight", a.ffn, a.hidden)
    matrix(f"blk.{i}.ffn_up.weight", a.ffn, a.hidden)
    matrix(f"blk.{i}.ffn_down.weight", a.hidden, a.ffn)
vector("output_norm.weight", a.hidden)
matrix("output.weight", a.vocabulary, a.hidden)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
