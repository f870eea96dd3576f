"""Records what a published scorer makes of answers to questions about pictures: `VQAEval`, the VQA data sets' own code as PyPI's
salesforce-lavis 1.0.2 has it.

pip download --no-deps salesforce-lavis && unzip salesforce_lavis-*.whl
python record_vqa.py lavis/common/vqa_tools/vqa_eval.py > vqa.json

It brings an answer to one form even where all people agree; the data sets' code of 2017 and later does not, and so all recorded
questions have people who disagree.
"""
import contextlib
import importlib.util
import io
import json
import random
import sys

spec = importlib.util.spec_from_file_location("vqa_eval", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)

random.seed(7)
scorer = module.VQAEval()
WORDS = "a an the yes no two TWO none zero Ten cat cats dog's dont won't y'all'll itd've Red blue 3.5 1,000 10:30 left-hand t-shirt u.s.a. a.m. o'clock ow's'at".split()
SIGNS = list(";/[]\"{}()=+\\_-><@`,?!.:'&%$#")


def text():
    parts = [random.choice(WORDS) for _ in range(random.randint(1, 4))]
    out = parts[0]
    for part in parts[1:]:
        out += random.choice([" ", " ", "  ", random.choice(SIGNS), random.choice(SIGNS) + " ", " " + random.choice(SIGNS)]) + part
    return random.choice(["", "", " ", random.choice(SIGNS)]) + out + random.choice(["", "", ".", random.choice(SIGNS), " " + random.choice(SIGNS)])


texts = sorted(scorer.contractions) + sorted(scorer.manualMap) + [text() for _ in range(160)] + ["." * 40 + "x", "1.5.", "5. 6", "1,0 a;b", "a;b c"]
forms = [scorer.processDigitArticle(scorer.processPunctuation(t)) for t in texts]


class Answers:
    def __init__(self, qa):
        self.qa = qa

    def getQuesIds(self):
        return list(self.qa)


questions = []
while len(questions) < 60:
    plain = ["yes", "no", "2", "two", "the cat", "cat", "red", "Red", "dont know", "1,000", "t-shirt", "t shirt"]
    pool = [text() if random.random() < 0.3 else random.choice(plain) for _ in range(random.randint(2, 5))]
    people = [random.choice(pool) for _ in range(10 if len(questions) % 5 else random.randint(2, 12))]
    if len(set(people)) > 1:
        # Near hits: what somebody said in another spelling.
        answer = random.choice([random.choice(people), random.choice(people).upper(), random.choice(people) + ".", "the " + random.choice(people), text()])
        questions.append({"answer": answer, "answers": people})
people = {i: {"question_type": "q", "answer_type": "a", "answers": [{"answer": a, "answer_id": n} for n, a in enumerate(q["answers"])]} for i, q in enumerate(questions)}
judge = module.VQAEval(Answers(people), Answers({i: {"answer": q["answer"]} for i, q in enumerate(questions)}), n=10)
with contextlib.redirect_stdout(io.StringIO()):
    judge.evaluate()
for i, question in enumerate(questions):
    question["score"] = judge.evalQA[i] / 100
print(json.dumps({"texts": texts, "forms": forms, "questions": questions}, indent=0, ensure_ascii=False))
