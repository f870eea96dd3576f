"""Records CIDEr-D scores of the published scorer (PyPI: pycocoevalcap) for captions made of a few words.

python record_cider.py > cider.json
"""
import json
import random

from pycocoevalcap.cider.cider import Cider

random.seed(3)
WORDS = "a the red blue circle square on under two three dogs cat sits near big small of and".split()


def caption(lower, upper):
    return " ".join(random.choice(WORDS) for _ in range(random.randint(lower, upper)))


references, candidates = {}, {}
for picture in range(12):
    references[picture] = [caption(3, 12) for _ in range(random.randint(1, 5))]
    near = references[picture][0].split()
    random.shuffle(near) if picture % 3 == 0 else None
    candidates[picture] = [" ".join(near[: 3 + picture]) if picture % 4 else caption(1, 9)]
candidates[5] = ["cat"]
score, scores = Cider().compute_score(references, candidates)
print(json.dumps({"score": float(score), "scores": [float(s) for s in scores], "candidates": [candidates[k][0] for k in sorted(candidates)],
                  "references": [references[k] for k in sorted(references)]}, indent=1))
