"""As fusion.py, and with its driver, for hybrids that average, add up or join evidence: every map, weight and regression
is made anew with numpy, scipy and scikit-learn from the answers alone. Usage: fusion_sums.py DIR/fusion_sums_oracle; the
driver is DIR/fusion_oracle. Exit 1 when something is further off than its limit:
  z, ranks, isotonic maps     1e-6: ours are kept as float32
  reliability, weights        1e-6, against roc_auc_score
  coefficients                1e-4 of the largest, against LogisticRegression; the C chosen is one that all of the grid,
                              tried anew, would choose (AUROC within 1e-6)
  c of prompt_prior           1e-4, against minimize_scalar
  naive_bayes                 ratios 1e-5 nats, against gaussian_kde; the loss of its weights is within 1e-7 of what
                              L-BFGS-B finds
  scores                      1e-6, of what has coefficients or ratios 1e-4"""
import itertools
import os
import sys

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import gaussian_kde
from sklearn.linear_model import LogisticRegression

import fusion
from fusion import band, band_rows, banded_or_not, isotonic_learn, off, probabilities, rank_learn, ranks, read, text_of

SEED = 20260321
POINTS = np.linspace(-4, 4, 65)


def learn_z(s, t, label, n_band):
    return np.array([(s[use].mean(), s[use].std() or 1) for use in band_rows(t, n_band)]).astype(np.float32).astype(float)


def one_z(x, s, t):
    b = [band(n) if len(x) > 1 else 0 for n in t]
    return (s - x[b, 0]) / x[b, 1]


def z_learn(rows, i):
    return banded_or_not(rows, i, np.ones(len(rows.t), bool), learn_z, one_z)


def z_of(maps, s, t):
    return np.stack([one_z(x, s[:, i], t) for i, x in enumerate(maps)], 1)


class Maps:
    """What makes scores comparable, made anew; the worst difference from what was fitted."""

    def __init__(self, rows, got, kind):
        n = rows.s.shape[1]
        learn = {"z": lambda i: z_learn(rows, i), "rank": lambda i: rank_learn(rows, i),
                 "isotonic": lambda i: isotonic_learn(rows.s[:, i], rows.label, rows.weight)}[kind]
        self.maps, self.kind = [learn(i) for i in range(n)], kind
        self.off = max(off(got[f"normal.{i}"], self.maps[i]) for i in range(n))

    def of(self, s, t):
        return {"z": z_of, "rank": ranks, "isotonic": lambda m, s, _: probabilities(m, s)}[self.kind](self.maps, s, t)

    def scores(self, rows, fuse):
        """fuse(comparable scores, tokens read) of every answer, one behind the other."""
        t = [np.arange(1, len(s) + 1) for s in rows.tokens]
        return np.concatenate([fuse(self.of(s, n), n) for s, n in zip(rows.tokens, t)])


def reliability(rows):
    return np.array([max(2 * rows.auroc(s) - 1, 0) for s in rows.s.T])


# ---- averages, votes, evidence ---------------------------------------------------------------------------------------

def plain(kind, fuse):
    def check(rows, got, params):
        m = Maps(rows, got, kind)
        return {"maps": (m.off, 1e-6), "scores": (off(got["scores"][0], m.scores(rows, lambda x, t: fuse(x))), 1e-6)}
    return check


def weighted_rank(rows, got, params):
    m, w = Maps(rows, got, "rank"), reliability(rows)
    return {"maps": (m.off, 1e-6), "weights": (off(got["weight"][0], w), 1e-6),
            "scores": (off(got["scores"][0], m.scores(rows, lambda x, t: x @ w / w.sum())), 1e-6)}


def vote(rows, got, params):
    m, n = Maps(rows, got, "rank"), rows.s.shape[1]
    k = params["k"] or n // 2 + 1

    def fuse(x, t):
        x = np.maximum.accumulate(x) if params["ever"] else x
        return np.sort(x, 1)[:, n - k]
    return {"maps": (m.off, 1e-6), "scores": (off(got["scores"][0], m.scores(rows, fuse)), 1e-6)}


def joined(p, r):
    """Dempster's rule over all combinations of what each member may mean, at once."""
    total = {"u": 0.0, "s": 0.0, "us": 0.0}
    for meant in itertools.product(("u", "s", "us"), repeat=len(p)):
        mass = np.prod([{"u": r[i] * p[i], "s": r[i] * (1 - p[i]), "us": 1 - r[i]}[x] for i, x in enumerate(meant)])
        left = set.intersection(*(set(x) for x in meant))
        if left:
            total["".join(sorted(left, reverse=True))] += mass
    return (total["u"] + total["us"] / 2) / sum(total.values())


def dempster_shafer(rows, got, params):
    m, r = Maps(rows, got, "isotonic"), np.minimum(reliability(rows), 0.99)
    return {"maps": (m.off, 1e-6), "reliability": (off(got["reliability"][0], r), 1e-6),
            "scores": (off(got["scores"][0], m.scores(rows, lambda p, t: np.array([joined(x, r) for x in p]))), 1e-6)}


def noisy_or(rows, got, params):
    m, r = Maps(rows, got, "isotonic"), np.minimum(reliability(rows), 0.99)
    return {"maps": (m.off, 1e-6), "reliability": (off(got["reliability"][0], r), 1e-6),
            "scores": (off(got["scores"][0], m.scores(rows, lambda p, t: 1 - np.prod(1 - r * p, 1))), 1e-6)}


# ---- regressions -----------------------------------------------------------------------------------------------------

def regression(x, label, weight, c):
    """Weights for the columns as they are, then the intercept."""
    mean, sd = x.mean(0), x.std(0)
    sd[sd == 0] = 1
    model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-10, max_iter=1000)
    model.fit((x - mean) / sd, label, sample_weight=weight)
    w = model.coef_[0] / sd
    return np.append(w, model.intercept_[0] - w @ mean)


def logits(x, w):
    return x @ w[:-1] + w[-1]


def held_out_logits(rows, x, c):
    out = np.empty(len(x))
    for fold in range(fusion.N_FOLD):
        rest, held = rows.fold != fold, rows.fold == fold
        out[held] = logits(x[held], regression(x[rest], rows.label[rest], rows.weight[rest], c))
    return out


def position(t):
    return np.minimum(np.log(t) / np.log(128), 1)


def relative(a, b):
    return off(a, b) / np.max(np.abs(b))


def stack_logistic(rows, got, params):
    m = Maps(rows, got, "z")
    x = np.column_stack([m.of(rows.s, rows.t), position(rows.t)])
    auroc = {c: rows.auroc(held_out_logits(rows, x, c)) for c in (0.01, 0.1, 1, 10, 100)}
    c = float(got["c"][0, 0])
    w = regression(x, rows.label, rows.weight, c)
    scores = m.scores(rows, lambda z, t: logits(np.column_stack([z, position(t)]), w))
    return {"maps": (m.off, 1e-6), "C": (max(auroc.values()) - auroc[c], 1e-6),
            "coefficients": (relative(np.append(got["w"][0], got["b"][0]), w), 1e-4),
            "scores": (off(got["scores"][0], scores), 1e-4)}


def log_loss(logit, label, weight):
    return np.sum(weight * np.logaddexp(0, np.where(label == 1, -logit, logit))) / weight.sum()


def prompt_prior(rows, got, params):
    m = Maps(rows, got, "z")

    def stream(z, t):
        return np.column_stack([a for i in range(1, z.shape[1]) for a in (z[:, i], z[:, i] * position(t))])
    x, s = stream(m.of(rows.s, rows.t), rows.t), rows.s[:, :1]
    prior, q = (regression(a, rows.label, rows.weight, 1) for a in (s, x))
    share = np.average(rows.label, weights=rows.weight)
    base = np.log(share / (1 - share))
    pi, bracket = held_out_logits(rows, s, 1), held_out_logits(rows, x, 1) - base
    c = minimize_scalar(lambda c: log_loss(pi + c * bracket, rows.label, rows.weight), bounds=(0, 1), method="bounded",
                        options={"xatol": 1e-10}).x
    scores = []
    for a in rows.tokens:
        t = np.arange(1, len(a) + 1)
        scores.append(logits(a[:, :1], prior) + c * (logits(stream(m.of(a, t), t), q) - base))
    return {"maps": (m.off, 1e-6), "prior": (relative(got["prior"][0], prior), 1e-4),
            "stream": (relative(got["stream"][0], q), 1e-4), "base": (off(got["base"][0, 0], base), 1e-6),
            "c": (off(got["c"][0, 0], c), 1e-4), "scores": (off(got["scores"][0], np.concatenate(scores)), 1e-4)}


# ---- kernel densities ------------------------------------------------------------------------------------------------

def density(z, weight):
    z, n = np.clip(z, -4, 4), weight.sum()
    sd = np.sqrt(np.average((z - np.average(z, weights=weight)) ** 2, weights=weight))
    h = max(1.06 * sd * n ** -0.2, 1 / 8)
    kde = gaussian_kde(z, bw_method=1, weights=weight)
    kde.set_bandwidth(h / np.sqrt(kde.covariance[0, 0]))
    return (n * kde(POINTS) + 1 / 8) / (n + 1)


def ratio(z, label, weight):
    unsafe, safe = (density(z[label == y], weight[label == y]) for y in (1, 0))
    return np.clip(np.log(unsafe / safe), -4, 4)


def evidence(tables, z):
    return np.stack([np.interp(z[:, i], POINTS, x) for i, x in enumerate(tables)], 1)


def naive_bayes(rows, got, params):
    m = Maps(rows, got, "z")
    z = m.of(rows.s, rows.t)
    tables = [ratio(a, rows.label, rows.weight) for a in z.T]
    e = np.empty_like(z)
    for fold in range(fusion.N_FOLD):
        rest, held = rows.fold != fold, rows.fold == fold
        e[held] = evidence([ratio(a[rest], rows.label[rest], rows.weight[rest]) for a in z.T], z[held])

    def loss(v):
        return log_loss(e @ v[:-1] + v[-1], rows.label, rows.weight)
    n, w = z.shape[1], got["weight"][0]
    best = minimize(loss, np.append(np.full(n, 0.5), 0), method="L-BFGS-B", bounds=[(0, 1)] * n + [(None, None)],
                    options={"ftol": 1e-15, "gtol": 1e-9}).fun
    mine = minimize_scalar(lambda b: loss(np.append(w, b))).fun
    return {"maps": (m.off, 1e-6), "ratios": (off(got["ratio"], np.array(tables)), 1e-5), "loss": (mine - best, 1e-7),
            "scores": (off(got["scores"][0], m.scores(rows, lambda x, t: evidence(tables, x) @ w)), 1e-4)}


# ---- running ---------------------------------------------------------------------------------------------------------

CHECKS = {
    "mean_z": plain("z", lambda x: x.mean(1)), "mean_rank": plain("rank", lambda x: x.mean(1)),
    "max_rank": plain("rank", lambda x: x.max(1)), "mean_isotonic": plain("isotonic", lambda x: x.mean(1)),
    "max_isotonic": plain("isotonic", lambda x: x.max(1)), "weighted_rank": weighted_rank, "vote": vote,
    "stack_logistic": stack_logistic, "naive_bayes": naive_bayes, "prompt_prior": prompt_prior,
    "dempster_shafer": dempster_shafer, "noisy_or": noisy_or,
}
WEIGHING = ("weighted_rank", "stack_logistic", "naive_bayes", "dempster_shafer", "noisy_or")


def main():
    program = os.path.join(os.path.dirname(sys.argv[1]), "fusion_oracle")
    rng, failed = np.random.default_rng(SEED), 0
    for name, check in CHECKS.items():
        of = ("surprisal_mean,entropy_mean", "surprisal_mean,entropy_mean,length")
        more = [{"margin": -1} if name in WEIGHING else {}]     # joined, whatever that brings
        if name == "vote":
            more = [{"k": k, "ever": ever} for k in (0, 1, 2) for ever in (0, 1)]
        for members, extra, tied in itertools.product(of, more, (False, True)):
            answers, params = fusion.make_answers(rng, 160, tied), {"of": members, **extra}
            got = read(program, text_of(name, params, answers))
            result = check(fusion.Rows(answers, members.split(",")), got, params)
            bad = [k for k, (x, limit) in result.items() if not x <= limit]
            failed += bool(bad)
            print(f"{name} {' '.join(str(v) for v in params.values())}{' tied' if tied else ''}:",
                  ", ".join(f"{k} {x:.1e}" for k, (x, _) in result.items()), *(f"{k} IS OFF" for k in bad))
    print(f"seed {SEED}: {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main())
