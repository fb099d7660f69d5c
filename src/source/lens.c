/* The logit lens: what a layer would predict if the model's head stood right behind it, lm_head(norm(h)). The engine
 * does not give out its weights, so the head is read from the model file: mapped, not copied, and multiplied by ggml on
 * the CPU in the file's own format, many rows at once. For the last layer that is the model's own prediction but for
 * rounding, which tests/source checks.
 *
 * Refusal tokens (METHODS W18): of each word below, with and without a space before it, the first token. Contractions
 * and words that begin like harmless ones ("not", "no") are left out: their first token says nothing. */
#include <errno.h>
#include <fcntl.h>
#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <gguf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ctx.h"
#include "signal/spread.h"
#include "source/engine.h"

static const char *const word[] = {
    "sorry", "Sorry", "cannot", "Cannot", "unable", "Unable", "unfortunately", "Unfortunately", "apologize", "apologies",
    "Apologies", "refuse", "decline", "illegal", "unethical", "harmful", "inappropriate",
};

enum { N_WORD = sizeof word / sizeof word[0], N_ROW = 64, N_NODE = 16 };

struct mid__lens {
    void *map;
    size_t n_map;
    struct ggml_context *file;      /* the tensors of the file; ours have their data */
    ggml_backend_buffer_t weights;
    struct ggml_tensor *norm, *head;
    float eps;
    ggml_backend_t backend;
    ggml_gallocr_t room;            /* of a graph's numbers */
    int32_t refusal[2 * N_WORD];
    int n_refusal;
    /* rows on their way through the head */
    float row[];                    /* (N_ROW, n_embd) */
};

/* ---- the file ---- */

static float number_of(const struct gguf_context *g, const char *arch, const char *name, float otherwise)
{
    char key[160];
    int64_t i;

    snprintf(key, sizeof key, "%.100s.%s", arch, name);
    i = gguf_find_key(g, key);
    return i >= 0 && gguf_get_kv_type(g, i) == GGUF_TYPE_FLOAT32 ? gguf_get_val_f32(g, i) : otherwise;
}

/* A head that is RMS norm and matrix: nothing added, scaled or bent. */
static mid_status check_head(mid_ctx *ctx, const mid_model *model, const struct gguf_context *g, struct ggml_context *file,
                             float *eps)
{
    const int64_t i_arch = gguf_find_key(g, "general.architecture");
    const char *arch = i_arch >= 0 && gguf_get_kv_type(g, i_arch) == GGUF_TYPE_STRING ? gguf_get_val_str(g, i_arch) : "";
    const struct ggml_tensor *norm = ggml_get_tensor(file, "output_norm.weight"), *head = ggml_get_tensor(file, "output.weight");

    head = head ? head : ggml_get_tensor(file, "token_embd.weight");
    *eps = number_of(g, arch, "attention.layer_norm_rms_epsilon", 0);
    if (!norm || !head || *eps <= 0 || norm->type != GGML_TYPE_F32 || norm->ne[0] != model->signals.n_embd ||
        head->ne[0] != model->signals.n_embd || head->ne[1] != model->signals.n_vocab ||
        ggml_get_tensor(file, "output_norm.bias") || ggml_get_tensor(file, "output.bias") ||
        number_of(g, arch, "final_logit_softcapping", 0) > 0 || number_of(g, arch, "logit_scale", 0) != 0)
        return mid__fail(ctx, MID_ESIGNAL, "%s: its head (%.40s) is not an RMS norm and a matrix alone, so a lens on its "
                         "layers cannot be made: leave out monitors that need one", model->desc, arch);
    return MID_OK;
}

static struct gguf_context *open_file(mid_ctx *ctx, const mid_model *model, struct ggml_context **file, float *eps,
                                      mid_status *status)
{
    const struct gguf_init_params params = { .no_alloc = true, .ctx = file };
    struct gguf_context *g = gguf_init_from_file(model->path, params);

    *status = g ? check_head(ctx, model, g, *file, eps)
                : mid__fail(ctx, MID_EIO, "%s: gone since the model was opened", model->path);
    return g;
}

mid_status mid__lens_check(mid_ctx *ctx, const mid_model *model)
{
    struct ggml_context *file = NULL;
    struct gguf_context *g;
    float eps;
    mid_status status;

    if (model->signals.n_layer == 0)
        return mid__fail(ctx, MID_ESIGNAL, "a lens wanted: open the model with tapped layers");
    if (model->lens)
        return MID_OK;
    g = open_file(ctx, model, &file, &eps, &status);
    if (g)
        gguf_free(g);
    if (file)
        ggml_free(file);
    return status;
}

static mid_status map_file(mid_ctx *ctx, const char *path, mid__lens *lens)
{
    struct stat info;
    const int f = open(path, O_RDONLY);
    const bool known = f >= 0 && fstat(f, &info) == 0;

    lens->map = known ? mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, f, 0) : MAP_FAILED;
    if (f >= 0)
        close(f);
    if (lens->map == MAP_FAILED) {
        lens->map = NULL;
        return mid__fail(ctx, MID_EIO, "%s: cannot map the model again: %s", path, strerror(errno));
    }
    lens->n_map = (size_t)info.st_size;
    return MID_OK;
}

/* The tensor of that name with its data where the file has it; NULL: not there, or not whole. */
static struct ggml_tensor *tensor_of(mid__lens *lens, const struct gguf_context *g, const char *name)
{
    struct ggml_tensor *t = ggml_get_tensor(lens->file, name);
    const int64_t i = gguf_find_tensor(g, name);
    size_t at;

    if (!t || i < 0)
        return NULL;
    at = gguf_get_data_offset(g) + gguf_get_tensor_offset(g, i);
    if (at + ggml_nbytes(t) > lens->n_map || ggml_backend_tensor_alloc(lens->weights, t, (char *)lens->map + at) != GGML_STATUS_SUCCESS)
        return NULL;
    return t;
}

static mid_status find_refusals(mid_ctx *ctx, const mid_model *model, mid__lens *lens)
{
    char text[40];
    size_t i;
    int n, k;

    for (i = 0; i < 2 * N_WORD; i++) {
        llama_token *token = NULL;
        mid_status status;
        snprintf(text, sizeof text, "%s%s", i % 2 ? " " : "", word[i / 2]);
        status = mid__text_tokens(ctx, model, text, false, &token, &n);
        if (status != MID_OK)
            return status;
        for (k = 0; n > 0 && k < lens->n_refusal && lens->refusal[k] != token[0]; k++)
            ;
        if (n > 0 && k == lens->n_refusal)
            lens->refusal[lens->n_refusal++] = token[0];
        free(token);
    }
    return MID_OK;
}

mid_status mid__lens_open(mid_ctx *ctx, const mid_model *model, mid__lens **out)
{
    mid__lens *lens = calloc(1, sizeof *lens + (size_t)N_ROW * (size_t)model->signals.n_embd * sizeof lens->row[0]);
    struct gguf_context *g = NULL;
    mid_status status = MID_OK;

    if (!lens)
        return mid__oom(ctx, "a lens");
    g = open_file(ctx, model, &lens->file, &lens->eps, &status);
    if (status == MID_OK)
        status = map_file(ctx, model->path, lens);
    if (status != MID_OK)
        goto out;
    lens->backend = ggml_backend_cpu_init();
    lens->weights = ggml_backend_cpu_buffer_from_ptr(lens->map, lens->n_map);
    lens->room = ggml_gallocr_new(ggml_backend_cpu_buffer_type());
    if (!lens->backend || !lens->weights || !lens->room) {
        status = mid__oom(ctx, "a lens");
        goto out;
    }
    ggml_backend_cpu_set_n_threads(lens->backend, model->n_threads);
    ggml_backend_cpu_set_threadpool(lens->backend, model->pool);
    lens->norm = tensor_of(lens, g, "output_norm.weight");
    lens->head = tensor_of(lens, g, gguf_find_tensor(g, "output.weight") >= 0 ? "output.weight" : "token_embd.weight");
    if (!lens->norm || !lens->head)
        status = mid__fail(ctx, MID_EFORMAT, "%s: changed since the model was opened", model->path);
    if (status == MID_OK)
        status = find_refusals(ctx, model, lens);
out:
    if (g)
        gguf_free(g);
    if (status == MID_OK)
        *out = lens;
    else
        mid__lens_close(lens);
    return status;
}

void mid__lens_close(mid__lens *lens)
{
    if (!lens)
        return;
    if (lens->room)
        ggml_gallocr_free(lens->room);
    if (lens->weights)
        ggml_backend_buffer_free(lens->weights);
    if (lens->backend)
        ggml_backend_free(lens->backend);
    if (lens->file)
        ggml_free(lens->file);
    if (lens->map)
        munmap(lens->map, lens->n_map);
    free(lens);
}

/* ---- rows through the head ---- */

/* Which row of the batch and layer stands where in lens->row. */
struct place { int i, l; };

/* Logits of n rows, then the figures of each. */
static mid_status through(mid_ctx *ctx, mid__lens *lens, const mid_model *model, const struct place *place, int n,
                          const mid__softmax *final_of, float *out)
{
    const int n_embd = model->signals.n_embd, n_vocab = model->signals.n_vocab, n_layer = model->signals.n_layer;
    const struct ggml_init_params params = { .mem_size = N_NODE * ggml_tensor_overhead() + ggml_graph_overhead_custom(N_NODE, false),
                                             .no_alloc = true };
    struct ggml_context *g = ggml_init(params);
    struct ggml_cgraph *graph;
    struct ggml_tensor *in, *logits;
    mid_status status = MID_OK;
    int k;

    if (!g)
        return mid__oom(ctx, "a lens");
    graph = ggml_new_graph_custom(g, N_NODE, false);
    in = ggml_new_tensor_2d(g, GGML_TYPE_F32, n_embd, n);
    ggml_set_input(in);
    logits = ggml_mul_mat(g, lens->head, ggml_mul(g, ggml_rms_norm(g, in, lens->eps), lens->norm));
    ggml_set_output(logits);
    ggml_build_forward_expand(graph, logits);
    if (!ggml_gallocr_alloc_graph(lens->room, graph)) {
        status = mid__oom(ctx, "a lens");
        goto out;
    }
    ggml_backend_tensor_set(in, lens->row, 0, (size_t)n * (size_t)n_embd * sizeof lens->row[0]);
    if (ggml_backend_graph_compute(lens->backend, graph) != GGML_STATUS_SUCCESS)
        status = mid__fail(ctx, MID_EMODEL, "%s: the engine failed to apply its head to a layer", model->desc);
    for (k = 0; status == MID_OK && k < n; k++) {
        const float *final = llama_get_logits_ith(model->lctx, place[k].i), *q = (const float *)logits->data + (size_t)k * n_vocab;
        if (!mid__lens_of(final, &final_of[k], q, n_vocab, lens->refusal, lens->n_refusal,
                          out + ((size_t)place[k].i * n_layer + place[k].l) * MID_LENS_N))
            status = mid__fail(ctx, MID_EMODEL, "%s: layer %d predicts what is not a number", model->desc,
                               model->signals.layer[place[k].l]);
    }
out:
    ggml_free(g);
    return status;
}

mid_status mid__lens_read(mid_ctx *ctx, mid__lens *lens, mid_model *model, const mid__decode *batch, float *out)
{
    const size_t n_embd = (size_t)model->signals.n_embd;
    mid__softmax final_of[N_ROW], of;
    struct place place[N_ROW];
    mid_status status = MID_OK;
    int i, l, n = 0, i_want = 0;

    for (i = 0; status == MID_OK && i < batch->n; i++) {
        if (batch->n_prompt[i])
            status = mid__engine_softmax(ctx, model, i, &of);
        for (l = 0; status == MID_OK && batch->n_prompt[i] && l < model->signals.n_layer; l++) {
            const int row = model->signals.layer[l] == model->n_layer - 1 ? i_want : i;
            memcpy(lens->row + n * n_embd, model->row[l] + row * n_embd, n_embd * sizeof lens->row[0]);
            final_of[n] = of;
            place[n++] = (struct place){ i, l };
            if (n == N_ROW) {
                status = through(ctx, lens, model, place, n, final_of, out);
                n = 0;
            }
        }
        i_want += batch->want[i];
    }
    return status == MID_OK && n > 0 ? through(ctx, lens, model, place, n, final_of, out) : status;
}
