"""Makes the tokenizers of wren and wren-flamingo: byte-level BPE over the questions and answers of data sets.

python tokenizer.py [--flamingo] OUT.json DATA.jsonl...     (PyPI: tokenizers)
"""
import json
import sys

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers


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


arguments = sys.argv[1:]
# IDEFICS's marks stand behind the vocabulary, in tables of their own; what surrounds a text is its dialogue's.
is_flamingo = arguments[0] == "--flamingo"
if is_flamingo:
    arguments = arguments[1:]
output, *paths = arguments
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
tokenizer.decoder = decoders.ByteLevel()
special = ["<unk>", "<s>", "</s>"] + ([] if is_flamingo else ["<image>", "<pad>"])
trainer = trainers.BpeTrainer(vocab_size=768, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
if is_flamingo:
    corpus = ["User: ", "\nAssistant:", "\n"] * 1000 + [" " + text for path in paths for text in texts(path)]
else:
    corpus = ["USER: ASSISTANT:"] * 1000 + [text for path in paths for text in texts(path)]
tokenizer.train_from_iterator(corpus, trainer)
if is_flamingo:
    marks = ["<fake_token_around_image>", "<image>", "<end_of_utterance>"]
    tokenizer.add_special_tokens([AddedToken(mark, normalized=False) for mark in marks])
tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
tokenizer.save(output)
