"""A plug-in that asks for a signal made only on demand: ln of the token's rank. Learns its mean over safe answers."""
import json
import sys

usual = 0.0
ranks = []


def rank(step):
    return step["spread"][3]


def reply(m):
    global usual
    kind = m["type"]
    if kind == "hello":
        return {"type": "ready", "name": "rank_py", "needs": ["spread"], "learns": True}
    if kind == "fit":
        ranks.clear()
    if kind == "answer" and m["label"] == 0:
        ranks.extend(rank(step) for step in m["steps"])
    if kind == "learn":
        mean = sum(ranks) / len(ranks)
        return {"type": "weights", "text": {}, "tensors": {"usual": {"rows": 1, "cols": 1, "data": [mean]}}}
    if kind == "open":
        usual = m["weights"]["tensors"]["usual"]["data"][0]
    if kind == "step":
        return {"type": "score", "score": rank(m) - usual}
    return {"type": "ok"}


for line in sys.stdin:
    print(json.dumps(reply(json.loads(line))), flush=True)
