/* Export: a store's traces as tables answers and tokens; of a run, also the scores, of which the store has one blob a
 * monitor and set. The run's fact "index" says which (bench/results.c); a store without it holds traces only. Rows
 * of tokens, scores and hidden.npy are the same tokens in the same order. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/ctx.h"
#include "base/half.h"
#include "exchange/table.h"
#include "yyjson.h"

static const mid__table_ops *const forms[] = { &mid__table_jsonl, &mid__table_npy, &mid__table_parquet };
enum { FORM_N = sizeof forms / sizeof *forms };

const mid_export_info *mid_export_list(void)
{
    static const mid_export_info list[FORM_N + 1] = {
        { "jsonl", "JSON lines, an object a row" },
        { "npy", "numpy arrays, a file a column of numbers" },
        { "parquet", "Apache Parquet, for pandas, pyarrow, DuckDB, Spark" },
        { NULL, NULL },
    };

    return list;
}

struct mid__table { const mid__table_ops *ops; void *state; };

enum { A_I, A_ID, A_DATASET, A_TRACE, A_OBSERVER, A_N_TOK, A_PROMPT, A_TEXT, A_LABEL, A_ONSET, A_N };
static const mid__column answer_columns[A_N] = {
    { "i_answer", MID__INT64, false }, { "id", MID__TEXT, false }, { "dataset", MID__TEXT, true },
    { "trace", MID__TEXT, false }, { "observer", MID__TEXT, false }, { "n_tok", MID__INT64, false },
    { "prompt", MID__TEXT, false }, { "text", MID__BYTES, false }, { "label", MID__INT64, true },
    { "onset_byte", MID__INT64, true },
};
enum { T_ANSWER, T_I, T_TOKEN, T_AT, T_N_TEXT, T_TEXT, T_LP, T_ENTROPY, T_N };
static const mid__column token_columns[T_N] = {
    { "i_answer", MID__INT64, false }, { "i_tok", MID__INT64, false }, { "token", MID__INT64, false },
    { "at_byte", MID__INT64, false }, { "n_byte", MID__INT64, false }, { "text", MID__BYTES, false },
    { "logprob", MID__FLOAT, true }, { "entropy_nats", MID__FLOAT, true },
};

typedef struct export {
    mid_ctx *ctx;
    mid_store *store;
    mid_export_count *count;
    mid__table answers, tokens, scores;     /* ops NULL: not written */
    mid__npy hidden;
    bool want_hidden;
    int n_layer, n_embd;                    /* of hidden, -1 before the first trace */
    const char *hidden_path;
    uint16_t *half;                         /* (n_layer, n_embd) */
    mid__column *score_column;              /* (n_score_column) i_answer, i_tok, then monitors */
    mid__cell *score_cell;
    size_t n_score_column;
} export;

/* What the index says beside the trace. */
typedef struct about { const char *dataset, *id; int64_t label, onset; } about;

static mid__cell whole(int64_t x) { return (mid__cell){ .whole = x }; }
static mid__cell real(double x, bool there) { return (mid__cell){ .real = x, .null = !there || isnan(x) }; }
static mid__cell bytes(const char *at, size_t n) { return (mid__cell){ .bytes = at, .n = n }; }
static mid__cell text(const char *s) { return s ? bytes(s, strlen(s)) : (mid__cell){ .null = true }; }

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static mid_status open_table(export *e, const mid__table_ops *ops, const char *dir, const char *name,
                             const mid__column *column, size_t n, mid__table *out)
{
    mid__buf path = { 0 };
    mid_status status;

    out->ops = ops;
    out->state = calloc(1, ops->state_size);
    if (!out->state || !mid__buf_fmt(&path, "%s/%s", dir, name))
        status = mid__oom(e->ctx, name);
    else
        status = ops->open(e->ctx, out->state, path.at, column, n);
    mid__buf_clear(&path);
    return status;
}

static mid_status put(const export *e, mid__table *t, const mid__cell *cell)
{
    return t->ops->row(e->ctx, t->state, cell);
}

static mid_status commit_table(const export *e, mid__table *t)
{
    return t->ops ? t->ops->commit(e->ctx, t->state) : MID_OK;
}

static void close_table(mid__table *t)
{
    if (t->state)
        t->ops->close(t->state);
    free(t->state);
}

/* ---- one trace --------------------------------------------------------------------------------------------------- */

static mid_status put_answer(export *e, const mid_key *key, const about *a, const mid_trace *trace)
{
    mid__cell cell[A_N];
    mid_prompt prompt;
    size_t n;
    const char *answer = mid_trace_text(trace, &n);

    mid_trace_prompt(trace, NULL, &prompt);
    cell[A_I] = whole((int64_t)e->count->n_answer);
    cell[A_ID] = text(a->id);
    cell[A_DATASET] = text(a->dataset);
    cell[A_TRACE] = text(key->hex);
    cell[A_OBSERVER] = text(mid_trace_signals(trace)->observer);
    cell[A_N_TOK] = whole(mid_trace_n_tok(trace));
    cell[A_PROMPT] = text(prompt.text);
    cell[A_TEXT] = bytes(answer, n);
    cell[A_LABEL] = whole(a->label);
    cell[A_LABEL].null = a->label < 0;
    cell[A_ONSET] = whole(a->onset);
    cell[A_ONSET].null = a->onset < 0;
    return put(e, &e->answers, cell);
}

static mid_status open_hidden(export *e, const mid_signals *s)
{
    char shape[64];

    if (e->n_layer >= 0 && (s->n_layer != e->n_layer || s->n_embd != e->n_embd))
        return mid__fail(e->ctx, MID_EMISMATCH, "hidden rows of %d layers of %d, and before of %d layers of %d; export "
                         "such traces without hidden rows", s->n_layer, s->n_embd, e->n_layer, e->n_embd);
    if (e->n_layer >= 0)
        return MID_OK;
    e->n_layer = s->n_layer;
    e->n_embd = s->n_embd;
    e->half = malloc(((size_t)s->n_layer * (size_t)s->n_embd + 1) * sizeof *e->half);
    if (!e->half)
        return mid__oom(e->ctx, "hidden rows");
    snprintf(shape, sizeof shape, " %d, %d", s->n_layer, s->n_embd);
    return mid__npy_open(e->ctx, &e->hidden, e->hidden_path, "<f2", shape);
}

/* Rows were rounded to float16 when they were captured, so nothing is lost here. A step without them has NaN. */
static mid_status put_hidden(export *e, const mid_step *step)
{
    const size_t n = (size_t)e->n_layer * (size_t)e->n_embd;
    size_t i;

    for (i = 0; i < n; i++)
        e->half[i] = mid__half_of(step->have & MID_SIG_HIDDEN ? step->hidden[i] : NAN);
    return mid__npy_row(e->ctx, &e->hidden, e->half, n * sizeof *e->half);
}

static mid_status put_token(export *e, const mid_step *step)
{
    mid__cell cell[T_N];

    cell[T_ANSWER] = whole((int64_t)e->count->n_answer);
    cell[T_I] = whole(step->i_tok);
    cell[T_TOKEN] = whole(step->token);
    cell[T_AT] = whole(step->at_byte);
    cell[T_N_TEXT] = whole(step->n_text);
    cell[T_TEXT] = bytes(step->text, step->n_text);
    cell[T_LP] = real((double)step->lp, step->have & MID_SIG_LOGPROB);
    cell[T_ENTROPY] = real((double)step->entropy_nats, step->have & MID_SIG_ENTROPY);
    e->count->n_tok += 1;
    return put(e, &e->tokens, cell);
}

/* Everything of a trace but its scores. */
static mid_status put_trace(export *e, const mid_key *key, const about *a, uint32_t *n_tok)
{
    mid_trace *trace = NULL;
    float *scratch = NULL;
    mid_step step;
    uint32_t t;
    mid_status status = mid_store_get_trace(e->ctx, e->store, key, &trace);

    if (status == MID_OK)
        status = put_answer(e, key, a, trace);
    if (status == MID_OK && e->want_hidden)
        status = open_hidden(e, mid_trace_signals(trace));
    if (status == MID_OK && e->want_hidden && !(scratch = malloc((mid_trace_scratch(trace) + 1) * sizeof *scratch)))
        status = mid__oom(e->ctx, "hidden rows");
    *n_tok = trace ? mid_trace_n_tok(trace) : 0;
    for (t = 0; status == MID_OK && t < *n_tok; t++) {
        mid_trace_step(trace, t, scratch, &step);
        status = put_token(e, &step);
        if (status == MID_OK && e->want_hidden)
            status = put_hidden(e, &step);
    }
    free(scratch);
    mid_trace_close(trace);
    return status;
}

/* ---- a run's scores ---------------------------------------------------------------------------------------------- */

/* One set's scores of one monitor, as bench/score.c stores them: two costs, then n_tok scores three times, of which the
 * first are those of the model fitted on all other folds. */
typedef struct column { double *all; size_t n_tok, i_cell; } column;
typedef struct columns { column *at; size_t n; } columns;

static size_t find_column(const export *e, const char *monitor)
{
    size_t i;

    for (i = 2; i < e->n_score_column && strcmp(e->score_column[i].name, monitor) != 0; i++)
        ;
    return i;
}

static mid_status get_columns(export *e, yyjson_val *scores, columns *c)
{
    yyjson_val *item;
    size_t i, n, n_byte;
    mid_status status = MID_OK;

    c->at = calloc(yyjson_arr_size(scores) + 1, sizeof *c->at);
    if (!c->at)
        return mid__oom(e->ctx, "scores");
    yyjson_arr_foreach(scores, i, n, item) {
        const char *hex = yyjson_get_str(yyjson_obj_get(item, "key"));
        const char *monitor = yyjson_get_str(yyjson_obj_get(item, "monitor"));
        column *one = &c->at[c->n];
        mid_key key;
        snprintf(key.hex, sizeof key.hex, "%s", hex ? hex : "");
        status = mid_store_get_blob(e->ctx, e->store, "scores", &key, (void **)&one->all, &n_byte);
        if (status != MID_OK)
            break;
        c->n += 1;
        if (!monitor) {
            status = mid__fail(e->ctx, MID_EFORMAT, "scores without the name of a monitor; run the plan again");
            break;
        }
        one->n_tok = n_byte / sizeof(double) < 2 ? 0 : (n_byte / sizeof(double) - 2) / 3;
        one->i_cell = find_column(e, monitor);
    }
    return status;
}

static void clear_columns(columns *c)
{
    size_t i;

    for (i = 0; c->at && i < c->n; i++)
        mid_free(c->at[i].all);
    free(c->at);
}

/* Scores of the tokens from..from+n_tok of the set, all monitors. */
static mid_status put_scores(export *e, const columns *c, size_t from, uint32_t n_tok)
{
    mid_status status = MID_OK;
    uint32_t t;
    size_t i;

    for (i = 0; i < c->n; i++)
        if (from + n_tok > c->at[i].n_tok)
            return mid__fail(e->ctx, MID_EFORMAT, "scores of %s are of %zu tokens, the traces have more; run the plan "
                             "again", e->score_column[c->at[i].i_cell].name, c->at[i].n_tok);
    for (t = 0; t < n_tok && status == MID_OK; t++) {
        e->score_cell[0] = whole((int64_t)e->count->n_answer);
        e->score_cell[1] = whole(t);
        for (i = 2; i < e->n_score_column; i++)
            e->score_cell[i] = real(NAN, false);
        for (i = 0; i < c->n; i++) {
            e->score_cell[c->at[i].i_cell] = real(c->at[i].all[2 + from + t], true);
            e->count->n_score += 1;
        }
        status = put(e, &e->scores, e->score_cell);
    }
    return status;
}

static mid_status put_set(export *e, yyjson_val *set)
{
    yyjson_val *answers = yyjson_obj_get(set, "answers"), *item;
    columns c = { NULL, 0 };
    size_t i, n, from = 0;
    mid_status status = get_columns(e, yyjson_obj_get(set, "scores"), &c);

    yyjson_arr_foreach(answers, i, n, item) {
        const char *hex = yyjson_get_str(yyjson_obj_get(item, "trace"));
        const about a = {
            yyjson_get_str(yyjson_obj_get(set, "dataset")), yyjson_get_str(yyjson_obj_get(item, "id")),
            yyjson_get_sint(yyjson_obj_get(item, "label")), yyjson_get_sint(yyjson_obj_get(item, "onset")),
        };
        mid_key key;
        uint32_t n_tok = 0;
        snprintf(key.hex, sizeof key.hex, "%s", hex ? hex : "");
        if (status == MID_OK)
            status = put_trace(e, &key, &a, &n_tok);
        if (status == MID_OK)
            status = put_scores(e, &c, from, n_tok);
        if (status != MID_OK)
            break;
        from += n_tok;
        e->count->n_answer += 1;
    }
    clear_columns(&c);
    return status;
}

/* i_answer, i_tok, and each monitor of any set once. */
static mid_status name_columns(export *e, yyjson_val *index)
{
    yyjson_val *set, *item;
    size_t i, k, n, n_score, most = 2;

    yyjson_arr_foreach(index, i, n, set)
        most += yyjson_arr_size(yyjson_obj_get(set, "scores"));
    e->score_column = calloc(most, sizeof *e->score_column);
    e->score_cell = calloc(most, sizeof *e->score_cell);
    if (!e->score_column || !e->score_cell)
        return mid__oom(e->ctx, "scores");
    e->score_column[0] = (mid__column){ "i_answer", MID__INT64, false };
    e->score_column[1] = (mid__column){ "i_tok", MID__INT64, false };
    e->n_score_column = 2;
    yyjson_arr_foreach(index, i, n, set)
        yyjson_arr_foreach(yyjson_obj_get(set, "scores"), k, n_score, item) {
            const char *name = yyjson_get_str(yyjson_obj_get(item, "monitor"));
            if (name && find_column(e, name) == e->n_score_column)
                e->score_column[e->n_score_column++] = (mid__column){ name, MID__DOUBLE, true };
        }
    return MID_OK;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static mid_status put_one(void *user, const mid_key *key, const char *sample_id)
{
    export *e = user;
    const about a = { NULL, sample_id, -1, -1 };
    uint32_t n_tok;
    const mid_status status = put_trace(e, key, &a, &n_tok);

    e->count->n_answer += status == MID_OK;
    return status;
}

/* The run's index; *doc NULL if the store is not a run's. */
static mid_status read_index(export *e, yyjson_doc **doc)
{
    char *fact = NULL;
    mid_status status = mid_store_get_fact(e->ctx, e->store, "index", &fact);

    *doc = NULL;
    if (status == MID_ENOTFOUND)
        return MID_OK;
    if (status == MID_OK && !yyjson_is_arr(yyjson_doc_get_root(*doc = yyjson_read(fact, strlen(fact), 0))))
        status = mid__fail(e->ctx, MID_EFORMAT, "the store's fact 'index' is no JSON list; run the plan again");
    mid_free(fact);
    return status;
}

static mid_status write_all(export *e, const mid__table_ops *ops, const char *dir, yyjson_val *index)
{
    yyjson_val *set;
    size_t i, n;
    mid_status status = open_table(e, ops->texts ? ops : &mid__table_jsonl, dir, "answers", answer_columns, A_N,
                                   &e->answers);

    if (status == MID_OK)
        status = open_table(e, ops, dir, "tokens", token_columns, T_N, &e->tokens);
    if (status == MID_OK && index)
        status = name_columns(e, index);
    if (status == MID_OK && index)
        status = open_table(e, ops, dir, "scores", e->score_column, e->n_score_column, &e->scores);
    if (status == MID_OK && !index)
        status = mid_store_each_trace(e->ctx, e->store, put_one, e);
    yyjson_arr_foreach(index, i, n, set)
        if (status == MID_OK)
            status = put_set(e, set);
    if (status == MID_OK && !e->count->n_answer)
        status = mid__fail(e->ctx, MID_ENOTFOUND, "there is no trace in the store");
    if (status == MID_OK)
        status = commit_table(e, &e->answers);
    if (status == MID_OK)
        status = commit_table(e, &e->tokens);
    if (status == MID_OK)
        status = commit_table(e, &e->scores);
    return status == MID_OK && e->want_hidden ? mid__npy_commit(e->ctx, &e->hidden) : status;
}

static mid_status find_form(mid_ctx *ctx, const char *as, const mid__table_ops **out)
{
    size_t i;

    for (i = 0; i < FORM_N; i++)
        if (strcmp(forms[i]->name, as) == 0) {
            *out = forms[i];
            return MID_OK;
        }
    return mid__fail(ctx, MID_EINVAL, "no form '%s'; there are jsonl, npy, parquet", as);
}

static mid_status open_store(export *e, const char *path)
{
    struct stat info;

    if (stat(path, &info) != 0)                 /* mid_store_open() would make one */
        return mid__fail(e->ctx, MID_ENOTFOUND, "%s: no such store", path);
    return mid_store_open(e->ctx, path, &e->store);
}

mid_status mid_export(mid_ctx *ctx, const char *store, const char *as, const char *out_dir, bool hidden,
                      mid_export_count *count)
{
    mid_export_count counted = { 0 };
    export e = { .ctx = ctx, .count = &counted, .want_hidden = hidden, .n_layer = -1 };
    const mid__table_ops *ops = NULL;
    mid__buf hidden_path = { 0 };
    yyjson_doc *index = NULL;
    mid_status status = find_form(ctx, as, &ops);

    if (status == MID_OK)
        status = open_store(&e, store);
    if (status == MID_OK)
        status = read_index(&e, &index);
    if (status == MID_OK)
        status = mid__file_mkdir(ctx, out_dir);
    if (status == MID_OK && !mid__buf_fmt(&hidden_path, "%s/hidden.npy", out_dir))
        status = mid__oom(ctx, "a path");
    e.hidden_path = hidden_path.at;
    if (status == MID_OK)
        status = write_all(&e, ops, out_dir, yyjson_doc_get_root(index));
    if (status == MID_OK)
        *count = counted;
    mid__npy_close(&e.hidden);
    close_table(&e.scores);
    close_table(&e.tokens);
    close_table(&e.answers);
    free(e.score_cell);
    free(e.score_column);
    free(e.half);
    yyjson_doc_free(index);
    mid_store_close(e.store);
    mid__buf_clear(&hidden_path);
    return status;
}
