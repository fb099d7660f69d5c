"""Does a run's time grow linearly in answers, tokens and monitors? bench_growth.py MIDSTREAM MODEL [SCALE [ROUNDS [AXIS...]]]

Plans on our own data, each size twice the last: the model generates, the answers are labelled, monitors fitted, scored and
measured. What is counted is processor time on one thread by task, as a run tells it (provenance.work in results.json), the
least of a few rounds; what the model and the store take, of one. A line is fitted to each task's points, logarithm
against logarithm, by least squares: a slope of 1 is linear, and one below it has a part that does not grow, so the
last doubling is printed beside it. Tasks that never take SHORT_S, or hardly begin at the first size, are too short to tell. Where fits or scoring are over
the limit in answers, each monitor is timed alone. SCALE (1) shrinks all sizes, for a look."""
import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile

midstream, model = sys.argv[1:3]
scale = float(sys.argv[3]) if len(sys.argv) > 3 else 1
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
axes = sys.argv[5:] or ["monitors", "answers", "tokens"]
LIMIT, SHORT_S = 1.05, 0.05
AGAIN = ["labels", "fits", "scoring", "measuring", "report"]       # what a run on stored answers does as the first did
USUAL = ["length", "lexicon", "ngram_lr", "entropy_mean", "surprisal_max", "probe_linear", "box", "mahalanobis"]
over = False


def variants(n):
    """n monitors, no two of one family and none dearer than its like: a fourth are fitted to hidden rows."""
    return ["{monitor: probe_ema, as: v%d, c: 0.01, beta: %.3f}" % (i, 0.5 + 0.004 * i) if i % 4 == 0 else
            "{monitor: window_entropy, as: v%d, window: %d}" % (i, 8 + i) for i in range(n)]


def sizes(first):
    return [max(1, round(first * 2 ** i * scale)) for i in range(4)]


def run(top, data, monitors, out):
    """Run a plan in a folder, which may hold a store already; seconds of each task."""
    plan = os.path.join(top, "plan.yaml")
    with open(plan, "w") as f:
        f.write('name: growth\nmodels: [{name: small, path: "%s", format: chat}]\ndata:\n  - {%s}\nmonitors: [%s]\n'
                "rules: [best_f1]\n" % (model, data, ", ".join(monitors)))
    done = subprocess.run([midstream, "run", plan, "--out", out, "--threads", "1", "--quiet"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit("bench_growth: %s: %s" % (data, done.stderr.strip()))
    with open(os.path.join(out, "results.json")) as f:
        return {w["name"]: w["cpu_s"] for w in json.load(f)["provenance"]["work"]}


def forget(out, monitor=None):
    """Leave a store its answers only, or take from it one monitor's scores and what fits shared."""
    db = sqlite3.connect(os.path.join(out, "run.db"))
    what, values = "kind NOT IN ('trace', 'judged')", ()
    if monitor:
        index = json.loads(db.execute("SELECT value FROM fact WHERE name='index'").fetchone()[0])
        values = tuple(s["key"] for s in index[0]["scores"] if s["monitor"] == monitor)
        what = "(kind='scores' AND key=?) OR kind='memo'"
    if not monitor or values:
        for table in "blob", "chunk":
            db.execute("DELETE FROM %s WHERE %s" % (table, what), values)
    db.commit()
    db.close()
    return not monitor or bool(values)


def again(top, data, monitors, store, n, monitor=None):
    """The least of n runs on the answers of another run; None: the monitor has no scores there."""
    least = None
    for _ in range(n):
        with tempfile.TemporaryDirectory(dir=top) as out:
            shutil.copy(os.path.join(store, "run.db"), out)
            if not forget(out, monitor):
                return None
            times = run(top, data, monitors, out)
        least = {task: min(s, times[task]) for task, s in least.items()} if least else times
    return least


def n_tok(store):
    db = sqlite3.connect(os.path.join(store, "run.db"))
    (n,) = db.execute("SELECT sum(n_tok) FROM trace").fetchone()
    db.close()
    return n


def slope(x, y):
    lx, ly = [math.log(v) for v in x], [math.log(v) for v in y]
    mx, my = sum(lx) / len(lx), sum(ly) / len(ly)
    return sum((a - mx) * (b - my) for a, b in zip(lx, ly)) / sum((a - mx) ** 2 for a in lx)


def tell(axis, x, times, tasks):
    """One line a task; the tasks whose slope is over the limit."""
    steep = []
    for task in tasks:
        y = [t[task] for t in times]
        points = "  ".join("%d: %.3f" % p for p in zip(x, y))
        if max(y) < SHORT_S or min(y) < SHORT_S / 10:
            print("growth_%s_%-20s too short to tell    s at %s" % (axis, task, points))
            continue
        b = slope(x, y)
        last = math.log(y[-1] / y[-2]) / math.log(x[-1] / x[-2])
        print("growth_%s_%-20s slope %.3f  last doubling %.3f  (limit %.2f: %s)  s at %s" %
              (axis, task, b, last, LIMIT, "reached" if b <= LIMIT else "OVER", points), flush=True)
        if b > LIMIT:
            steep.append(task)
    return steep


def whole(times, tasks):
    """Times with the tasks' sum, as `all`."""
    return [dict(t, all=sum(t[task] for task in tasks)) for t in times]


def generated(top, axis, x, data_of, x_of=None):
    """Runs whose answers are made: along answers or tokens."""
    global over
    tasks, stores, times = ["model", "store"] + AGAIN, [], []
    for n in x:
        store = os.path.join(top, "%s.%d" % (axis, n))
        os.mkdir(store)
        first = run(top, data_of(n), USUAL, store)
        more = again(top, data_of(n), USUAL, store, rounds - 1)
        times.append({task: min(first[task], more[task]) if more and task in AGAIN else first[task] for task in tasks})
        stores.append(store)
    along = [x_of(s) for s in stores] if x_of else x
    steep = tell(axis, along, whole(times, tasks), tasks + ["all"])
    over |= bool(steep)
    if axis == "answers":
        for task in set(steep) & {"fits", "scoring"}:
            for m in USUAL:
                alone = [again(top, data_of(n), USUAL, s, rounds, m) for n, s in zip(x, stores)]
                if all(alone):
                    tell("answers_%s_of" % task, x, [{m: t[task]} for t in alone], [m])
    for s in stores:
        shutil.rmtree(s)


def monitors(top, x):
    global over
    data = "dataset: own_qa, model: small, source: llama, limit: %d, max_tok: 32" % max(16, round(120 * scale))
    store = os.path.join(top, "monitors")
    os.mkdir(store)
    run(top, data, variants(x[0]), store)
    times = [again(top, data, variants(n), store, rounds) for n in x]
    tasks = ["store"] + AGAIN                           # the answers are there: no model
    over |= bool(tell("monitors", x, whole(times, tasks), tasks + ["all"]))


print("load %.1f, scale %g, %d rounds" % (os.getloadavg()[0], scale, rounds), flush=True)
with tempfile.TemporaryDirectory() as folder:
    if "monitors" in axes:
        monitors(folder, sizes(4))
    if "answers" in axes:
        generated(folder, "answers", sizes(30), lambda n: "dataset: own_qa, model: small, source: llama, limit: %d, "
                  "max_tok: %d" % (n, max(4, round(32 * scale))))
    if "tokens" in axes:
        generated(folder, "tokens", sizes(16), lambda n: "dataset: own_continuation, model: small, source: llama, "
                  'format: "{prompt}", labeler: lexicon, limit: %d, max_tok: %d' % (max(16, round(60 * scale)), n), n_tok)
print("load %.1f" % os.getloadavg()[0])
sys.exit(over)
