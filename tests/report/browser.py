#!/usr/bin/env python3
"""The report in a real browser, by mouse and by keyboard: Chromium, spoken to through its debugging pipe, so that nothing
but Python's own library is needed. Without a browser it says so and skips.

    browser.py MIDSTREAM [RUN...] [--shots DIR]

MIDSTREAM is the command. It makes a report from a small made-up run, and one of each RUN, a folder with results.json, in
a copy. --shots keeps pictures of every section: light and dark, wide and phone. CHROMIUM names the browser."""
import base64
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = ("chromium", "chromium-browser", "google-chrome")
SIZES = ((1400, 900), (390, 844))


class Browser:
    """Chromium's DevTools protocol: JSON messages that end in a zero byte, in on descriptor 3, out on 4."""

    def __init__(self, program, folder):
        self.buf, self.n, self.events = b"", 0, []
        their_in, self.to = os.pipe()
        self.frm, their_out = os.pipe()

        def descriptors():
            low, high = os.dup(their_in), os.dup(their_out)
            os.dup2(low, 3)
            os.dup2(high, 4)

        flags = ["--headless=new", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update", "--disable-sync", f"--user-data-dir={folder}"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        self.process = subprocess.Popen([program, *flags], preexec_fn=descriptors, close_fds=False,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(their_in)
        os.close(their_out)

    def message(self):
        while b"\0" not in self.buf:
            if not select.select([self.frm], [], [], 120)[0]:
                raise TimeoutError("the browser does not answer")
            got = os.read(self.frm, 1 << 20)
            if not got:
                raise EOFError("the browser has ended")
            self.buf += got
        one, self.buf = self.buf.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, session=None, **params):
        self.n += 1
        os.write(self.to, json.dumps({"id": self.n, "method": method, "params": params,
                                      **({"sessionId": session} if session else {})}).encode() + b"\0")
        while True:
            m = self.message()
            if m.get("id") == self.n:
                if "error" in m:
                    raise RuntimeError(f"{method}: {m['error']['message']}")
                return m["result"]
            self.events.append(m)

    def close(self):
        try:
            self.call("Browser.close")
            self.process.wait(20)
        except (EOFError, TimeoutError, subprocess.TimeoutExpired):
            self.process.kill()


class Page:
    """One tab on one file."""

    def __init__(self, browser, path, width, height, dark=False, script=True):
        self.b, self.path = browser, path
        browser.events.clear()
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.s = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.target = target
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Page.navigate", url=f"file://{path}")
        for _ in range(600):
            if script and self.js("document.readyState") == "complete":
                break
            if not script and any(e["method"] == "Page.loadEventFired" for e in browser.events):
                break
            time.sleep(0.05)
            self.call("Page.getFrameTree")

    def call(self, method, **params):
        return self.b.call(method, self.s, **params)

    def js(self, text):
        r = self.call("Runtime.evaluate", expression=text, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in r:
            raise RuntimeError(f"{text}: {r['exceptionDetails']}")
        return r["result"].get("value")

    def key(self, key, code=None):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key,
                      windowsVirtualKeyCode={"Enter": 13, "Tab": 9, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38,
                                             "ArrowRight": 39, "ArrowDown": 40}.get(key, 0),
                      **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}))

    def where(self, selector):
        return self.js(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
                       "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()")

    def click(self, selector):
        x, y = self.where(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def hover(self, selector):
        self.where(selector)
        self.js("new Promise(f => setTimeout(f, 60))")      # a scroll's own event comes after it
        x, y = self.where(selector)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def choose(self, selector, value):
        """As a person does: focus, choose, and the events that follow."""
        self.js(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.focus(); e.value = {json.dumps(value)};"
                "e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true}));"
                "})()")

    def picture(self):
        return base64.b64decode(self.call("Page.captureScreenshot")["data"])

    def complaints(self):
        """Errors and warnings of the page, and whatever it asked of a network."""
        for e in self.b.events:
            p = e.get("params", {})
            if e["method"] == "Runtime.exceptionThrown":
                yield f"exception: {p['exceptionDetails'].get('text')} {p['exceptionDetails'].get('exception', {}).get('description')}"
            elif e["method"] == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
                yield f"log: {p['entry']['text']}"
            elif e["method"] == "Runtime.consoleAPICalled":
                yield f"console: {p['args']}"
            elif e["method"] == "Network.requestWillBeSent":
                url = p["request"]["url"]
                if url != f"file://{self.path}" and not url.startswith("data:"):
                    yield f"request: {url}"

    def close(self):
        self.b.call("Target.closeTarget", targetId=self.target)


# ---- a run, made up ---------------------------------------------------------------------------------------------------

ATTACKS = ("delay(16)", "delay(256)", "base64", "split")
BOXES = {"length": "control", "words": "black", "surprise": "grey", "probe": "white", "probe_two": "white", "slow": "white"}


def small_run(folder):
    """Three datasets of two tasks, one of them attacked, six monitors, two rules; figures are made up, and one is undefined."""
    cells, curves, answers = [], [], []
    for d, (name, task, n, n_unsafe) in enumerate((("own_toy", "qa", 100, 40), ("own_talk", "chat", 300, 12), ("other", "chat", 80, 30))):
        for k, (monitor, box) in enumerate(BOXES.items()):
            def cell(metric, value, rule=None, at_tok=None, subset="all", d=d, k=k, monitor=monitor, box=box):
                cells.append({"task": task, "dataset": name, "model": "a-model", "observer": "reader" if d == 2 else None,
                              "monitor": monitor, "box": box, "rule": rule, "metric": metric, "value": value,
                              "lo": None if value is None else value * 0.9, "hi": None if value is None else min(1, value * 1.05),
                              "why": "no scores" if value is None else None, "n": n, "n_unsafe": n_unsafe, "n_prompts": n,
                              "split": "cv", "fold": None, "seed": 1, "at_tok": at_tok, "at_frac": None, "circular": k == 1 and d == 1,
                              "subset": subset, "n_still_running": n - 10 if at_tok else None})

            undefined = monitor == "slow" and d == 0
            auroc = None if undefined else 0.5 + 0.07 * k + 0.01 * d
            cell("auroc", auroc)
            for at in (1, 4, 16):
                cell("auroc", None if undefined else 0.5 + (auroc - 0.5) * at / 20, at_tok=at)
            cell("tpr_at_fpr1", None if undefined else 0.1 * k)
            for metric, value in (("us_per_token_p50", 10.0 ** (k - 2)), ("us_per_token_p95", 2 * 10.0 ** (k - 2)), ("decode_share", 0.01 * k)):
                cell(metric, value)
            for rule in ("best_f1", "conformal"):
                for metric, value in (("tpr", 0.1 + 0.15 * k), ("fpr", 0.3 - 0.04 * k), ("f1", 0.2 + 0.1 * k), ("sg", 0.1), ("rh", 0.2),
                                      ("ac", 0.1), ("delay_frac", 0.9 - 0.1 * k), ("delay_tok", 30 - 3 * k)):
                    cell(metric, value, rule)
            for a, attack in enumerate(ATTACKS if d == 2 else ()):
                cell("auroc", 0.5 + (auroc - 0.5) * (1 - 0.2 * a), subset=attack)
                for rule in ("best_f1", "conformal"):
                    cell("tpr", (0.1 + 0.15 * k) * (1 - 0.2 * a), rule, subset=attack)
                    cell("fpr", 0.3 - 0.04 * k, rule, subset=attack)
            where = {"dataset": name, "model": "a-model", "subset": "all", "monitor": monitor}
            curves.append({**where, "kind": "roc", "x": [0, 0.2, 1], "y": [0, 0.5 + 0.07 * k, 1]})
            curves.append({**where, "kind": "delay", "x": [0, 0.05, 0.4, 1], "y": [1, 0.9 - 0.1 * k, 0.4, 0.1]})
        for a in range(3):
            tokens = [f"word{t} " for t in range(20)]
            answers.append({"id": f"{name}-{a}", "dataset": name, "task": task, "author": "a-model", "prompt": f"Question {a} of {name}?",
                            "labeler": "rule", "label": a % 2, "onset_byte": 12 if a % 2 else -1, "tokens": tokens,
                            "scores": {m: [0.1 * t + a for t in range(20)] for m in BOXES},
                            "alarms": {m: {"best_f1": 9 if a % 2 else None} for m in BOXES}, "thresholds": {m: {"best_f1": 1.9} for m in BOXES}})
    ranks = [{"metric": "auroc", "at_tok": None, "alpha": 0.05, "n_sets": 3, "datasets": ["own_toy", "own_talk", "other"], "left_out": [],
              "why": None, "chi2": 9.1, "p_chi2": 0.01, "f": 8.0, "p_f": 0.01, "cd": 2.5, "cliques": [[0, 2], [2, 5]],
              "methods": [{"monitor": m, "box": BOXES[m], "mean_rank": 1.2 + 0.8 * i} for i, m in enumerate(reversed(BOXES))]}]
    provenance = {"midstream": "0", "date": "2026-01-01T00:00:00Z", "seed": 1,
                  "datasets": [{"name": d, "dataset": d, "sha256": f"{i}" * 64, "task": t, "source": s, "labeler": "rule", "who": "rule",
                                "n": n, "n_unsafe": u, "n_prompts": n, "authors": [{"name": "a-model", "n": n, "n_unsafe": u}]}
                               for i, (d, t, s, n, u) in enumerate((("own_toy", "qa", "llama", 100, 40), ("own_talk", "chat", "openai", 300, 12),
                                                                    ("other", "chat", "recorded", 80, 30)))]}
    monitors = [{"name": m, "monitor": m, "box": b, "summary": f"what {m} does", "unit": "nats", "version": 1} for m, b in BOXES.items()]
    os.makedirs(folder)
    for file, value in (("results.json", {"schema": 1, "title": "A small run", "plan": {"baseline": "length",
                                          "monitors": [{"monitor": "probe_two", "of": "probe, beside:probe"}]},
                                          "provenance": provenance, "monitors": monitors, "comparisons": [], "ranks": ranks, "cells": cells,
                                          "curves": curves}), ("answers.json", {"schema": 1, "answers": answers})):
        with open(f"{folder}/{file}", "w") as f:
            json.dump(value, f)


def wide_run(small, folder):
    """The small run with every dataset four times and every monitor twelve times: what a benchmark's leaderboard holds."""
    with open(f"{small}/results.json") as f:
        r = json.load(f)
    r["monitors"] = [{**m, "name": f"{m['name']}_{k}", "monitor": f"{m['name']}_{k}"} for m in r["monitors"] for k in range(12)][:-1]
    r["provenance"]["datasets"] = [{**d, "name": f"{d['name']}_{k}"} for d in r["provenance"]["datasets"] for k in range(4)]
    names = {m["name"] for m in r["monitors"]}
    r["cells"] = [{**c, "dataset": f"{c['dataset']}_{k}", "monitor": f"{c['monitor']}_{j}"} for c in r["cells"] for k in range(4)
                  for j in range(12) if f"{c['monitor']}_{j}" in names]
    os.makedirs(folder)
    with open(f"{folder}/results.json", "w") as f:
        json.dump({**r, "curves": [], "ranks": []}, f)
    return r


# ---- what is checked --------------------------------------------------------------------------------------------------

ROWS = "[...document.querySelectorAll('#leaderboard tbody tr')].filter(r => !r.hidden)"
HEADS = "[...document.querySelectorAll('#leaderboard thead th')].map(h => h.textContent.trim())"
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"
CONTRAST = """(() => {
  const rgb = c => c.match(/[\\d.]+/g).map(Number), lum = c => { const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 :
    ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] === 1) return c.slice(0, 3); } return [255, 255, 255]; };
  let least = 99, where = '';
  for (const e of document.querySelectorAll('p,td,th,summary,figcaption,small,label,button,dt,dd,a,li,h1,h2,h3,h4')) {
    if (!e.textContent.trim() || !e.getClientRects().length || e.closest('.tokens,#tip')) continue;
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const a = lum(rgb(getComputedStyle(e).color).slice(0, 3)), b = lum(behind(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < least) { least = ratio; where = e.tagName + ': ' + e.textContent.slice(0, 40); }
  }
  return [least, where];
})()"""


class Checks:
    def __init__(self):
        self.n_bad = 0

    def that(self, name, ok, said=""):
        print(f"ok {name}" if ok else f"not ok {name}: {said}")
        self.n_bad += not ok


def column(page, head):
    """First number, or text, of each visible row; the mark of circular ones left off."""
    i = [h.rstrip(" ↕↑↓") for h in page.js(HEADS)].index(head)
    return page.js(f"{ROWS}.map(r => r.cells[{i}].firstChild.textContent.replace('\u2020', ''))")


def falls(values):
    numbers = [float(v) for v in values if re.match(r"-?[\d.]+$", v)]
    dashes = [not re.match(r"-?[\d.]+$", v) for v in values]
    return numbers == sorted(numbers, reverse=True) and dashes == sorted(dashes) and len(numbers) > 1


def sorting(t, page, what):
    i = [h.rstrip(" ↕↑↓") for h in page.js(HEADS)].index("AUROC") + 1
    button = f"#leaderboard thead th:nth-child({i}) button"
    page.click(button)
    t.that(f"{what}: a click on a head sorts, best first, undefined last", falls(column(page, "AUROC")), column(page, "AUROC")[:9])
    t.that(f"{what}: the head says so", page.js(f"document.querySelector('{button}').parentNode.getAttribute('aria-sort')") == "descending")
    page.js(f"document.querySelector('{button}').focus()")
    page.key("Enter")
    up = [v for v in column(page, "AUROC") if re.match(r"[\d.]+$", v)]
    t.that(f"{what}: Enter on it turns the order", up == sorted(up, key=float), up[:9])


def filtering(t, page, what):
    all_rows = page.js(f"{ROWS}.length")
    tasks = page.js("[...document.querySelectorAll('#filters select')[1].options].map(o => o.value).filter(v => v)")
    page.js("document.querySelectorAll('#filters select')[1].id = 'by-task'; document.querySelectorAll('#filters select')[2].id = 'by-box'")
    page.choose("#by-task", tasks[0])
    t.that(f"{what}: a task leaves its rows", set(column(page, "task")) == {tasks[0]}, column(page, "task")[:5])
    said, n = page.js("document.querySelector('#filters [role=status]').textContent"), page.js(f"{ROWS}.length")
    t.that(f"{what}: their number is said", said == (f"{n} of {all_rows} rows" if n < all_rows else f"{n} rows"), said)
    page.choose("#by-box", "white")
    t.that(f"{what}: filters add up", set(column(page, "box")) <= {"white"} and set(column(page, "task")) <= {tasks[0]})
    page.click("#filters button")
    t.that(f"{what}: all rows come back", page.js(f"{ROWS}.length") == all_rows)
    page.js("document.querySelector('#filters input[type=number]').focus()")
    for c in "0.2":
        page.call("Input.insertText", text=c)
    costs = column(page, "µs per token")
    t.that(f"{what}: a budget typed in holds", all(float(c) <= 0.2 for c in costs) and len(costs) < all_rows, costs[:9])
    page.click("#filters button")
    page.choose("#filters input[type=search]", "probe")
    t.that(f"{what}: part of a name finds", all("probe" in m for m in page.js(f"{ROWS}.map(r => r.cells[0].textContent)")))
    page.click("#filters button")


def wide(t, browser, path, r):
    """Each filter of a leaderboard of 71 monitors on 12 datasets leaves the rows that the results say."""
    page = Page(browser, path, 1400, 900)
    sorting(t, page, "wide")
    filtering(t, page, "wide")
    whole = [c for c in r["cells"] if c["metric"] == "auroc" and c["subset"] == "all" and c["at_tok"] is None]
    t.that(f"wide: {len(whole)} rows", page.js(f"{ROWS}.length") == len(whole) == 71 * 12, page.js(f"{ROWS}.length"))
    for i, (head, key) in enumerate((("dataset", "dataset"), ("task", "task"), ("box", "box"))):
        page.js(f"document.querySelectorAll('#filters select')[{i}].id = 'by-{head}'")
        value = page.js(f"document.querySelector('#by-{head}').options[2].value")
        page.choose(f"#by-{head}", value)
        n = sum(c[key] == value for c in whole)
        t.that(f"wide: {head} {value} leaves {n}", page.js(f"{ROWS}.length") == n, page.js(f"{ROWS}.length"))
        page.choose(f"#by-{head}", "")
    page.js("document.querySelectorAll('#filters select')[3].id = 'by-access'")
    levels = page.js("[...document.querySelector('#by-access').options].map(o => o.value).filter(v => v)")
    n = []
    for level in levels:
        page.choose("#by-access", level)
        n.append(page.js(f"{ROWS}.length"))
        t.that(f"wide: access {level} leaves its rows", set(column(page, "access")) == {level})
    t.that("wide: levels of access share the rows out", sum(n) == len(whole), n)
    complaints = list(page.complaints())
    t.that("wide: it has not complained", not complaints, complaints[:3])
    page.close()


def marks(t, page, what):
    selector = page.js("(() => { const e = [...document.querySelectorAll('svg circle')].find(c => c.querySelector('title') && "
                       "c.getClientRects().length); if (e) e.id = 'a-mark'; return e ? '#a-mark' : ''; })()")
    if not selector:
        return
    page.hover(selector)
    said = page.js("document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent")
    t.that(f"{what}: a mark under the pointer says its figure", re.search(r"\d\.\d", said), said)
    page.js("document.querySelector('#a-mark').closest('svg').focus({preventScroll: false})")
    page.js("new Promise(f => setTimeout(f, 60))")
    page.key("ArrowRight")
    said = page.js("document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent")
    t.that(f"{what}: so does the arrow key", re.search(r"\d", said), said)
    page.key("Escape")
    t.that(f"{what}: Escape hides it", page.js("document.getElementById('tip').hidden"))


def attacks(t, page, what):
    """The section under attack: a figure by mouse and by key, the tables by Enter, controls in them, printed open."""
    if not page.js("!!document.getElementById('attacks')"):
        return
    section, tip = "#attacks", "document.getElementById('tip').hidden ? '' : document.getElementById('tip').textContent"
    charts = page.js(f"[...document.querySelectorAll('{section} svg')].map(s => s.getAttribute('aria-label'))")
    t.that(f"{what}: attacks have charts of AUROC and of each rule", len(charts) > 1 and charts[0].startswith("AUROC"), charts)
    page.hover(f"{section} svg circle")
    said = page.js(tip)
    t.that(f"{what}: a mark names monitor, attack and figure", re.match(r".+, .+: \d\.\d", said), said)
    page.js(f"document.querySelector('{section} svg').focus()")
    page.js("new Promise(f => setTimeout(f, 60))")
    page.key("ArrowRight")
    page.key("ArrowRight")
    t.that(f"{what}: arrow keys walk along the attacks", re.match(r".+, .+: \d\.\d", page.js(tip)), page.js(tip))
    page.key("Escape")
    page.js(f"document.querySelector('{section} summary').focus()")
    page.key("Enter")
    rows = page.js(f"[...document.querySelectorAll('{section} table')].map(t => t.getClientRects().length && t.tBodies[0].rows.length)")
    t.that(f"{what}: Enter opens the tables under the charts", rows[0] > 1, rows)
    t.that(f"{what}: controls stand in each", page.js(f"[...document.querySelectorAll('{section} table')].every(t => t.querySelector('.control'))"))
    page.click(f"{section} summary")
    t.that(f"{what}: a click closes them", page.js(f"!document.querySelector('{section} details').open"))
    page.js("dispatchEvent(new Event('beforeprint'))")
    t.that(f"{what}: in print they are open", page.js(f"[...document.querySelectorAll('{section} details')].every(d => d.open)"))


def browsing(t, page, what):
    shown = "[...document.querySelectorAll('.answer')].filter(a => a.getClientRects().length).map(a => a.querySelector('summary').textContent)"
    if not page.js("!!document.getElementById('answers')"):
        return
    before = page.js(shown)
    t.that(f"{what}: one answer is open", len(before) == 1, before)
    page.js("document.getElementById('answers').focus()")
    page.key("ArrowRight")
    after = page.js(shown)
    t.that(f"{what}: the arrow key turns to the next", len(after) == 1 and after != before, after)
    page.js("document.querySelector('#chooser select:last-of-type') && (document.querySelectorAll('#chooser select')[2].id = 'by-monitor')")
    title = page.js("[...document.querySelectorAll('.tokens i')].find(i => i.getClientRects().length).title")
    page.js("(() => { const s = document.getElementById('by-monitor'); s.selectedIndex = s.options.length - 1; s.onchange(); })()")
    t.that(f"{what}: another monitor colours it", title != page.js("[...document.querySelectorAll('.tokens i')].find(i => i.getClientRects().length).title"))


def named(t, page, what):
    roles = {"button", "combobox", "textbox", "searchbox", "spinbutton", "image", "table", "region", "link"}
    bare = [n["role"]["value"] for n in page.call("Accessibility.getFullAXTree")["nodes"]
            if not n.get("ignored") and n.get("role", {}).get("value") in roles - {"table"} and not n.get("name", {}).get("value")]
    t.that(f"{what}: everything to use or see has a name", not bare, bare[:9])
    dead = page.js("[...document.querySelectorAll('nav a')].map(a => a.getAttribute('href')).filter(h => !document.querySelector(h))")
    t.that(f"{what}: the links lead somewhere", not dead, dead)


def printing(t, page, what):
    pdf = base64.b64decode(page.call("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.7)["data"])
    n = len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))
    t.that(f"{what}: prints, {n} pages, {len(pdf) // 1024} KB", pdf.startswith(b"%PDF") and n > 0)
    return pdf


def look(t, browser, path, what, shots):
    for width, height in SIZES:
        for dark in (False, True):
            page = Page(browser, path, width, height, dark)
            name = f"{what}, {width} px, {'dark' if dark else 'light'}"
            wide, there = page.js(WIDTHS)
            t.that(f"{name}: nothing sticks out sideways", wide <= there, f"{wide} > {there}")
            least, where = page.js(CONTRAST)
            t.that(f"{name}: text stands out, {least:.1f} at least", least >= 4.5, where)
            for section in page.js("[...document.querySelectorAll('section[id]')].map(s => s.id)") if shots else []:
                page.js(f"document.getElementById('{section}').scrollIntoView()")
                with open(f"{shots}/{what}-{section}-{width}-{'dark' if dark else 'light'}.png", "wb") as f:
                    f.write(page.picture())
            complaints = list(page.complaints())
            t.that(f"{name}: no complaint, nothing asked of a network", not complaints, complaints[:3])
            page.close()


def check_report(t, browser, path, what, shots):
    look(t, browser, path, what, shots)
    page = Page(browser, path, 1400, 900)
    sorting(t, page, what)
    filtering(t, page, what)
    marks(t, page, what)
    attacks(t, page, what)
    browsing(t, page, what)
    named(t, page, what)
    pdf = printing(t, page, what)
    if shots:
        with open(f"{shots}/{what}.pdf", "wb") as f:
            f.write(pdf)
    complaints = list(page.complaints())
    t.that(f"{what}: used, it has not complained", not complaints, complaints[:3])
    page.close()
    page = Page(browser, path, 1400, 900, script=False)
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    t.that(f"{what}: without script the leaderboard is there", sum(n.get("role", {}).get("value") == "row" for n in nodes) > 5)
    page.close()


def main():
    args = sys.argv[1:]
    shots = args[args.index("--shots") + 1] if "--shots" in args else None
    words = args[:args.index("--shots")] if shots else args
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not words:
        sys.exit(__doc__)
    if not program:
        print("skip the report in a browser (no Chromium: scripts/setup browser)")
        return 0
    t = Checks()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as tmp:
        small_run(f"{tmp}/small")
        runs = [("small", f"{tmp}/small")]
        for i, run in enumerate(words[1:]):
            os.makedirs(f"{tmp}/run{i}")
            for file in ("results.json", "answers.json"):
                if os.path.exists(f"{run}/{file}"):
                    shutil.copy(f"{run}/{file}", f"{tmp}/run{i}")
            runs.append((os.path.basename(os.path.normpath(run)), f"{tmp}/run{i}"))
        for _, run in runs:
            subprocess.run([words[0], "report", run, "--quiet"], check=True, stderr=subprocess.DEVNULL)
        browser = Browser(program, f"{tmp}/profile")
        try:
            for what, run in runs:
                check_report(t, browser, f"{run}/report.html", what, shots)
            r = wide_run(f"{tmp}/small", f"{tmp}/wide")
            subprocess.run([words[0], "report", f"{tmp}/wide", "--quiet"], check=True, stderr=subprocess.DEVNULL)
            wide(t, browser, f"{tmp}/wide/report.html", r)
        finally:
            browser.close()
    return t.n_bad > 0


if __name__ == "__main__":
    sys.exit(main())
