"""learning_monitor.c as a command, under another name."""
import json
import sys

safe, sign = 0.0, 1
n, total = 0, 0.0
answers = []


def mean(label):
    lp = [step["lp"] for a in answers if a["label"] == label for step in a["steps"]]
    total = 0.0
    for x in lp:                # in order, as C adds them
        total += x
    return total / len(lp)


def reply(m):
    global safe, sign, n, total
    kind = m["type"]
    if kind == "hello":
        return {"type": "ready", "name": "learning_py", "needs": ["logprob"], "learns": True}
    if kind == "fit":
        answers.clear()
    if kind == "answer":
        answers.append(m)
    if kind == "learn":
        return {"type": "weights", "text": {"note": "safe, unsafe"},
                "tensors": {"mean": {"rows": 1, "cols": 2, "data": [mean(0), mean(1)]}}}
    if kind == "open":
        a, b = m["weights"]["tensors"]["mean"]["data"]
        safe, sign = a, 1 if b >= a else -1
    if kind == "start":
        n, total = 0, 0.0
    if kind == "step":
        n += 1
        total += sign * (m["lp"] - safe)
        return {"type": "score", "score": total / n}
    return {"type": "ok"}


for line in sys.stdin:
    print(json.dumps(reply(json.loads(line))), flush=True)
