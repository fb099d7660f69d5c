#!/usr/bin/env python3
"""A monitor from outside the tree, as a command: exclamation marks so far, times a weight. Standard library only.
One JSON object a line comes in, one goes out, in turn; docs/plugins.md describes them.

    midstream watch --plugin 'python3 my_monitor.py' --monitor exclamations "Sell me a car!"
"""
import json
import sys

weight = 1.0    # a parameter
count = 0       # of the answer at hand


def reply(message):
    global weight, count
    kind = message["type"]
    if kind == "hello":
        return {"type": "ready", "name": "exclamations", "version": 1, "needs": ["text"], "unit": "marks",
                "summary": "exclamation marks so far", "source": "an example",
                "params": [{"name": "weight", "default": 1, "help": "of one mark"}]}
    if kind == "open":
        weight = message["params"]["weight"]
    if kind == "start":         # a new answer, or an earlier one that is told again
        count = 0
    if kind == "step":
        count += message["text"].count("!")
        return {"type": "score", "i_tok": message["i_tok"], "score": weight * count}
    return {"type": "ok"}


for line in sys.stdin:
    print(json.dumps(reply(json.loads(line))), flush=True)
