/* What cannot be scanned never becomes clean: every cause, every way a monitor can fail, open and closed. And the
 * config: what is wrong is told with its place. */
#include "guard/answers.h"

#include "guard/filter.h"

enum { LIMIT = 1 << 20 };

/* ---- monitors that fail ------------------------------------------------------------------------------------------ */

struct state { uint32_t n_tok; };

/* Fails at its third token as its parameter says. */
static mid_status push(const void *plan, void *self, const mid_step *step, double *score)
{
    const int how = *(const int *)plan;
    struct state *s = self;

    (void)step;
    *score = 0;
    if (s->n_tok == 2)
        return how == 0 ? MID_EPLUGIN : how == 1 ? MID_ENUMERIC : MID_ESIGNAL;
    s->n_tok++;
    return MID_OK;
}

static mid_status start(const void *plan, void *self, const mid_prompt *prompt)
{
    (void)self; (void)prompt;
    return *(const int *)plan == 3 ? MID_EPLUGIN : MID_OK;
}

static mid_status open_plan(mid_ctx *ctx, const mid_weights *weights, const mid_param *params, const mid_signals *signals,
                            void **plan)
{
    int *how = malloc(sizeof *how);

    (void)ctx; (void)weights; (void)signals;
    *how = (int)params[0].number;
    *plan = how;
    return MID_OK;
}

static const mid_param params_[] = { { "how", 0, NULL, "which way" }, { 0 } };
static const mid_monitor_ops failing = {
    .name = "failing", .version = 1, .summary = "fails", .unit = "-", .source = "-", .box = MID_BOX_BLACK,
    .needs = MID_SIG_TEXT, .params = params_, .open = open_plan, .close = free, .state_size = sizeof(struct state),
    .start = start, .push = push,
};

#define D(text) "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define FINISH "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
static const char stream[] = D("One two three four five.") FINISH "data: [DONE]\n\n";
static const char body[] = "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"One two three four five.\"},\"finish_reason\":\"stop\"}]}";

static mid__config *failing_config(int how, const char *mode, bool open)
{
    const mid_guard_opts opts = mid_guard_opts_default();
    mid__config *config = NULL;
    char text[600];
    const char *fail = open ? "open" : "closed";

    if (!mid_ctx_find_monitor(test_ctx(), "failing"))
        CHECK_OK(mid_ctx_add_monitor(test_ctx(), &failing));
    snprintf(text, sizeof text, "listen: 127.0.0.1:0\nupstream: { url: \"http://127.0.0.1:1\" }\npolicies:\n  - name: p\n"
             "    mode: %s\n    hold_back: 0\n    monitors: [ { monitor: failing, how: %d, threshold: 1 } ]\n"
             "    cannot_scan: { monitor_error: %s, missing_signal: %s, overload: %s }\n", mode, how, fail, fail, fail);
    CHECK_OK(mid__config_load(test_ctx(), test_write("failing.yaml", text, strlen(text)), &opts, &config));
    return config;
}

static mid__filter *open_filter(const mid__config *config, bool overload)
{
    const mid__filter_opts opts = { .policy = &config->policy[0], .framing = &mid__framing_chat, .n_choice = 1,
                                    .overload = overload, .limit_bytes = LIMIT };
    mid__filter *f = NULL;

    CHECK_OK(mid__filter_open(test_ctx(), &opts, &f));
    return f;
}

static void check_cell(int how, const char *mode, bool open, bool overload)
{
    mid__config *config = failing_config(how, mode, open);
    const bool goes_on = open || strcmp(mode, "observe") == 0 || overload;      /* overload closed is refused before */
    mid__filter *f = open_filter(config, overload);
    mid__buf out = { 0 };
    struct seen s;

    mid__filter_events(f, stream, sizeof stream - 1, &out);
    CHECK_INT(mid__filter_end(f, &out), goes_on ? MID__OUTCOME_COMPLETE : MID__OUTCOME_UNSCANNED);
    CHECK_INT(mid__filter_found(f), MID__FOUND_UNSCANNED);
    CHECK(!mid__lane_promise(mid__filter_lane(f, 0)));
    see(&s, out.at, out.n);
    CHECK_TEXT(s.error, goes_on ? "" : "guard_cannot_scan");
    CHECK_TEXT(seen_text(&s, 0, 0), goes_on ? "One two three four five." : how == 3 ? "" : "One two");
    CHECK(s.done == goes_on && (s.finish[0][0] != 0) == goes_on);
    forget(&s);
    mid__buf_clear(&out);
    mid__filter_close(f);
    f = open_filter(config, overload);
    CHECK_INT(mid__filter_body(f, body, sizeof body - 1, &out), goes_on ? MID__OUTCOME_COMPLETE : MID__OUTCOME_UNSCANNED);
    CHECK_INT(mid__filter_found(f), MID__FOUND_UNSCANNED);
    CHECK((strstr(out.at, "three") != NULL) == goes_on);
    mid__buf_clear(&out);
    mid__filter_close(f);
    mid__config_drop(config);
}

TEST(scan, every_cause_closed_and_open)
{
    static const char *const mode[] = { "observe", "block", "redact-tail" };
    int how, k;

    for (how = 0; how < 4; how++)
        for (k = 0; k < 3; k++) {
            check_cell(how, mode[k], false, false);
            check_cell(how, mode[k], true, false);
            check_cell(how, mode[k], true, true);
        }
}

/* ---- configs ----------------------------------------------------------------------------------------------------- */

#define TOP "listen: 127.0.0.1:0\nupstream: { url: \"http://127.0.0.1:1\" }\n"
#define POLICY "policies:\n  - name: p\n    monitors: "

TEST(scan, configs_that_are_wrong)
{
    static const struct { const char *text, *says; } bad[] = {
        { "listen: 127.0.0.1:0\n", "c.yaml:1:1: 'upstream' is missing here" },
        { TOP "policys: []\n", "c.yaml:3:1: unknown key 'policys': did you mean 'policies'?" },
        { "listen: 8080\n", "c.yaml:1:9: listen '8080': write an address and a port, such as 127.0.0.1:8080" },
        { "listen: h:99999\n", "c.yaml:1:9: listen" },
        { TOP "policies: []\n", "'policies' has 0 entries" },
        { TOP POLICY "[ { monitor: lexikon, threshold: 1 } ]\n", "c.yaml:5:28: unknown monitor 'lexikon': did you mean 'lexicon'?" },
        { TOP POLICY "[ { monitor: lexicon } ]\n", "c.yaml:5:17: lexicon needs a 'rule' (midstream calibrate) or a 'threshold'" },
        { TOP POLICY "[ { monitor: lexicon, threshold: 1, mode: 7 } ]\n", "c.yaml:5:17: mode 7" },
        { TOP POLICY "[ { monitor: lexicon, threshold: 1, rule: r.json } ]\n", "give one of 'rule' and 'threshold'" },
        { TOP POLICY "[ { monitor: lexicon, rule: nowhere.json } ]\n", "nowhere.json" },
        { TOP POLICY "[ { fitted: nowhere.safetensors, threshold: 1 } ]\n", "nowhere.safetensors" },
        { TOP POLICY "[ { threshold: 1 } ]\n", "c.yaml:5:17: an entry names one of 'monitor' and 'fitted'" },
        { TOP POLICY "[ { monitor: ngram_lr, threshold: 1 } ]\n", "ngram_lr has to be fitted first" },
        { TOP POLICY "[ { monitor: entropy_mean, threshold: 1 } ]\n", "c.yaml:5:17" },
        { TOP POLICY "[ { monitor: lexicon, threshold: 1 } ]\n    hold_back: -1\n", "c.yaml:6:16: 'hold_back'" },
        { TOP POLICY "[ { monitor: lexicon, threshold: 1 } ]\n    mode: blok\n", "c.yaml:6:11: unknown mode 'blok': did you mean 'block'?" },
        { TOP POLICY "[ { monitor: lexicon, threshold: 1 } ]\n    cannot_scan: { overload: ajar }\n", "unknown overload 'ajar'" },
        { "listen: 127.0.0.1:0\nupstream: { url: \"ftp://x\" }\n" POLICY "[ { monitor: lexicon, threshold: 1 } ]\n", "c.yaml:2:18" },
        { "listen: 127.0.0.1:0\nupstream: { url: \"http://x?api_key=7\" }\n" POLICY "[ { monitor: lexicon, threshold: 1 } ]\n", "c.yaml:2:18" },
        { "listen: 127.0.0.1:0\nupstream: { url: \"http://x\", key_env: NO_SUCH_KEY }\n" POLICY "[ { monitor: lexicon, threshold: 1 } ]\n",
          "'key_env' names NO_SUCH_KEY, which is not set in the environment" },
    };
    const mid_guard_opts opts = mid_guard_opts_default();
    size_t i;

    for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *path = test_write("c.yaml", bad[i].text, strlen(bad[i].text));
        const mid_status status = mid_guard_check(test_ctx(), path, &opts);
        if (status == MID_OK || !strstr(mid_ctx_message(test_ctx()), bad[i].says))
            print_message("case %zu: %s\n", i, mid_ctx_message(test_ctx()));
        CHECK(status != MID_OK);
        CHECK_SAYS(bad[i].says);
        CHECK(!strchr(mid_ctx_message(test_ctx()), '\n'));
    }
    CHECK_FAILS(mid_guard_check(test_ctx(), "nowhere.yaml", &opts), MID_ENOTFOUND);
}

/* A port that is taken: the place in the config, and nothing is left open. */
TEST(scan, a_port_in_use)
{
    static const char text[] = TOP POLICY "[ { monitor: lexicon, threshold: 1 } ]\n";
    mid_guard *first = NULL, *second = NULL;
    char again[400];

    CHECK_OK(mid_guard_open(test_ctx(), test_write("first.yaml", text, sizeof text - 1), NULL, &first));
    snprintf(again, sizeof again, "listen: 127.0.0.1:%d\n%s", mid_guard_port(first), strchr(text, '\n') + 1);
    CHECK_FAILS(mid_guard_open(test_ctx(), test_write("second.yaml", again, strlen(again)), NULL, &second), MID_EIO);
    CHECK_SAYS("second.yaml:1:9: cannot listen on 127.0.0.1:");
    mid_guard_close(first);
}

/* A policy is chosen by the model, the first that is about it. */
TEST(scan, policies_by_model)
{
    static const char text[] = TOP "policies:\n  - { name: a, models: [x, y], monitors: [ { monitor: lexicon, threshold: 1 } ] }\n"
                               "  - { name: b, models: [z], monitors: [ { monitor: lexicon+ema(0.9), threshold: 1 } ] }\n";
    const mid_guard_opts opts = mid_guard_opts_default();
    mid__config *config = NULL;

    CHECK_OK(mid__config_load(test_ctx(), test_write("c.yaml", text, sizeof text - 1), &opts, &config));
    CHECK_TEXT(mid__config_policy(config, "y")->name, "a");
    CHECK_TEXT(mid__config_policy(config, "z")->name, "b");
    CHECK(mid__config_policy(config, "q") == NULL);
    CHECK(strlen(config->policy[0].digest) == 64 && strcmp(config->policy[0].digest, config->policy[1].digest) != 0);
    mid__config_drop(config);
}
