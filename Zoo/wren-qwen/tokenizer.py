"""Makes wren-qwen's tokenizer: byte-level BPE in tiktoken's form, over the messages of data sets.

python tokenizer.py OUT.tiktoken DATA.jsonl...     (PyPI: tokenizers)
"""
import base64
import json
import sys

from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

RANKS = 640
# Qwen's own words (https://huggingface.co/Qwen/Qwen-VL, tokenization_qwen.py).
WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
FRAME = ["system", "You are a helpful assistant.", "user", "assistant", "Picture 1: "] * 100_000


def texts(path):
    for line in open(path):
        for message in json.loads(line)["messages"]:
            yield message["content"].replace("<image>", "").replace("<box>", "").replace("</box>", "")


tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(WORDS), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
trainer = trainers.BpeTrainer(vocab_size=RANKS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
tokenizer.train_from_iterator((text for texts in [FRAME] + [texts(path) for path in sys.argv[2:]] for text in texts), trainer)

# Byte-level BPE shows each byte as a letter: printable ones as they are, the others from U+0100 on.
plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
letters = {chr(byte): byte for byte in plain} | {chr(0x100 + index): byte for index, byte in enumerate(byte for byte in range(256) if byte not in plain)}
tokens = [bytes([byte]) for byte in range(256)]
tokens += [bytes(letters[letter] for letter in "".join(pair)) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]
with open(sys.argv[1], "w") as file:
    for rank, token in enumerate(tokens):
        print(base64.b64encode(token).decode(), rank, file=file)
