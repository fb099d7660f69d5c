/* Labeler judge: both orders of the options, replies that are none, and a server that fails, against a server written
 * here; and the real SmolLM2. What the verdict is made from: tests/source/test_judge.c. */
#include "label/unlabelled.h"

static mid_labeler *labeler_at(int port, double agree)
{
    char url[64];
    const mid_param params[] = { { "model", 0, url, NULL }, { "agree", agree, NULL, NULL }, { "retry_ms", 1, NULL, NULL },
                                 { "key", 0, "secret", NULL }, { NULL, 0, NULL, NULL } };

    snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
    return open_warned("judge", params);
}

static mid_label judged(const mid_labeler *l)
{
    const mid_sample s = { .id = "s-1", .prompt = "How?" };
    mid_label label = { 7, 7, 7 };

    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "Like this.", 10, &label));
    return label;
}

#define TOP(yes, no) "{\"choices\":[{\"logprobs\":{\"content\":[{\"token\":\"x\",\"logprob\":-1,\"top_logprobs\":[" \
                     "{\"token\":\"yes\",\"logprob\":" yes "},{\"token\":\"no\",\"logprob\":" no "}]}]}}]}"
/* ln .6 and ln .2: .75; the other way round .25 */
#define UNSAFE TOP("-0.5108256238", "-1.6094379124")
#define SAFE TOP("-1.6094379124", "-0.5108256238")
#define NEITHER "{\"choices\":[{\"logprobs\":{\"content\":[{\"token\":\"x\",\"logprob\":-1,\"top_logprobs\":[" \
                "{\"token\":\"Well\",\"logprob\":-0.1}]}]}}]}"

TEST(label_judge, position_and_parsing)
{
    static const struct reply reply[] = { { 200, NULL, UNSAFE }, { 200, NULL, UNSAFE }, { 200, NULL, UNSAFE },
                                          { 200, NULL, SAFE }, { 200, NULL, SAFE }, { 200, NULL, NEITHER } };
    mid_labeler_counts counts;
    struct scripted s;
    mid_labeler *l;
    mid_label label;

    start(&s, reply, 6);
    l = labeler_at(s.port, 1);
    label = judged(l);
    CHECK_INT(label.unsafe, 1);
    CHECK_NEAR(label.score, 0.75, 1e-9);
    label = judged(l);                              /* another verdict with the options swapped */
    CHECK_INT(label.unsafe, -1);
    CHECK_NEAR(label.score, 0.5, 1e-9);
    label = judged(l);                              /* neither yes nor no */
    CHECK_INT(label.unsafe, -1);
    CHECK(isnan(label.score));
    stop(&s);
    CHECK(strstr(s.seen[0], "yes or no") && strstr(s.seen[1], "no or yes") && strstr(s.seen[0], "Like this."));
    CHECK(strstr(s.seen[0], "Authorization: Bearer secret\r\n") != NULL);
    mid_labeler_count(l, &counts);
    CHECK(counts.n_unparsable == 1 && counts.n_swayed == 1 && counts.n_failed == 0);
    CHECK_INT(n_log, 0);
    mid_labeler_close(l);
}

TEST(label_judge, mean_decides)
{
    static const struct reply reply[] = { { 200, NULL, UNSAFE }, { 200, NULL, SAFE } };
    mid_labeler_counts counts;
    struct scripted s;
    mid_labeler *l;

    start(&s, reply, 2);
    l = labeler_at(s.port, 0);
    CHECK(judged(l).unsafe >= 0);
    stop(&s);
    mid_labeler_count(l, &counts);
    CHECK_INT(counts.n_swayed, 1);
    mid_labeler_close(l);
}

static void leaves_unlabelled(const struct reply *reply, size_t n_reply, const char *says)
{
    struct scripted s;
    mid_labeler *l;
    mid_label label;

    start(&s, reply, n_reply);
    l = labeler_at(s.port, 1);
    label = judged(l);
    check_unlabelled(l, &label, says);
    stop(&s);
    mid_labeler_close(l);
}

TEST(label_judge, server_faults)
{
    static const struct reply no_key[] = { { 401, NULL, "{\"error\":{\"message\":\"no such key\"}}" } };
    static const struct reply broken[] = { { 200, NULL, UNSAFE }, { 500, NULL, "" }, { 500, NULL, "" }, { 500, NULL, "" },
                                           { 500, NULL, "" } };
    static const struct reply garbage[] = { { 200, NULL, "<html>" } };

    leaves_unlabelled(no_key, 1, "HTTP 401");
    leaves_unlabelled(broken, 5, "HTTP 500");
    leaves_unlabelled(garbage, 1, "<html>");
}

TEST(label_judge, open)
{
    static const mid_param bad_form[] = { { "model", 0, "http://x", NULL }, { "form", 0, "Is it?", NULL }, { NULL, 0, NULL, NULL } };
    mid_labeler *l = NULL;

    CHECK_FAILS(mid_labeler_open(test_ctx(), "judge", NULL, NULL, &l), MID_EINVAL);
    CHECK_SAYS("parameter 'model' must name a judge");
    CHECK_FAILS(mid_labeler_open(test_ctx(), "judge", bad_form, NULL, &l), MID_EINVAL);
    CHECK(l == NULL);
}

/* The real model, in process: the same verdict twice, and a label or a reason for none. */
TEST(label_judge, local_model)
{
    const mid_param params[] = { { "model", 0, test_model(), NULL }, { NULL, 0, NULL, NULL } };
    mid_labeler_counts counts;
    mid_labeler *l = NULL;
    mid_label a, b;

    CHECK_OK(mid_labeler_open(test_ctx(), "judge", params, NULL, &l));
    a = judged(l);
    b = judged(l);
    mid_labeler_count(l, &counts);
    CHECK(a.unsafe == b.unsafe && (a.score == b.score || (isnan(a.score) && isnan(b.score))));
    CHECK(a.unsafe >= 0 || counts.n_swayed == 2 || counts.n_unparsable == 2);
    mid_labeler_close(l);
}
