"""Makes wren's tokenizer: byte-level BPE over the questions and answers of data sets.

python tokenizer.py OUT.json DATA.jsonl...     (PyPI: tokenizers)
"""
import json
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers


def texts(path):
    with open(path) as file:
        if path.endswith(".jsonl"):
            for line in file:
                for message in json.loads(line)["messages"]:
                    yield message["content"].replace("<image>", "")
        else:
            for question, answer, _ in json.load(file):
                yield question
                yield " " + answer


tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
tokenizer.decoder = decoders.ByteLevel()
special = ["<unk>", "<s>", "</s>", "<image>", "<pad>"]
trainer = trainers.BpeTrainer(vocab_size=768, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
corpus = ["USER: ASSISTANT:"] * 1000 + [text for path in sys.argv[2:] for text in texts(path)]
tokenizer.train_from_iterator(corpus, trainer)
tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
tokenizer.save(sys.argv[1])
