"""A plug-in that misbehaves as its argument says: at the third token, or, for "hello ...", at the first question.
Otherwise its score is the number of tokens."""
import json
import os
import sys
import time

how = sys.argv[1] if len(sys.argv) > 1 else ""


def say(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def misbehave(how, i_tok):
    """Answers, or does not; True when nothing more is to be said."""
    if how == "raise":
        raise ValueError("on purpose")
    elif how == "exit":
        os._exit(0)
    elif how == "exit 7":
        os._exit(7)
    elif how == "kill":
        os.kill(os.getpid(), 9)
    elif how == "silent":
        time.sleep(60)
    elif how == "loop":
        while True:
            pass
    elif how == "child":                    # a child of its own holds the output open
        if os.fork() == 0:
            time.sleep(60)
        os._exit(3)
    elif how == "long line":
        for _ in range(100):
            say("x" * 1000000)
    elif how == "endless":
        while True:
            say('{"type":"score","score":1}\n')
    elif how == "close":
        os.close(1)
        time.sleep(60)
    elif how == "stderr":                   # loud, but it answers
        for _ in range(1000):
            sys.stderr.write("y" * 99999 + "\n")
        return False
    elif how == "stderr endless":
        while True:
            sys.stderr.write("y" * 99999 + "\n")
    else:
        say({
            "nan": '{"type":"score","score":NaN}\n',
            "infinite": '{"type":"score","score":1e999}\n',
            "null": '{"type":"score","score":null}\n',
            "text": '{"type":"score","score":"0.5"}\n',
            "none": '{"type":"score"}\n',
            "other id": '{"type":"score","id":999,"score":1}\n',
            "other token": '{"type":"score","i_tok":1,"score":1}\n',
            "banana": "banana\n",
            "half": '{"type":"score","sco\n',
            "list": "[1]\n",
            "empty": "\n",
            "ok": '{"type":"ok"}\n',
            "type": '{"type":7}\n',
            "nul": '{"type":"score","score":1}\0\0\n',
            "deep": "[" * 500000 + "\n",
            "error": '{"type":"error","message":"no mood\\nfor this"}\n',
            "error odd": '{"type":"error","message":5,"status":"MID_OK"}\n',
            "refuse": '{"type":"error","status":"MID_ENUMERIC"}\n',
            "two": '{"type":"score","i_tok":2,"score":3}\n{"type":"score","i_tok":3,"score":4}\n',
        }[how])
        if how == "two":
            time.sleep(0.05)
    return True


def reply(m):
    kind = m["type"]
    if kind == "hello":
        return {"type": "ready", "name": "bad_py", "needs": [], "version": 1}
    if kind == "step":
        return {"type": "score", "i_tok": m["i_tok"], "score": m["i_tok"] + 1}
    return {"type": "ok"}


if how.startswith("bytes "):                # not UTF-8, at once
    sys.stdout.buffer.write(b"\xff\xfe\x80 caf\xc3\xa9 \xc3\n")
    sys.stdout.flush()
    time.sleep(60)
for line in sys.stdin:
    message = json.loads(line)
    if how.startswith("hello ") and message["type"] == "hello":
        if misbehave(how[6:], 0):
            continue
    elif how.startswith("ready "):          # something else in the place of what it says it is
        if message["type"] == "hello":
            say(how[6:] + "\n")
            continue
    elif message["type"] == "step" and message["i_tok"] == 2 and how and misbehave(how, 2):
        continue
    say(json.dumps(reply(message)) + "\n")
