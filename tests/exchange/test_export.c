/* Exporting: bad input, and what JSON lines look like. That pandas, pyarrow and numpy read all forms is
 * tests/oracle/export.py's. */
#include "test.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "exchange/table.h"

/* One token "a\xff" with 2 rows of n_embd, and its key. */
static mid_key put_trace(mid_store *store, const char *id, int n_embd)
{
    const mid_signals s = { .have = MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_HIDDEN, .n_layer = 2, .layer = { 0, 5 },
                            .n_embd = n_embd };
    const mid_prompt prompt = { .text = "\"p\"" };
    const float hidden[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    const mid_step step = { .have = s.have, .token = 5, .n_text = 2, .text = "a\xff", .lp = -0.5f, .hidden = hidden };
    const mid_key key = mid_key_of(id, NULL);
    mid_trace *trace;

    CHECK_OK(mid_trace_open(test_ctx(), &s, &prompt, &trace));
    CHECK_OK(mid_trace_append(trace, &step));
    CHECK_OK(mid_store_put_trace(test_ctx(), store, &key, id, trace));
    mid_trace_close(trace);
    return key;
}

static const char *fresh_store(const char *name, mid_store **out)
{
    const char *path = test_path(name);

    CHECK_OK(mid_store_open(test_ctx(), path, out));
    return path;
}

static void check_text(const char *path, const char *want)
{
    char *bytes;
    size_t n;

    CHECK_OK(mid__file_read(test_ctx(), path, 0, &bytes, &n));
    CHECK_TEXT(bytes, want);
    mid_free(bytes);
}

TEST(export, jsonl)
{
    mid_store *store;
    mid_export_count count;
    const char *path = fresh_store("one.db", &store);
    char want[400];
    const mid_key key = put_trace(store, "s-1", 4);

    CHECK_OK(mid_export(test_ctx(), path, "jsonl", test_path("one"), false, &count));
    CHECK_INT(count.n_answer, 1);
    CHECK_INT(count.n_tok, 1);
    snprintf(want, sizeof want, "{\"i_answer\":0,\"id\":\"s-1\",\"dataset\":null,\"trace\":\"%s\",\"observer\":\"\",\"n_tok\":1,"
             "\"prompt\":\"\\\"p\\\"\",\"text\":\"a\xef\xbf\xbd\",\"label\":null,\"onset_byte\":null}\n", key.hex);
    check_text(test_path("one/answers.jsonl"), want);
    check_text(test_path("one/tokens.jsonl"), "{\"i_answer\":0,\"i_tok\":0,\"token\":5,\"at_byte\":0,\"n_byte\":2,"
               "\"text\":\"a\xef\xbf\xbd\",\"logprob\":-0.5,\"entropy_nats\":null}\n");
    CHECK(access(test_path("one/scores.jsonl"), F_OK) != 0 && access(test_path("one/hidden.npy"), F_OK) != 0);
    mid_store_close(store);
}

TEST(export, bad_input)
{
    mid_store *store;
    mid_export_count count;
    const char *path = fresh_store("bad.db", &store), *out = test_path("bad");

    CHECK_FAILS(mid_export(test_ctx(), path, "xls", out, false, &count), MID_EINVAL);
    CHECK_SAYS("no form 'xls'; there are jsonl, npy, parquet");
    CHECK_FAILS(mid_export(test_ctx(), test_path("none.db"), "npy", out, false, &count), MID_ENOTFOUND);
    CHECK_SAYS("none.db: no such store");
    CHECK(access(test_path("none.db"), F_OK) != 0);
    CHECK_FAILS(mid_export(test_ctx(), path, "npy", out, true, &count), MID_ENOTFOUND);
    CHECK_SAYS("there is no trace in the store");
    put_trace(store, "s-1", 4);
    put_trace(store, "s-2", 3);
    CHECK_OK(mid_export(test_ctx(), path, "npy", out, false, &count));
    CHECK_FAILS(mid_export(test_ctx(), path, "parquet", test_path("wide"), true, &count), MID_EMISMATCH);
    CHECK_SAYS("hidden rows of 2 layers of 3, and before of 2 layers of 4");
    CHECK(access(test_path("wide/tokens.parquet"), F_OK) != 0);         /* nothing half done */
    CHECK_OK(mid_store_put_fact(test_ctx(), store, "index", "{"));
    CHECK_FAILS(mid_export(test_ctx(), path, "jsonl", out, false, &count), MID_EFORMAT);
    CHECK_SAYS("the store's fact 'index' is no JSON list");
    mid_store_close(store);
}

/* An index that does not fit the store: unknown scores, scores of fewer tokens, no trace of that key. */
TEST(export, bad_index)
{
    mid_store *store;
    mid_export_count count;
    const char *path = fresh_store("index.db", &store), *out = test_path("index");
    const mid_key key = put_trace(store, "s-1", 4), scores = mid_key_of("scores", NULL);
    const double none[2] = { 0, 0 };
    char index[400];

    snprintf(index, sizeof index, "[{\"dataset\":\"d\",\"answers\":[{\"id\":\"s-1\",\"trace\":\"%s\",\"label\":1,"
             "\"onset\":0}],\"scores\":[{\"monitor\":\"m\",\"key\":\"%s\"}]}]", key.hex, scores.hex);
    CHECK_OK(mid_store_put_fact(test_ctx(), store, "index", index));
    CHECK_FAILS(mid_export(test_ctx(), path, "jsonl", out, false, &count), MID_ENOTFOUND);
    CHECK_OK(mid_store_put_blob(test_ctx(), store, "scores", &scores, none, sizeof none));
    CHECK_FAILS(mid_export(test_ctx(), path, "jsonl", out, false, &count), MID_EFORMAT);
    CHECK_SAYS("scores of m are of 0 tokens, the traces have more");
    snprintf(index, sizeof index, "[{\"scores\":[{\"key\":\"%s\"}]}]", scores.hex);
    CHECK_OK(mid_store_put_fact(test_ctx(), store, "index", index));
    CHECK_FAILS(mid_export(test_ctx(), path, "jsonl", out, false, &count), MID_EFORMAT);
    CHECK_SAYS("scores without the name of a monitor");
    CHECK_OK(mid_store_put_fact(test_ctx(), store, "index", "[{\"answers\":[{\"id\":\"x\",\"trace\":\"y\"}]}]"));
    CHECK_FAILS(mid_export(test_ctx(), path, "jsonl", out, false, &count), MID_EINVAL);
    CHECK_OK(mid_store_put_fact(test_ctx(), store, "index", "[3,{\"scores\":[{}]}]"));
    CHECK_FAILS(mid_export(test_ctx(), path, "jsonl", out, false, &count), MID_EINVAL);
    mid_store_close(store);
}

/* The disk is full in the middle of a row group: no footer of chunks that were never written, and no file. */
TEST(export, parquet_on_a_full_disk)
{
    enum { N = 10, N_ROW = 2000 };
    mid__column column[N];
    mid__cell cell[N];
    void *state = calloc(1, mid__table_parquet.state_size);
    const char *path = test_path("full");
    struct rlimit whole, little;
    void (*signalled)(int) = signal(SIGXFSZ, SIG_IGN);
    mid_status status;
    int i;

    for (i = 0; i < N; i++) {
        column[i] = (mid__column){ "x", MID__INT64, false };
        cell[i] = (mid__cell){ .whole = i };
    }
    CHECK_OK(mid__table_parquet.open(test_ctx(), state, path, column, N));
    for (i = 0; i < N_ROW; i++)
        CHECK_OK(mid__table_parquet.row(test_ctx(), state, cell));
    CHECK(getrlimit(RLIMIT_FSIZE, &whole) == 0);
    little = (struct rlimit){ N_ROW * 8 * N / 2, whole.rlim_max };
    CHECK(setrlimit(RLIMIT_FSIZE, &little) == 0);
    status = mid__table_parquet.commit(test_ctx(), state);
    CHECK(setrlimit(RLIMIT_FSIZE, &whole) == 0);
    signal(SIGXFSZ, signalled);
    CHECK_FAILS(status, MID_EIO);
    mid__table_parquet.close(state);
    free(state);
    CHECK(access(test_path("full.parquet"), F_OK) != 0);
}
