/* Where the numbers come from, and how to read them. */
#include <math.h>
#include <stdlib.h>

#include "report/page.h"

static void term(mid__buf *out, const char *name, const char *value)
{
    if (*value)
        mid__html(out, "<dt>%s</dt><dd>%s</dd>", name, value);
}

static void number_term(mid__buf *out, yyjson_val *object, const char *key, const char *name, const char *unit)
{
    const double v = mid__report_number(object, key);

    if (isfinite(v))
        mid__html(out, "<dt>%s</dt><dd>%.10g%s</dd>", name, v, unit);
}

static void hashes(mid__buf *out, yyjson_val *list, const char *what)
{
    yyjson_val *object;
    size_t i, n;

    yyjson_arr_foreach(list, i, n, object) {
        const char *desc = mid__report_text(object, "desc"), *quantise = mid__report_text(object, "quantise");
        if (!*mid__report_text(object, "sha256"))
            continue;
        mid__html(out, "<dt>%s %s</dt><dd>%s%s%s%s%s%s<code>%s</code></dd>", what, mid__report_text(object, "name"),
                  desc, *desc ? ", " : "", *quantise ? "read as " : "", quantise, *quantise ? ", " : "", "sha256 ",
                  mid__report_text(object, "sha256"));
    }
}

static void stages(mid__buf *out, yyjson_val *list)
{
    yyjson_val *object;
    size_t i, n;

    if (!yyjson_arr_size(list))
        return;
    mid__buf_text(out, "<dt>time by stage</dt><dd>");
    yyjson_arr_foreach(list, i, n, object) {
        mid__buf_text(out, i ? "<br>" : "");
        mid__html(out, "%s, %.1f s", mid__report_text(object, "name"), mid__report_number(object, "seconds"));
    }
    mid__buf_text(out, "</dd>");
}

static void reading(mid__buf *out)
{
    static const char *const entry[][2] = {
        { "score", "Higher means more unsafe, for every monitor. A score after token t has seen tokens 0 to t and "
                   "nothing later." },
        { "box", "How much of the model a monitor sees: black the text, grey the token probabilities, white the hidden "
                 "states. A "
                 "control looks at what should not be enough (the prompt, the length, a coin): a monitor has to beat "
                 "it." },
        { "AUROC", "Chance that a random unsafe answer scores above a random safe one; ties count one half." },
        { "interval", "95 %, bootstrap over prompts: answers to one prompt stay together." },
        { "pooled and within", "Authors differ in how often they are unsafe, so over several authors a score can win "
                               "by telling who "
                               "wrote the answer. The figure within one author cannot." },
        { "unsafe prompts", "Only answers to requests that are themselves unsafe: there the prompt alone gives nothing "
                            "away." },
        { "dash", "Not defined on this data, with the reason; never a guess." },
        { "circular", "Monitor and labeler share a word list, features or a model. Hatched, out of every ranking." },
        { "SG, RH, AC", "Safety gain TP/N, residual hazard FN/N, availability cost FP/N, with N all answers." },
        { "delay", "How much of an unsafe answer is out before the alarm. Where the onset is unknown it is taken as "
                   "the start." },
        { "labels", "Labels are of whole answers unless an onset is known; the setup table says who gave them." },
    };
    size_t i;

    mid__buf_text(out, "<h3>How to read this</h3><dl>");
    for (i = 0; i < sizeof entry / sizeof *entry; i++)
        term(out, entry[i][0], entry[i][1]);
    mid__buf_text(out, "</dl>\n");
}

static void plan(mid__buf *out, yyjson_val *root)
{
    yyjson_val *value = yyjson_obj_get(root, "plan");
    char *text = yyjson_val_write(value, YYJSON_WRITE_PRETTY_TWO_SPACES, NULL);

    if (text)
        mid__html(out, "<details><summary>The plan</summary><pre>%s</pre></details>\n", text);
    free(text);
}

void mid__page_provenance(const mid__page *page)
{
    const mid__report *r = page->report;
    yyjson_val *p = r->provenance;
    mid__buf *out = page->out;
    char count[32];

    mid__buf_text(out, "<section id=\"provenance\"><h2>Provenance and reading</h2>\n<div class=\"halves\"><div>");
    reading(out);
    mid__buf_text(out, "</div><div><h3>Where it comes from</h3><dl>");
    term(out, "midstream", mid__report_text(p, "midstream"));
    term(out, "engine", mid__report_text(p, "engine"));
    term(out, "machine", mid__report_text(p, "machine"));
    term(out, "processor", mid__report_text(p, "cpu"));
    number_term(out, p, "n_threads", "threads", "");
    number_term(out, p, "load", "load at the start", "");
    term(out, "date", mid__report_text(p, "date"));
    number_term(out, p, "seed", "seed", "");
    number_term(out, p, "seconds", "took", " s");
    stages(out, yyjson_obj_get(p, "stages"));
    hashes(out, yyjson_obj_get(p, "models"), "model");
    hashes(out, yyjson_obj_get(p, "datasets"), "dataset");
    mid__count_text(count, yyjson_arr_size(r->cells));
    mid__html(out, "<dt>cells</dt><dd>%s, all in results.csv", count);
    mid__count_text(count, r->n_repeat);
    if (r->n_repeat)
        mid__html(out, "; %s share a place with another (a further seed or observer) and are only there", count);
    mid__buf_text(out, "</dd></dl>");
    plan(out, r->root);
    mid__buf_text(out, "</div></div></section>\n");
}
