/* Signals made on request, against the real SmolLM2: they come only when asked, mean what trace.h says, and a batch of
 * answers gives what reading each answer alone gives. */
#include "test.h"

#include "base/half.h"

enum { N = 4, N_SEQ = 4, N_LAYER = 4 };

static const uint32_t extra = MID_SIG_SPREAD | MID_SIG_ATTENTION | MID_SIG_LENS | MID_SIG_ALONE | MID_SIG_AFFIRM;

static const char *const question[N] = { "What is the capital of France?", "Say hello.", "How can I pick a lock?", "What is 2 + 2?" };

static mid_model *open_model(bool attention)
{
    mid_model_opts opts = mid_model_opts_default();
    mid_model *m = NULL;

    opts.n_seq = N_SEQ;
    opts.n_ctx_seq = 256;
    opts.n_threads = 1;
    opts.attention = attention;
    CHECK_OK(mid_model_open(test_ctx(), test_model(), &opts, &m));
    return m;
}

static void samples_of(mid_sample *sample, const mid_sample **list)
{
    static const char *const id[N] = { "a", "b", "c", "d" };
    size_t i;

    for (i = 0; i < N; i++) {
        sample[i] = (mid_sample){ .id = id[i], .task = "qa", .prompt = question[i], .label = -1 };
        list[i] = &sample[i];
    }
}

static mid_source_opts opts_of(uint32_t want)
{
    mid_source_opts opts = mid_source_opts_default();

    opts.max_tok = 24;
    opts.want = want;
    return opts;
}

static void close_all(mid_trace **trace)
{
    size_t i;

    for (i = 0; i < N; i++)
        mid_trace_close(trace[i]);
}

/* What one step must hold whatever the model says. */
static void check_step(const mid_signals *s, const mid_step *step, bool greedy)
{
    const float *a = step->attention, *p = step->spread;
    int h, l;

    CHECK_INT(step->have & extra, extra & ~(uint32_t)MID_SIG_AFFIRM);
    for (h = 0; h < s->n_head; h++, a += MID_ATTENTION_N) {
        CHECK(a[MID_ATTENTION_CONTEXT] >= 0 && a[MID_ATTENTION_SELF] >= 0 && a[MID_ATTENTION_PREVIOUS] >= 0);
        CHECK(a[MID_ATTENTION_CONTEXT] + a[MID_ATTENTION_SELF] <= 1.002f);
        if (step->i_tok == 0)           /* the token before it is the prompt's last, and nothing else is there */
            CHECK_NEAR(a[MID_ATTENTION_CONTEXT] + a[MID_ATTENTION_SELF], 1, 2e-3);
        if (step->i_tok == 1)
            CHECK_NEAR(a[MID_ATTENTION_CONTEXT] + a[MID_ATTENTION_SELF] + a[MID_ATTENTION_PREVIOUS], 1, 2e-3);
    }
    CHECK(p[MID_SPREAD_RENYI_NATS] > 0 && (double)p[MID_SPREAD_RENYI_NATS] < log(s->n_vocab));
    CHECK(p[MID_SPREAD_FISHER_RAO] > 0 && p[MID_SPREAD_FISHER_RAO] < 1);
    CHECK(p[MID_SPREAD_KL_UNIFORM_NATS] > 0);
    CHECK(greedy ? p[MID_SPREAD_LN_RANK] == 0 : p[MID_SPREAD_LN_RANK] >= 0);
    CHECK(step->lp_alone < 0);
    for (l = 0; l < s->n_layer; l++) {
        const float *lens = step->lens + l * MID_LENS_N;
        CHECK(lens[MID_LENS_KL_NATS] >= 0 && fabsf(lens[MID_LENS_REFUSAL_COS]) <= 1);
        CHECK(lens[MID_LENS_SAME_TOP] == 0 || lens[MID_LENS_SAME_TOP] == 1);
    }
}

/* The head read from the file, put behind the last layer, is the model's own prediction. */
static void check_last_lens(const mid_signals *s, const mid_trace *trace)
{
    const uint32_t n = mid_trace_n_tok(trace);
    double kl = 0, first = 0;
    uint32_t t, same = 0;
    mid_step step;

    for (t = 0; t < n; t++) {
        mid_trace_step(trace, t, NULL, &step);
        first += (double)step.lens[MID_LENS_KL_NATS];
        kl += (double)step.lens[(s->n_layer - 1) * MID_LENS_N + MID_LENS_KL_NATS];
        same += step.lens[(s->n_layer - 1) * MID_LENS_N + MID_LENS_SAME_TOP] > 0;
    }
    CHECK(kl / n < 1e-3);
    CHECK(first / n > 1);               /* and an early layer's is not */
    CHECK(same + 1 >= n);
}

TEST(signals, batch_agrees_with_reading_alone)
{
    mid_model *m = open_model(true);
    mid_source_opts opts = opts_of(extra);
    mid_sample sample[N];
    const mid_sample *list[N];
    mid_trace *made[N], *read[N];
    mid_signals s;
    double off[5] = { 0 };
    uint32_t t, n_step = 0;
    size_t i;

    samples_of(sample, list);
    CHECK_OK(mid_source_signals(test_ctx(), m, &opts, &s));
    CHECK_INT(s.have, MID_SIG_ALWAYS | extra);
    CHECK_INT(s.n_head, 270);           /* 30 layers of 9 */
    CHECK_INT(s.n_head_layer, 9);
    CHECK_OK(mid_source_trace(test_ctx(), m, "llama", list, N, &opts, made));
    for (i = 0; i < N; i++)
        sample[i].response = mid_trace_text(made[i], NULL);
    CHECK_OK(mid_source_trace(test_ctx(), m, "recorded", list, N, &opts, read));
    for (i = 0; i < N; i++) {
        float *x = malloc(mid_trace_scratch(made[i]) * sizeof *x), *y = malloc(mid_trace_scratch(made[i]) * sizeof *y);
        mid_prompt p, q;
        mid_trace_prompt(made[i], NULL, &p);
        mid_trace_prompt(read[i], NULL, &q);
        CHECK(p.affirm > 0 && p.affirm < 1 && p.affirm == q.affirm);
        CHECK_INT(p.n_tok, q.n_tok);
        CHECK_INT(mid_trace_n_tok(made[i]), mid_trace_n_tok(read[i]));
        check_last_lens(&s, made[i]);
        check_last_lens(&s, read[i]);
        for (t = 0; t < mid_trace_n_tok(made[i]); t++, n_step++) {
            mid_step a, b;
            int k;
            mid_trace_step(made[i], t, x, &a);
            mid_trace_step(read[i], t, y, &b);
            check_step(&s, &a, true);
            check_step(&s, &b, false);     /* another computation: a near tie may fall the other way */
            for (k = 0; k < s.n_head * MID_ATTENTION_N; k++)
                off[0] += fabs((double)a.attention[k] - (double)b.attention[k]) / s.n_head / MID_ATTENTION_N;
            for (k = 0; k < MID_SPREAD_N; k++)
                off[1] += fabs((double)a.spread[k] - (double)b.spread[k]);
            for (k = 0; k < s.n_layer * MID_LENS_N; k += MID_LENS_N)
                off[2] += fabs((double)a.lens[k + MID_LENS_REFUSAL_COS] - (double)b.lens[k + MID_LENS_REFUSAL_COS]);
            off[3] += fabs((double)a.lp_alone - (double)b.lp_alone);
            off[4] += fabs((double)a.lp - (double)b.lp);
        }
        free(x);
        free(y);
    }
    for (i = 0; i < 5; i++)
        off[i] /= n_step;
    print_message("mean difference: attention %.2g, spread %.2g, lens %.2g, alone %.2g, lp %.2g\n", off[0], off[1], off[2],
                  off[3], off[4]);
    CHECK(off[0] < 2e-3 && off[1] < 0.1 && off[2] < 1e-3 && off[3] < 1e-6 && off[4] < 0.05);
    close_all(made);
    close_all(read);
    mid_model_close(m);
}

/* Against the definition: the answer read as a text of its own. With an empty form the prompt is nothing but the first
 * token, so its ordinary probabilities are those without a prompt. */
TEST(signals, alone_is_the_answer_without_its_prompt)
{
    mid_model *m = open_model(false);
    mid_source_opts opts = opts_of(MID_SIG_ALONE), plain = opts_of(0);
    mid_sample sample = { .id = "a", .task = "qa", .prompt = "Name a river.", .response = "The Rhine is a long river.",
                          .label = -1 };
    const mid_sample *list = &sample;
    mid_trace *with, *without;
    mid_step a, b;
    uint32_t t;

    CHECK_OK(mid_source_trace(test_ctx(), m, "recorded", &list, 1, &opts, &with));
    sample.prompt = "";
    plain.format = "{prompt}";
    CHECK_OK(mid_source_trace(test_ctx(), m, "recorded", &list, 1, &plain, &without));
    CHECK(mid_trace_n_tok(with) > 5);
    CHECK_INT(mid_trace_n_tok(with), mid_trace_n_tok(without));
    for (t = 0; t < mid_trace_n_tok(with); t++) {
        mid_trace_step(with, t, NULL, &a);
        mid_trace_step(without, t, NULL, &b);
        CHECK_NEAR(a.lp_alone, b.lp, 0.25);     /* a token less to read is another computation */
        CHECK(t > 0 || fabsf(a.lp_alone - a.lp) > 0.5f);
    }
    mid_trace_close(with);
    mid_trace_close(without);
    mid_model_close(m);
}

static mid_status stop_at_two(void *user, size_t i_seq, const mid_step *step, bool *stop)
{
    (void)i_seq;
    CHECK(step->have & MID_SIG_ALONE);
    *(uint32_t *)user += 1;
    *stop = step->i_tok == 1;
    return MID_OK;
}

TEST(signals, a_held_answer_can_be_stopped)
{
    mid_model *m = open_model(false);
    mid_source_opts opts = opts_of(MID_SIG_ALONE);
    mid_sample sample[N];
    const mid_sample *list[N];
    uint32_t n = 0;
    const mid_sink sink = { .user = &n, .step = stop_at_two };

    samples_of(sample, list);
    CHECK_OK(mid_source_run(test_ctx(), m, "llama", list, 1, &opts, &sink));
    CHECK_INT(n, 2);
    mid_model_close(m);
}

/* Without a wish nothing of it is there, and the observer is the same whatever is wished. */
TEST(signals, unasked_costs_nothing)
{
    mid_model *m = open_model(false);
    mid_source_opts opts = opts_of(0), spread = opts_of(MID_SIG_SPREAD);
    mid_sample sample[N];
    const mid_sample *list[N];
    mid_trace *plain[N], *more[N];
    mid_signals s, t;
    mid_step a, b;
    uint32_t i;

    samples_of(sample, list);
    CHECK_OK(mid_source_signals(test_ctx(), m, &opts, &s));
    CHECK_OK(mid_source_signals(test_ctx(), m, &spread, &t));
    CHECK_INT(s.have, MID_SIG_ALWAYS);
    CHECK_INT(s.n_head, 0);
    CHECK_INT(t.have, MID_SIG_ALWAYS | MID_SIG_SPREAD);
    CHECK_TEXT(s.observer, t.observer);
    CHECK_OK(mid_source_trace(test_ctx(), m, "llama", list, N, &opts, plain));
    CHECK_OK(mid_source_trace(test_ctx(), m, "llama", list, N, &spread, more));
    for (i = 0; i < mid_trace_n_tok(plain[0]); i++) {
        mid_trace_step(plain[0], i, NULL, &a);
        mid_trace_step(more[0], i, NULL, &b);
        CHECK_INT(a.have, MID_SIG_ALWAYS & ~(uint32_t)MID_SIG_HIDDEN);
        CHECK(a.spread == NULL && b.spread != NULL);
        CHECK(a.lp == b.lp);
    }
    CHECK_INT(mid_trace_scratch(plain[0]), N_LAYER * 576);
    close_all(plain);
    close_all(more);
    mid_model_close(m);
}

TEST(signals, refuses_what_it_cannot_give)
{
    mid_model_opts bare = { .size = sizeof bare, .n_layer = -1, .n_seq = 1, .n_ctx_seq = 64, .n_threads = 1 };
    mid_model *m = open_model(false);
    mid_source_opts opts = opts_of(MID_SIG_ATTENTION);
    mid_signals s;

    CHECK_FAILS(mid_source_signals(test_ctx(), m, &opts, &s), MID_ESIGNAL);
    CHECK_SAYS("mid_model_opts.attention");
    opts.want = MID_SIG_JUDGE;
    CHECK_FAILS(mid_source_signals(test_ctx(), m, &opts, &s), MID_EINVAL);
    CHECK_SAYS("judge");
    opts.want = 1u << 20;
    CHECK_FAILS(mid_source_signals(test_ctx(), m, &opts, &s), MID_EINVAL);
    CHECK_SAYS("0x100000");
    mid_model_close(m);
    CHECK_OK(mid_model_open(test_ctx(), test_model(), &bare, &m));
    opts.want = MID_SIG_LENS;
    CHECK_FAILS(mid_source_signals(test_ctx(), m, &opts, &s), MID_ESIGNAL);
    CHECK_SAYS("tapped layers");
    mid_model_close(m);
}

/* A long prompt is read in several decodes of 512 tokens, an answer across their border too. */
TEST(signals, attention_across_decodes)
{
    mid_model_opts o = { .size = sizeof o, .n_seq = 1, .n_ctx_seq = 1024, .n_threads = 1, .n_layer = -1, .attention = true };
    mid_source_opts opts = opts_of(MID_SIG_ATTENTION);
    mid_sample sample = { .id = "a", .task = "qa", .label = -1, .response = "one two three four five six seven eight nine "
                          "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty" };
    const mid_sample *list = &sample;
    char *prompt = calloc(1, 4000);
    mid_trace *t;
    mid_prompt p;
    mid_model *m;
    int i;

    for (i = 0; i < 490; i++)
        strcat(prompt, "yes ");
    sample.prompt = prompt;
    CHECK_OK(mid_model_open(test_ctx(), test_model(), &o, &m));
    CHECK_OK(mid_source_trace(test_ctx(), m, "recorded", &list, 1, &opts, &t));
    mid_trace_prompt(t, NULL, &p);
    CHECK(p.n_tok < 512 && p.n_tok + mid_trace_n_tok(t) > 512);
    mid_trace_close(t);
    mid_model_close(m);
    free(prompt);
}
