/* Driver of export.py: FOLDER. Makes two stores there, of traces alone and of a run, whose numbers follow from their
 * places (export.py knows how), and exports both in every form. */
#include "driver.h"

enum { N_ANSWER = 23, N_LAYER = 2, N_EMBD = 3 };

/* None; more than a row group of Parquet. */
static uint32_t n_tok_of(uint32_t i) { return i == 7 ? 0 : i == 9 ? 66000 : 11 + 3 * i; }

static mid_trace *make(mid_ctx *ctx, uint32_t i)
{
    const mid_signals s = { .have = MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_ENTROPY | MID_SIG_HIDDEN,
                            .n_layer = N_LAYER, .layer = { 1, 4 }, .n_embd = N_EMBD, .observer = "observer" };
    const mid_prompt prompt = { .text = "Gr\xc3\xbc\xc3\x9f \"dich\"\n" };
    mid_trace *trace;
    uint32_t t, k, at = 0;

    ok(ctx, mid_trace_open(ctx, &s, &prompt, &trace));
    for (t = 0; t < n_tok_of(i); t++) {
        float hidden[N_LAYER * N_EMBD];
        const char text[2] = { (char)(unsigned char)(t % 256), 'x' };
        mid_step step = { .have = s.have, .i_tok = t, .token = (int32_t)(7 * t % 1009), .at_byte = at, .text = text,
                          .n_text = t % 3, .lp = -(float)(t % 97) / 8, .entropy_nats = (float)i / 4, .hidden = hidden };
        for (k = 0; k < N_LAYER * N_EMBD; k++)
            hidden[k] = (float)(t % 64) + (float)k / 8;
        if ((t + i) % 5 == 0)
            step.have &= ~(uint32_t)MID_SIG_LOGPROB;
        ok(ctx, mid_trace_append(trace, &step));
        at += step.n_text;
    }
    return trace;
}

/* Scores of one monitor over answers first..last: NaN, or 1000 i + t + shift. */
static void put_scores(mid_ctx *ctx, mid_store *store, const mid_key *key, uint32_t first, uint32_t last, double shift)
{
    size_t n = 0, at = 2;
    double *all;
    uint32_t i, t;

    for (i = first; i < last; i++)
        n += n_tok_of(i);
    all = room(2 + 3 * n, sizeof *all);
    for (i = first; i < last; i++)
        for (t = 0; t < n_tok_of(i); t++)
            all[at++] = t % 7 == 0 ? 0.0 / 0.0 : 1000.0 * i + t + shift;
    ok(ctx, mid_store_put_blob(ctx, store, "scores", key, all, (2 + 3 * n) * sizeof *all));
    free(all);
}

static void put_traces(mid_ctx *ctx, mid_store *store, mid_key key[N_ANSWER])
{
    uint32_t i;

    ok(ctx, mid_store_begin(ctx, store));
    for (i = 0; i < N_ANSWER; i++) {
        mid_trace *trace = make(ctx, i);
        char id[16];
        snprintf(id, sizeof id, "s-%02u", i);
        key[i] = mid_key_of("trace", id, NULL);
        ok(ctx, mid_store_put_trace(ctx, store, &key[i], id, trace));
        mid_trace_close(trace);
    }
    ok(ctx, mid_store_commit(ctx, store));
}

/* Two sets, the first 10 answers and the others; monitor a on both, b on the second only. */
static void put_index(mid_ctx *ctx, mid_store *store, const mid_key key[N_ANSWER])
{
    const mid_key score[3] = { mid_key_of("a", "1", NULL), mid_key_of("a", "2", NULL), mid_key_of("b", "2", NULL) };
    char *text = room(N_ANSWER * 200 + 1000, 1), *at = text;
    uint32_t i;

    put_scores(ctx, store, &score[0], 0, 10, 0.25);
    put_scores(ctx, store, &score[1], 10, N_ANSWER, 0.25);
    put_scores(ctx, store, &score[2], 10, N_ANSWER, 0.5);
    at += sprintf(at, "[{\"dataset\":\"one\",\"answers\":[");
    for (i = 0; i < N_ANSWER; i++) {
        if (i == 10)
            at += sprintf(at, "],\"scores\":[{\"monitor\":\"a\",\"key\":\"%s\"}]},\n{\"dataset\":\"two\","
                          "\"answers\":[", score[0].hex);
        at += sprintf(at, "%s{\"id\":\"s-%02u\",\"trace\":\"%s\",\"label\":%d,\"onset\":%d}",
                      i == 0 || i == 10 ? "" : ",", i, key[i].hex, (int)(i % 3) - 1, i % 2 ? (int)i : -1);
    }
    sprintf(at, "],\"scores\":[{\"monitor\":\"a\",\"key\":\"%s\"},{\"monitor\":\"b\",\"key\":\"%s\"}]}]", score[1].hex,
            score[2].hex);
    ok(ctx, mid_store_put_fact(ctx, store, "index", text));
    free(text);
}

int main(int argc, char **argv)
{
    const mid_export_info *form;
    mid_ctx *ctx;
    int run;

    if (argc != 2)
        return 2;
    ok(NULL, mid_ctx_open(&ctx));
    for (run = 0; run < 2; run++) {
        char path[600], out[600];
        mid_key key[N_ANSWER];
        mid_store *store;
        mid_export_count count;
        snprintf(path, sizeof path, "%s/%s.db", argv[1], run ? "run" : "traces");
        ok(ctx, mid_store_open(ctx, path, &store));
        put_traces(ctx, store, key);
        if (run)
            put_index(ctx, store, key);
        mid_store_close(store);
        for (form = mid_export_list(); form->name; form++) {
            snprintf(out, sizeof out, "%s/%s-%s", argv[1], run ? "run" : "traces", form->name);
            ok(ctx, mid_export(ctx, path, form->name, out, run == 0, &count));
            printf("%llu %llu %llu\n", (unsigned long long)count.n_answer, (unsigned long long)count.n_tok,
                   (unsigned long long)count.n_score);
        }
    }
    mid_ctx_close(ctx);
    return 0;
}
