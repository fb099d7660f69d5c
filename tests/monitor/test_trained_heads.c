/* The heads' derivatives against finite differences, on answers of different lengths, one of them empty. */
#include "learn/gradient.h"

#include "monitor/trained_heads.h"

enum { N_SEQ = 5, D = 4, N_ROW_MAX = 64 };

static const uint64_t seed = 20260117;
static const size_t length[N_SEQ] = { 6, 1, 0, 23, 12 };

/* Random rows; every third row stands for two tokens more. With prompt, the first row of each is the prompt's. */
static void fill(mid__rng *rng, bool prompt, mid__seqs *s)
{
    size_t i, r;

    CHECK_OK(mid__seqs_open(test_ctx(), N_SEQ, N_ROW_MAX, D, s));
    for (i = 0; i < N_SEQ; i++) {
        s->at[i + 1] = s->at[i] + length[i] + prompt;
        s->label[i] = i & 1;
        for (r = s->at[i]; r < s->at[i + 1]; r++) {
            s->t[r] = (uint32_t)(r - s->at[i]) + !prompt;
            s->count[r] = s->t[r] == 0 ? 0 : r % 3 ? 1 : 3;
        }
    }
    scatter(rng, s->x, s->at[N_SEQ] * D, 1);
}

static void check_head(const mid__head *head, bool prompt, double reach)
{
    static const uint32_t item[] = { 3, 0, 2, 4, 1 };
    mid__head_task task;
    mid__seqs seqs;
    mid__rng rng;
    float *w;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, head->n_out);
    fill(&rng, prompt, &seqs);
    CHECK_OK(mid__head_task_open(test_ctx(), head, &seqs, N_SEQ, &task));
    w = malloc(task.loss.n_weight * sizeof *w);
    assert_non_null(w);
    scatter(&rng, w, task.loss.n_weight, reach);
    check_gradient(&task.loss, w, item, N_SEQ);
    check_gradient(&task.loss, w, item + 1, 3);             /* a smaller batch in the same room */
    free(w);
    mid__head_task_clear(&task);
    mid__seqs_clear(&seqs);
}

TEST(trained_heads, streaming)
{
    const mid__head through = mid__streaming_head(1, true), flat = mid__streaming_head(0.7, true);

    check_head(&through, false, 1);
    check_head(&flat, false, 1);
}

TEST(trained_heads, attention_probe)
{
    const mid__head one = mid__attention_probe_head(1), three = mid__attention_probe_head(3);

    check_head(&one, false, 1);
    check_head(&three, false, 1);
}

TEST(trained_heads, dual)
{
    const mid__head head = mid__dual_head(5, 0.6, 1), logic = mid__dual_head(5, 0.6, 20);

    check_head(&head, false, 0.8);
    check_head(&logic, false, 0.8);
}

TEST(trained_heads, guard)
{
    const mid__head head = mid__guard_head(6);

    check_head(&head, false, 0.8);
}

TEST(trained_heads, kelp)
{
    const mid__head head = mid__kelp_head(10), no_start = mid__kelp_head(0);

    check_head(&head, true, 0.3);
    check_head(&no_start, true, 0.3);
}

TEST(trained_heads, polynomial)
{
    static const double frozen[] = { 0.3, -1, 2, 0, -0.5 }, weight[] = { 1, 0.5, 0.25, 1, 1 };
    static const uint32_t item[] = { 4, 0, 2, 3, 1 };
    const mid__term rows = { frozen, weight };
    mid__head_task task;
    mid__seqs seqs;
    mid__rng rng;
    float w[100];
    size_t i;
    int n;

    print_message("  seed %llu\n", (unsigned long long)seed);
    mid__rng_init(&rng, seed, 0);
    CHECK_OK(mid__seqs_open(test_ctx(), N_SEQ, N_SEQ, D, &seqs));
    scatter(&rng, seqs.x, N_SEQ * D, 1);
    for (i = 0; i < N_SEQ; i++) {
        seqs.at[i + 1] = i + 1;
        seqs.label[i] = i & 1;
    }
    for (n = 2; n <= 5; n++) {
        mid__head head = mid__polynomial_head(3, n, &rows);
        float grad[100] = { 0 };
        CHECK_OK(mid__head_task_open(test_ctx(), &head, &seqs, N_SEQ, &task));
        scatter(&rng, w, task.loss.n_weight, 0.8);
        task.loss.of(&task, w, item, N_SEQ, grad);
        CHECK(grad[3 * D] == 0 && grad[3 * D + 1] == 0 && grad[3 * D + 2] == 0);   /* its map has no bias ... */
        head.no_bias = false;                               /* ... though it could have one */
        check_gradient(&task.loss, w, item, N_SEQ);
        mid__head_task_clear(&task);
    }
    mid__seqs_clear(&seqs);
}
