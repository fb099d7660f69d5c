"""Compare what hybrids choose and score with an independent reading of their formulas in numpy and scikit-learn, on made-up
answers whose members (mean surprisal, mean entropy, length) learn nothing. Usage: fusion.py FUSION_ORACLE.
Exit 1 when something is further off than its limit:
  isotonic maps, ranks       1e-6, against IsotonicRegression and numpy's quantiles: ours are kept as float32
  all scores                 1e-6 of the formula over those maps
  band_cascade, huq          the setting chosen is the one that all of the grid, tried anew, would choose (AUROC within 1e-9)
  hedge                      weights 1e-6, regret 1e-6
  np_cascade                 cells' ratios 1e-6, recall and cost of the policy 1e-9 counted anew; within the budget; and recall
                             at most .03 below the best of all policies of two members (which are few enough to try)"""
import itertools
import subprocess
import sys

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score

SEED = 20260219
N_FOLD = 3
CUTS = [0.5, 0.75, 0.9, 0.95, 0.99]
QUANTILES = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 1]


# ---- answers, rows ---------------------------------------------------------------------------------------------------

def make_answers(rng, n, tied):
    """label, group, ln p, entropy; the first member is unsure of many, the second noisy."""
    out = []
    for i in range(n):
        label = int(rng.random() < 0.4)
        n_tok = int(rng.choice([1, 2, 5, 20, 40, 150]))
        lean = 0.5 if i % 3 else label
        lp = -(1.5 * lean + rng.random(n_tok) * 2)
        entropy = label * 0.7 + rng.random(n_tok) * 2
        if tied:
            lp, entropy = np.round(lp), np.round(entropy)
        out.append((label, i // 2, lp.astype(np.float32), entropy.astype(np.float32)))
    return out


def splitmix(x):
    mask = (1 << 64) - 1
    z = (x + 0x9e3779b97f4a7c15) & mask
    z = ((z ^ z >> 30) * 0xbf58476d1ce4e5b9) & mask
    z = ((z ^ z >> 27) * 0x94d049bb133111eb) & mask
    return z ^ z >> 31


class Rows:
    def __init__(self, answers, members):
        self.tokens, rows = [], []
        for i, (label, group, lp, entropy) in enumerate(answers):
            t = np.arange(1, len(lp) + 1)
            of = {"surprisal_mean": np.cumsum(-lp.astype(float)) / t, "entropy_mean": np.cumsum(entropy.astype(float)) / t,
                  "length": t.astype(float)}
            s = np.stack([of[m] for m in members], 1).astype(np.float32).astype(float)      # as the maps see scores
            self.tokens.append(s)
            at = [h for h in (2 ** np.arange(8)) if h <= len(t)]
            if len(t) < 128 and len(t) not in at:
                at.append(len(t))
            fold = splitmix(1 ^ group << 20) % N_FOLD
            for k, h in enumerate(at):
                end = at[k + 1] - 1 if k + 1 < len(at) else len(t)
                rows.append((i, h, label, 1 / len(at), fold, end, *s[h - 1]))
        r = np.array(rows)
        self.answer, self.t, self.label, self.fold, self.end = (r[:, j].astype(int) for j in (0, 1, 2, 4, 5))
        self.weight, self.s = r[:, 3], r[:, 6:]
        self.n_answer, self.n_tok = len(answers), sum(len(s) for s in self.tokens)

    def auroc(self, score, use=None):
        """Mean over horizons, an answer that ended keeping its last row; of some rows only."""
        total = []
        use = np.arange(len(self.t)) if use is None else np.flatnonzero(use)
        t = self.t[use]
        for h in range(8):
            last = {self.answer[k]: k for k in use if self.t[k] <= 2 ** h}
            at = list(last.values())
            if h and not np.any((t > 2 ** (h - 1)) & (t <= 2 ** h)):
                continue
            if len(set(self.label[at])) == 2:
                total.append(roc_auc_score(self.label[at], score[at]))
        return np.mean(total)


# ---- what makes scores comparable ------------------------------------------------------------------------------------

def band(t):
    return min(7, int(np.log2(t)))


def isotonic_learn(s, label, weight):
    fit = IsotonicRegression(y_min=0, y_max=1).fit_transform(s, label, sample_weight=weight)
    order = np.argsort(s, kind="stable")
    blocks = []
    for _, group in itertools.groupby(order, key=lambda k: round(fit[k], 9)):
        k = list(group)
        blocks.append((np.average(s[k], weights=weight[k]), fit[k[0]]))
    return np.array(blocks).astype(np.float32).astype(float)


def isotonic_of(x, s):
    return np.interp(s, x[:, 0], x[:, 1])


def band_rows(t, n_band):
    """Of each band the rows that it is learned from: at least 30."""
    b = np.array([band(x) for x in t])
    for i in range(n_band):
        first, last = (i, i) if n_band > 1 else (0, 7)
        while np.sum((b >= first) & (b <= last)) < 30 and not (first == 0 and last == 7):
            first, last = (first - 1, last) if first > 0 else (first, last + 1)
        yield (b >= first) & (b <= last)


def banded_or_not(rows, i, use, learn, of):
    """Bands by position, unless they order the member's own answers worse."""
    s = rows.s[:, i]
    x = learn(s[use], rows.t[use], rows.label[use], 8)
    ordered = np.full(len(s), np.nan)
    ordered[use] = of(x, s[use], rows.t[use])
    return learn(s[use], rows.t[use], rows.label[use], 1) if rows.auroc(ordered, use) < rows.auroc(s, use) - 1e-12 else x


def learn_ranks(s, t, label, n_band):
    s, t = s[label == 0], t[label == 0]
    return np.array([np.quantile(s[use], np.arange(129) / 128) for use in band_rows(t, n_band)]).astype(
        np.float32).astype(float)


def rank_learn(rows, i, use=None):
    use = np.ones(len(rows.t), bool) if use is None else use
    return banded_or_not(rows, i, use, learn_ranks, lambda x, s, t: [rank_of(x, a, b) for a, b in zip(s, t)])


def rank_of(x, s, t):
    q = x[band(t)] if len(x) > 1 else x[0]
    if s > q[-1]:
        width = q[128] - q[116]
        return 1 + 0.1 * (s - q[-1]) / (width if width > 0 else 1)
    equal = np.flatnonzero(q == s)
    if len(equal):
        return equal.mean() / 128
    if s < q[0]:
        return 0.0
    hi = np.searchsorted(q, s)
    return (hi - 1 + (s - q[hi - 1]) / (q[hi] - q[hi - 1])) / 128


def probabilities(maps, s):
    return np.stack([isotonic_of(x, s[:, i]) for i, x in enumerate(maps)], 1)


def ranks(maps, s, t):
    return np.array([[rank_of(x, s[k, i], t[k]) for i, x in enumerate(maps)] for k in range(len(t))])


def held_out(rows, kind):
    out = np.empty_like(rows.s)
    for fold in range(N_FOLD):
        rest, held = rows.fold != fold, rows.fold == fold
        for i in range(rows.s.shape[1]):
            if kind == "isotonic":
                x = isotonic_learn(rows.s[rest, i], rows.label[rest], rows.weight[rest])
                out[held, i] = isotonic_of(x, rows.s[held, i])
            else:
                x = rank_learn(rows, i, rest)
                out[held, i] = [rank_of(x, s, t) for s, t in zip(rows.s[held, i], rows.t[held])]
    return out


def off(a, b):
    return float(np.max(np.abs(np.asarray(a) - np.asarray(b)))) if np.shape(a) == np.shape(b) else np.inf


def check_maps(rows, got, kind):
    maps = [got[f"normal.{i}"] for i in range(rows.s.shape[1])]
    worst = 0
    for i, x in enumerate(maps):
        if kind == "isotonic":
            want = isotonic_of(isotonic_learn(rows.s[:, i], rows.label, rows.weight), rows.s[:, i])
            worst = max(worst, off(isotonic_of(x, rows.s[:, i]), want))
        else:
            worst = max(worst, off(x, rank_learn(rows, i)))
    return maps, worst


# ---- the hybrids -----------------------------------------------------------------------------------------------------

def answering(p, bands):
    for i in range(len(p)):
        if i + 1 == len(p) or not bands[i][0] <= p[i] <= bands[i][1]:
            return i


def bands_at(p, pair):
    if pair is None:
        return [(1, 0)] * (p.shape[1] - 1)
    out = []
    for i in range(p.shape[1] - 1):
        x, top = np.sort(p[:, i]), len(p) - 1
        lo, hi = QUANTILES[pair[0]], QUANTILES[pair[1]]
        out.append((x[int(lo * top)] if lo > 0 else 0, x[int(np.ceil(hi * top))] if hi < 1 else 1))
    return np.float32(out).astype(float)


def check_band_cascade(rows, got, params):
    maps, worst = check_maps(rows, got, "isotonic")
    p, bad = held_out(rows, "isotonic"), []
    points = [None] + [(i, j) for i in range(7) for j in range(i, 7)]
    trials = []
    for pair in points:
        b = bands_at(p, pair)
        who = np.array([answering(x, b) for x in p])
        read = 0
        for i in range(1, p.shape[1]):
            asked = who >= i
            read += sum(rows.end[asked & (rows.answer == a)].max(initial=0) for a in np.unique(rows.answer))
        trials.append((rows.auroc(p[np.arange(len(p)), who]), read))
    best = max(a for a, _ in trials)
    good = [k for k, (a, _) in enumerate(trials) if a >= best - params["tolerance"] - 1e-9]
    chosen = min(good, key=lambda k: (trials[k][1], k))
    want = bands_at(probabilities(maps, rows.s), points[chosen])
    worst = max(worst, off(got["band"], want))
    scores = []
    for s in rows.tokens:
        q = probabilities(maps, s)
        scores += [x[answering(x, got["band"])] for x in q]
    worst = max(worst, off(got["scores"][0], scores))
    return worst, f"reads {trials[chosen][1] / (rows.n_tok * (p.shape[1] - 1)):.2f} of the later members' tokens", bad


def check_huq(rows, got, params):
    maps, worst = check_maps(rows, got, "rank")
    r = held_out(rows, "rank")

    def join(a, e, w, cut):
        return np.where(e < cut, a, (1 - w) * e + w * a)

    grid = {(w, c): rows.auroc(join(r[:, 0], r[:, 1], w, c))
            for w in (0.5, 0, 0.25, 0.75, 1) for c in (0.5, 0, 0.8, 0.9, 0.95)}
    w, cut = float(got["w"][0, 0]), float(got["cut"][0, 0])
    mine = min(grid, key=lambda g: abs(g[0] - w) + abs(g[1] - cut))
    bad = [] if grid[mine] >= max(grid.values()) - 1e-9 else [f"chose {mine}: {grid[mine]}, best {max(grid.values())}"]
    scores = []
    for s in rows.tokens:
        x = ranks(maps, s, np.arange(1, len(s) + 1))
        scores += list(join(x[:, 0], x[:, 1], w, cut))
    return max(worst, off(got["scores"][0], scores)), f"w {w:g}, cut {cut:g}", bad


def check_hedge(rows, got, params):
    maps, worst = check_maps(rows, got, "isotonic")
    loss = (held_out(rows, "isotonic") - rows.label[:, None]) ** 2 * rows.weight[:, None]
    loss = np.array([loss[rows.answer == a].sum(0) for a in np.unique(rows.answer)])
    n, m = loss.shape
    w = np.exp(-np.sqrt(8 * np.log(m) / n) * loss.sum(0))
    w /= w.sum()
    worst = max(worst, off(got["weight"][0], w))
    bad = [] if got["regret"][0, 0] <= np.sqrt(n * np.log(m) / 2) else ["regret above its bound"]
    scores = np.concatenate([probabilities(maps, s) @ got["weight"][0] / got["weight"][0].sum() for s in rows.tokens])
    return max(worst, off(got["scores"][0], scores)), "weights " + " ".join(f"{x:.3f}" for x in w), bad


def standing(answer, t, said, first, reads):
    """What all but the first said last within so many tokens."""
    out = said.copy()
    for k in range(len(t)):
        if t[k] > reads:
            out[k] = out[k - 1]
            out[k, first] = said[k, first]
    return out


class Policy:
    """Rows of one order walked down a tree whose cells are tuples of bins."""

    def __init__(self, rows, bins, order, price, alpha, reads):
        self.rows, self.order, self.price, self.alpha = rows, order, price, alpha
        self.bins, self.end = standing(rows.answer, rows.t, bins, order[0], reads), []
        for i in range(len(order)):
            self.end.append(rows.end if i == order[0] else np.minimum(rows.end, reads))
        sums = [rows.weight[rows.label == c].sum() for c in (0, 1)]
        self.share = rows.weight / np.take(sums, rows.label)

    def cell_rows(self, cell):
        use = np.ones(len(self.rows.t), bool)
        for i, b in enumerate(cell):
            use &= (self.bins[:, self.order[i]] == b) | (b == 6)        # never silent: passed over
        return use

    def ratio(self, cell):
        r = 1.0
        for k in range(len(cell) + 1):
            use = self.cell_rows(cell[:k])
            u = self.share[use & (self.rows.label == 1)].sum()
            s = self.share[use & (self.rows.label == 0)].sum()
            r = (u + r / self.rows.n_answer) / (s + 1 / self.rows.n_answer)
        return r

    def run(self, is_open):
        """Cost per token and recall at alpha."""
        cells, asked = [], np.zeros((len(self.rows.t), len(self.order)), bool)
        for k, b in enumerate(self.bins):
            cell = ()
            while len(cell) < len(self.order) and is_open(cell):
                asked[k, self.order[len(cell)]] = True
                cell += (int(b[self.order[len(cell)]]),)
            cells.append(cell)
        cost = 0
        for i in range(len(self.order)):
            far = np.zeros(self.rows.n_answer)
            np.maximum.at(far, self.rows.answer, np.where(asked[:, i], self.end[i], 0))
            cost += self.price[i] * far.sum() / self.rows.n_tok
        mass = {}
        for k, c in enumerate(cells):
            mass.setdefault(c, [0, 0])[self.rows.label[k]] += self.share[k]
        recall = used = 0
        for c in sorted(mass, key=lambda c: -self.ratio(c)):
            s, u = mass[c]
            if used + s > self.alpha:
                return cost, recall + u * (self.alpha - used) / s
            used, recall = used + s, recall + u
        return cost, recall


def number_of(cell):
    at = 0
    for b in cell:
        at = at * 7 + 1 + b
    return at


def check_np_cascade(rows, got, params):
    maps, worst = check_maps(rows, got, "rank")
    n = len(maps)
    price = [float(x) for x in params["cost"].split(",")]
    limit = params["budget"] * max(price)
    bins = np.searchsorted(CUTS, ranks(maps, rows.s, rows.t), side="right")
    order = [int(x) for x in got["order"][0]]
    table, bad, reads = got["cell"], [], got["reads"][0, 0]
    mine = Policy(rows, bins, order, price, params["false_alarm"], reads)
    for depth in range(n + 1):
        for cell in itertools.product(range(7), repeat=depth):
            worst = max(worst, abs(table[number_of(cell), 1] - np.log(mine.ratio(cell))))
    cost, recall = mine.run(lambda c: table[number_of(c), 0] == 1)
    if abs(cost - got["fit_cost"][0, 0]) > 1e-9 or abs(recall - got["fit_recall"][0, 0]) > 1e-9:
        bad.append(f"costs {cost}, recalls {recall}; said {got['fit_cost'][0, 0]}, {got['fit_recall'][0, 0]}")
    if cost > limit * (1 + 1e-6):
        bad.append(f"costs {cost} of {limit}")
    best = recall
    if n == 2:
        for o, upto in itertools.product(itertools.permutations(range(2)), [2 ** h for h in range(8)] + [1e9]):
            p = Policy(rows, bins, o, price, params["false_alarm"], upto)
            for opened in itertools.product((False, True), repeat=6):
                c, r = p.run(lambda cell: not cell or opened[cell[0]])
                best = max(best, r) if c <= limit * (1 + 1e-9) else best
        if recall < best - 0.03:
            bad.append(f"recall {recall}, could be {best}")
    scores = []
    for s in rows.tokens:
        t = np.arange(1, len(s) + 1)
        r = standing(np.zeros(len(t)), t, ranks(maps, s, t), order[0], reads)
        for x, b in zip(r, np.searchsorted(CUTS, r, side="right")):
            cell = ()
            while table[number_of(cell), 0] == 1:
                cell += (int(b[order[len(cell)]]),)
            last = x[order[len(cell) - 1]]
            scores.append(table[number_of(cell), 1] + 0.001 * last / (1 + last))
    return max(worst, off(got["scores"][0], scores)), f"recall {recall:.3f} of {best:.3f}, cost {cost:.2f} of {limit:g}", bad


# ---- running ---------------------------------------------------------------------------------------------------------

def text_of(name, params, answers):
    out = [name, str(len(params))]
    for k, v in params.items():
        out += [k, str(v)]
    out.append(str(len(answers)))
    for label, group, lp, entropy in answers:
        out.append(f"{label} {group} {len(lp)}")
        out += [f"{a:.9g} {b:.9g}" for a, b in zip(lp, entropy)]
    return "\n".join(out) + "\n"


def read(program, text):
    got = {}
    for line in subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout.splitlines():
        part = line.split()
        if part[0] != "end":
            got[part[0]] = np.array([float(x) for x in part[3:]]).reshape(int(part[1]), int(part[2]))
    return got


def main():
    rng = np.random.default_rng(SEED)
    two, three = "surprisal_mean,entropy_mean", "surprisal_mean,entropy_mean,length"
    cases = [(check_band_cascade, {"of": of, "tolerance": tol}) for of in (two, three) for tol in (0, 0.02, 0.3)]
    cases += [(check_huq, {"of": two}), (check_huq, {"of": "entropy_mean,surprisal_mean"})]
    cases += [(check_hedge, {"of": of, "margin": -1}) for of in (two, three)]
    cases += [(check_np_cascade, {"of": two, "cost": cost, "budget": budget, "false_alarm": alpha})
              for cost, budget in (("1,10", 0.3), ("1,10", 0.6), ("10,1", 0.4), ("1,1", 1.5)) for alpha in (0.05, 0.2)]
    cases += [(check_np_cascade, {"of": three, "cost": "1,10,0.1", "budget": 0.5, "false_alarm": 0.1})]
    failed = 0
    for check, params in cases:
        for tied in (False, True):
            answers = make_answers(rng, 160, tied)
            rows = Rows(answers, params["of"].split(","))
            name = check.__name__[6:]
            worst, what, bad = check(rows, read(sys.argv[1], text_of(name, params, answers)), params)
            failed += worst > 1e-6 or bool(bad)
            print(f"{name} {' '.join(str(v) for v in params.values())}{' tied' if tied else ''}: {worst:.1e} off; {what}",
                  *bad)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
