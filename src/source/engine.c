/* Decoding with taps. llama.cpp calls cb_eval for every node of the graph; we ask for the nodes "l_out-<layer>" and copy
 * their rows. A decode may be cut into several ubatches; their rows arrive in batch order, as long as the sequence ids of
 * a batch ascend, so appending keeps them in batch order too (tests/source compares with token-by-token decoding).
 *
 * Attention is the node "kq_soft_max-<layer>", which exists only without flash attention: (n_cell, n_tok / n_stream,
 * n_head, n_stream), where a stream is a sequence with cells of its own. Its columns are cells, not positions. They are
 * the same here: a sequence is always forgotten as a whole, fills its cells from the first one on, and moves with them.
 * Each row that is read is checked to sum to 1 over cells 0..position; one that does not is refused, never guessed. */
#include "source/engine.h"

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/ctx.h"
#include "base/file.h"
#include "base/half.h"
#include "base/hash.h"
#include "base/kernel.h"

/* llama.cpp logs through one global function. We keep a thread's last error line, to put it behind our own message. */
static _Thread_local char engine_said[256];

static void engine_log(enum ggml_log_level level, const char *text, void *user)
{
    (void)user;
    if (level == GGML_LOG_LEVEL_ERROR) {
        snprintf(engine_said, sizeof engine_said, "%s", text);
        engine_said[strcspn(engine_said, "\n")] = 0;
    }
}

static void engine_start(void)
{
    llama_log_set(engine_log, NULL);
    llama_backend_init();
}

#ifndef MID_ENGINE
#define MID_ENGINE llama_version()
#endif
const char *mid__engine_version(void) { return MID_ENGINE; }

mid_model_opts mid_model_opts_default(void) { return (mid_model_opts){ .size = sizeof(mid_model_opts) }; }

static int tap_of(const mid_model *m, const char *name)
{
    int layer, i, end = 0;

    if (sscanf(name, "l_out-%d%n", &layer, &end) != 1 || name[end])
        return -1;
    for (i = 0; i < m->signals.n_layer; i++)
        if (m->signals.layer[i] == layer)
            return i;
    return -1;
}

MID__CLONES
static double sum_of(const float *x, int n)
{
    mid__lanes lane = { 0 };
    double sum = 0;
    int i, k;

    for (i = 0; i + MID__N_LANE <= n; i += MID__N_LANE)
        lane += mid__lanes_at(x + i);
    for (k = 0; k < MID__N_LANE; k++)
        sum += (double)lane[k];
    for (; i < n; i++)
        sum += (double)x[i];
    return sum;
}

static int attention_layer(const mid_model *m, const char *name)
{
    int layer, end = 0;

    if (!m->decoding || sscanf(name, "kq_soft_max-%d%n", &layer, &end) != 1 || name[end] || layer >= m->n_layer)
        return -1;
    return layer;
}

/* One head's view of the batch's i-th token, a token of an answer; out stays NaN if it is not what we take it for. */
static void read_head(mid_model *m, const struct ggml_tensor *t, size_t offset, int i, float *out)
{
    const int n_prompt = m->decoding->n_prompt[i], pos = m->decoding->pos[i];
    double context;

    if (pos >= t->ne[0] || t->type != GGML_TYPE_F32)
        return;
    ggml_backend_tensor_get(t, m->weight, offset, (size_t)(pos + 1) * sizeof *m->weight);
    context = sum_of(m->weight, n_prompt);
    if (!(fabs(context + sum_of(m->weight + n_prompt, pos + 1 - n_prompt) - 1) < 1e-3))
        return;
    out[MID_ATTENTION_CONTEXT] = (float)context;
    out[MID_ATTENTION_SELF] = m->weight[pos];
    out[MID_ATTENTION_PREVIOUS] = m->weight[pos - 1];
}

static void read_attention(mid_model *m, const struct ggml_tensor *t, int layer)
{
    int64_t stream, row, head;

    for (stream = 0; stream < t->ne[3]; stream++)
        for (row = 0; row < t->ne[1]; row++) {
            const int i = m->n_seen[layer]++;
            float *out;
            if (i >= m->decoding->n || !m->decoding->n_prompt[i] || t->ne[2] != m->n_head_layer)
                continue;
            out = m->seen + ((size_t)i * m->n_layer + layer) * m->n_head_layer * MID_ATTENTION_N;
            for (head = 0; head < t->ne[2]; head++)
                read_head(m, t, stream * t->nb[3] + head * t->nb[2] + row * t->nb[1], i, out + head * MID_ATTENTION_N);
        }
}

static bool tap(struct ggml_tensor *t, bool ask, void *user)
{
    mid_model *m = user;
    const int i = tap_of(m, t->name), layer = i < 0 ? attention_layer(m, t->name) : -1;

    if (layer >= 0) {
        if (!ask)
            read_attention(m, t, layer);
        return true;
    }
    if (i < 0)
        return !ask;
    if (!ask && m->n_row[i] + t->ne[1] <= MID__CHUNK_TOK) {
        ggml_backend_tensor_get(t, m->row[i] + (size_t)m->n_row[i] * m->signals.n_embd, 0, ggml_nbytes(t));
        m->n_row[i] += (int)t->ne[1];
    }
    return true;
}

/* The layers to tap: as asked, or four spread over the depth (7, 14, 21, 29 of 30). */
static mid_status choose_layers(mid_ctx *ctx, mid_model *m, const mid_model_opts *opts)
{
    int i;

    m->signals.n_layer = opts->n_layer > 0 ? opts->n_layer : opts->n_layer < 0 ? 0 : m->n_layer < 4 ? m->n_layer : 4;
    if (m->signals.n_layer > MID_LAYER_MAX)
        return mid__fail(ctx, MID_EINVAL, "%d layers asked for, the limit is %d", m->signals.n_layer, MID_LAYER_MAX);
    for (i = 0; i < m->signals.n_layer; i++) {
        const int l = opts->n_layer > 0 ? opts->layer[i]
                    : i == m->signals.n_layer - 1 ? m->n_layer - 1 : (i + 1) * (m->n_layer / m->signals.n_layer);
        if (l < 0 || l >= m->n_layer)
            return mid__fail(ctx, MID_EINVAL, "layer %d asked for, %s has layers 0..%d", l, m->desc, m->n_layer - 1);
        if (i && l <= m->signals.layer[i - 1])
            return mid__fail(ctx, MID_EINVAL, "layers must ascend: %d after %d", l, m->signals.layer[i - 1]);
        m->signals.layer[i] = l;
    }
    return MID_OK;
}

static mid_status open_context(mid_ctx *ctx, mid_model *m, const mid_model_opts *opts, const char *path)
{
    struct llama_context_params p = llama_context_default_params();
    struct ggml_threadpool_params pool = ggml_threadpool_params_default(opts->n_threads > 0 ? opts->n_threads
                                                                       : (int)sysconf(_SC_NPROCESSORS_ONLN));
    int i;

    m->n_seq = opts->n_seq > 0 ? opts->n_seq : MID_GROUP_N;
    m->n_ctx_seq = opts->n_ctx_seq > 0 ? opts->n_ctx_seq : 1024;
    m->n_threads = pool.n_threads;
    p.n_ctx = (uint32_t)(m->n_ctx_seq * m->n_seq);
    p.n_batch = p.n_ubatch = MID__CHUNK_TOK;
    p.n_seq_max = (uint32_t)m->n_seq;
    p.n_threads = p.n_threads_batch = pool.n_threads;
    p.no_perf = true;
    if (m->signals.n_layer || opts->attention) {
        p.cb_eval = tap;
        p.cb_eval_user_data = m;
    }
    if (opts->attention)
        p.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    m->lctx = llama_init_from_model(m->llama, p);
    if (!m->lctx)
        return mid__fail(ctx, MID_EMODEL, "%s: no context of %d x %d tokens: %s", path, m->n_seq, m->n_ctx_seq, engine_said);
    m->pool = ggml_threadpool_new(&pool);
    if (!m->pool)
        return mid__oom(ctx, "the thread pool");
    llama_attach_threadpool(m->lctx, m->pool, m->pool);
    for (i = 0; i < m->signals.n_layer; i++) {
        m->row[i] = malloc((size_t)MID__CHUNK_TOK * m->signals.n_embd * sizeof(float));
        if (!m->row[i])
            return mid__oom(ctx, "hidden rows");
    }
    if (opts->attention) {
        m->seen = malloc((size_t)MID__CHUNK_TOK * m->n_layer * m->n_head_layer * MID_ATTENTION_N * sizeof *m->seen);
        m->weight = malloc((size_t)m->n_ctx_seq * sizeof *m->weight);
        m->n_seen = malloc((size_t)m->n_layer * sizeof *m->n_seen);
        if (!m->seen || !m->weight || !m->n_seen)
            return mid__oom(ctx, "attention");
    }
    return MID_OK;
}

static const struct { const char *name; enum llama_ftype type; } format[] = {
    { "bf16", LLAMA_FTYPE_MOSTLY_BF16 }, { "q4_0", LLAMA_FTYPE_MOSTLY_Q4_0 }, { "q8_0", LLAMA_FTYPE_MOSTLY_Q8_0 },
};

/* Path of the copy of `path` in another format, made once: written under another name, then renamed. */
static mid_status quantised_copy(mid_ctx *ctx, const char *path, const char *hash, const mid_model_opts *opts,
                                 char *copy, size_t n_copy)
{
    struct llama_model_quantize_params q = llama_model_quantize_default_params();
    char part[1100];
    FILE *f;
    size_t i;
    mid_status status;

    for (i = 0; i < sizeof format / sizeof format[0] && strcmp(format[i].name, opts->quantise) != 0; i++)
        ;
    if (i == sizeof format / sizeof format[0])
        return mid__fail(ctx, MID_EINVAL, "quantise '%s': must be bf16, q4_0 or q8_0", opts->quantise);
    if (!opts->cache_dir)
        return mid__fail(ctx, MID_EINVAL, "quantise '%s' needs a cache folder for the copy", opts->quantise);
    snprintf(copy, n_copy, "%s/observers", opts->cache_dir);
    status = mid__file_mkdir(ctx, copy);
    if (status != MID_OK)
        return status;
    snprintf(copy, n_copy, "%s/observers/%.16s-%s.gguf", opts->cache_dir, hash, opts->quantise);
    f = fopen(copy, "rb");
    if (f) {
        fclose(f);
        return MID_OK;
    }
    mid__log(ctx, MID_LOG_INFO, "making a %s copy of %s (once)", opts->quantise, path);
    snprintf(part, sizeof part, "%s.part", copy);
    q.ftype = format[i].type;
    q.allow_requantize = true;
    q.nthread = opts->n_threads;
    if (llama_model_quantize(path, part, &q) != 0 || rename(part, copy) != 0) {
        remove(part);
        return mid__fail(ctx, MID_EIO, "%s: cannot make the %s copy: %s", copy, opts->quantise, engine_said);
    }
    return MID_OK;
}

static void observer_id(mid_model *m, const char *quantise)
{
    mid__sha256 s;

    mid__sha256_init(&s);
    mid__sha256_put(&s, m->hash, 64);
    mid__sha256_put(&s, quantise ? quantise : "", quantise ? strlen(quantise) : 0);
    mid__sha256_hex(&s, m->signals.observer);
}

mid_status mid_model_open(mid_ctx *ctx, const char *path, const mid_model_opts *opts, mid_model **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const mid_model_opts defaults = mid_model_opts_default();
    struct llama_model_params p = llama_model_default_params();
    char copy[1024];
    mid_model *m = NULL;
    mid_status status;

    pthread_once(&once, engine_start);
    status = mid__gguf_check(ctx, path);
    if (status != MID_OK)
        return status;
    opts = opts ? opts : &defaults;
    m = calloc(1, sizeof *m);
    if (!m)
        return mid__oom(ctx, path);
    status = mid__file_hash(ctx, path, m->hash);
    if (status == MID_OK && opts->quantise)
        status = quantised_copy(ctx, path, m->hash, opts, copy, sizeof copy);
    if (status != MID_OK)
        goto out;
    engine_said[0] = 0;
    snprintf(m->path, sizeof m->path, "%s", opts->quantise ? copy : path);
    m->llama = llama_model_load_from_file(opts->quantise ? copy : path, p);
    if (!m->llama) {
        status = mid__fail(ctx, MID_EMODEL, "%s: the engine refuses this model: %s", path, engine_said);
        goto out;
    }
    m->vocab = llama_model_get_vocab(m->llama);
    m->n_layer = llama_model_n_layer(m->llama);
    m->n_head_layer = llama_model_n_head(m->llama);
    llama_model_desc(m->llama, m->desc, sizeof m->desc);
    if (llama_model_meta_val_str(m->llama, "general.name", m->desc, sizeof m->desc) < 0)
        llama_model_desc(m->llama, m->desc, sizeof m->desc);
    m->signals.n_embd = llama_model_n_embd(m->llama);
    m->signals.n_vocab = llama_vocab_n_tokens(m->vocab);
    m->signals.n_top = MID_TOP_MAX;
    observer_id(m, opts->quantise);
    status = choose_layers(ctx, m, opts);
    if (status == MID_OK)
        status = open_context(ctx, m, opts, path);
    m->signals.have = MID_SIG_TEXT | MID_SIG_LOGPROB | MID_SIG_ENTROPY | MID_SIG_TOP | MID_SIG_TIME
                    | (m->signals.n_layer ? MID_SIG_HIDDEN : 0);
out:
    if (status == MID_OK)
        *out = m;
    else
        mid_model_close(m);
    return status;
}

void mid_model_close(mid_model *model)
{
    int i;

    if (!model)
        return;
    mid__server_close(model->server);
    if (model->lctx)
        llama_free(model->lctx);
    if (model->pool)
        ggml_threadpool_free(model->pool);
    if (model->llama && !model->forked)
        llama_model_free(model->llama);
    mid__lens_close(model->lens);
    for (i = 0; i < MID_LAYER_MAX; i++)
        free(model->row[i]);
    free(model->seen);
    free(model->weight);
    free(model->n_seen);
    free(model);
}

mid_status mid_model_fork(mid_ctx *ctx, mid_model *model, const mid_model_opts *opts, mid_model **out)
{
    mid_model *m = calloc(1, sizeof *m);
    mid_status status;

    if (!m)
        return mid__oom(ctx, model->desc);
    m->llama = model->llama;
    m->forked = true;
    m->vocab = model->vocab;
    m->signals = model->signals;
    m->n_layer = model->n_layer;
    m->n_head_layer = model->n_head_layer;
    memcpy(m->path, model->path, sizeof m->path);
    memcpy(m->desc, model->desc, sizeof m->desc);
    memcpy(m->hash, model->hash, sizeof m->hash);
    status = model->server ? mid__server_fork(ctx, model->server, &m->server) : open_context(ctx, m, opts, model->desc);
    if (status == MID_OK)
        *out = m;
    else
        mid_model_close(m);
    return status;
}

const mid_signals *mid_model_signals(const mid_model *model) { return &model->signals; }
int mid_model_n_layer(const mid_model *model) { return model->n_layer; }
const char *mid_model_desc(const mid_model *model) { return model->desc; }
const char *mid_model_hash(const mid_model *model) { return model->hash; }
bool mid_model_has_template(const mid_model *model)
{
    return model->server || llama_model_chat_template(model->llama, NULL);
}

/* Nothing is known of the attention of this decode yet; of a prompt it is not asked for. */
static void await_attention(mid_model *m, const mid__decode *batch)
{
    const size_t n = (size_t)m->n_layer * m->n_head_layer * MID_ATTENTION_N;
    size_t k;
    int i;

    m->decoding = NULL;
    for (i = 0; m->wants_attention && i < batch->n; i++)
        if (batch->n_prompt[i]) {
            m->decoding = batch;
            for (k = 0; k < n; k++)
                m->seen[i * n + k] = NAN;
        }
    if (m->decoding)
        memset(m->n_seen, 0, (size_t)m->n_layer * sizeof *m->n_seen);
}

mid_status mid__engine_decode(mid_ctx *ctx, mid_model *model, const mid__decode *batch)
{
    mid__decode *b = (mid__decode *)batch;                  /* llama_batch has no const; llama_decode only reads */
    int32_t one[MID__CHUNK_TOK];
    llama_seq_id *seq[MID__CHUNK_TOK];
    struct llama_batch lb = { .n_tokens = b->n, .token = b->token, .pos = b->pos, .n_seq_id = one, .seq_id = seq,
                              .logits = b->want };
    int i, failed;

    for (i = 0; i < b->n; i++) {
        one[i] = 1;
        seq[i] = &b->seq[i];
    }
    memset(model->n_row, 0, sizeof model->n_row);
    await_attention(model, batch);
    engine_said[0] = 0;
    failed = llama_decode(model->lctx, lb);
    model->decoding = NULL;
    if (failed)
        return mid__fail(ctx, MID_EMODEL, "decoding %d tokens failed (%d): %s", b->n, failed, engine_said);
    return MID_OK;
}

void mid__engine_hidden(const mid_model *model, int i, int i_want, float *hidden)
{
    const size_t d = (size_t)model->signals.n_embd;
    int l;

    for (l = 0; l < model->signals.n_layer; l++) {
        const int row = model->signals.layer[l] == model->n_layer - 1 ? i_want : i;
        mid__half_round(model->row[l] + row * d, hidden + l * d, d);
    }
}

mid_status mid__engine_attention(mid_ctx *ctx, const mid_model *model, int i, float *out)
{
    const int n = model->n_layer * model->n_head_layer * MID_ATTENTION_N;
    int k;

    mid__half_round(model->seen + (size_t)i * n, out, (size_t)n);
    for (k = 0; k < n; k++)
        if (isnan(out[k]))
            return mid__fail(ctx, MID_EMODEL, "%s: attention of layer %d did not come, or not as weights that sum to 1 over "
                             "the text: leave out monitors that need it", model->desc,
                             k / (model->n_head_layer * MID_ATTENTION_N));
    return MID_OK;
}

mid_status mid__engine_read(mid_ctx *ctx, mid_model *model, int seq, const llama_token *token, int n,
                            mid__each_fn each, void *user)
{
    mid__decode *batch = calloc(1, sizeof *batch);
    mid_status status = batch ? MID_OK : mid__oom(ctx, "a batch");
    int i, k;

    for (i = 0; status == MID_OK && i < n; i += batch->n) {
        batch->n = n - i < MID__CHUNK_TOK ? n - i : MID__CHUNK_TOK;
        for (k = 0; k < batch->n; k++) {
            batch->token[k] = token[i + k];
            batch->pos[k] = i + k;
            batch->seq[k] = seq;
            batch->want[k] = each != NULL || i + k == n - 1;
        }
        status = mid__engine_decode(ctx, model, batch);
        for (k = 0; status == MID_OK && each && k < batch->n; k++)
            status = each(user, i + k, k);
    }
    free(batch);
    return status;
}

mid_status mid__engine_softmax(mid_ctx *ctx, mid_model *model, int i, mid__softmax *out)
{
    const float *logits = llama_get_logits_ith(model->lctx, i);

    if (!logits || !mid__softmax_of(logits, model->signals.n_vocab, out))
        return mid__fail(ctx, MID_EMODEL, "%s gave logits that are not numbers", model->desc);
    return MID_OK;
}

void mid__engine_forget(mid_model *model, int seq) { llama_memory_seq_rm(llama_get_memory(model->lctx), seq, -1, -1); }

void mid__engine_move(mid_model *model, int from, int to)
{
    llama_memory_seq_cp(llama_get_memory(model->lctx), from, to, -1, -1);
    llama_memory_seq_rm(llama_get_memory(model->lctx), from, -1, -1);
}
