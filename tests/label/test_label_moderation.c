/* Labeler moderation, against a server written here that speaks the format of OpenAI's reference: what is sent, what is
 * read, and what becomes of an answer where no verdict comes back. */
#include "label/unlabelled.h"

static mid_labeler *labeler_at(int port, const char *category, double threshold)
{
    char url[64];
    const mid_param params[] = { { "url", 0, url, NULL }, { "key", 0, "sk-secret", NULL }, { "category", 0, category, NULL },
                                 { "threshold", threshold, NULL, NULL }, { "retry_ms", 1, NULL, NULL },
                                 { NULL, 0, NULL, NULL } };

    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1/moderations", port);
    return open_warned("moderation", params);
}

static mid_label judged(const mid_labeler *l, const char *text)
{
    const mid_sample s = { .id = "s-1", .prompt = "p" };
    mid_label label = { 7, 7, 7 };

    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, text, strlen(text), &label));
    return label;
}

#define REPLY(flagged, violence, harassment) "{\"id\":\"modr-1\",\"model\":\"omni-moderation-latest\",\"results\":[{" \
    "\"flagged\":" flagged ",\"categories\":{\"harassment\":false,\"violence\":" flagged ",\"illicit\":null}," \
    "\"category_scores\":{\"harassment\":" harassment ",\"violence\":" violence ",\"illicit\":null}," \
    "\"category_applied_input_types\":{\"violence\":[\"text\"]}}]}"

TEST(label_moderation, verdicts)
{
    static const struct reply reply[] = { { 200, NULL, REPLY("true", "0.9", "0.25") },
                                          { 200, NULL, REPLY("false", "0.002", "0.1") } };
    struct scripted s;
    mid_labeler *l;
    mid_label label;

    start(&s, reply, 2);
    l = labeler_at(s.port, "", 0);
    label = judged(l, "I will \"hurt\" you\xff");
    CHECK_INT(label.unsafe, 1);
    CHECK_NEAR(label.score, 0.9, 1e-12);
    CHECK_INT(label.onset_byte, -1);
    label = judged(l, "hello");
    CHECK_INT(label.unsafe, 0);
    CHECK_NEAR(label.score, 0.1, 1e-12);
    stop(&s);
    CHECK(strncmp(s.seen[0], "POST /v1/moderations HTTP/1.1\r\n", 31) == 0);
    CHECK(strstr(s.seen[0], "Authorization: Bearer sk-secret\r\n") != NULL);
    CHECK(strstr(s.seen[0], "Content-Type: application/json\r\n") != NULL);
    CHECK(strstr(s.seen[0], "\r\n\r\n{\"model\":\"omni-moderation-latest\",\"input\":\"I will \\\"hurt\\\" you\xef\xbf\xbd\"}")
          != NULL);
    CHECK_INT(n_log, 0);
    mid_labeler_close(l);
}

TEST(label_moderation, category_and_threshold)
{
    static const struct reply reply[] = { { 200, NULL, REPLY("true", "0.9", "0.25") } };
    static const struct { const char *category; double threshold; int unsafe; double score; } want[] = {
        { "harassment", 0, 0, 0.25 }, { "violence", 0, 1, 0.9 }, { "harassment", 0.25, 1, 0.25 }, { "", 0.95, 0, 0.9 },
    };
    struct scripted s;
    size_t i;

    for (i = 0; i < 4; i++) {
        mid_labeler *l;
        mid_label label;
        start(&s, reply, 1);
        l = labeler_at(s.port, want[i].category, want[i].threshold);
        label = judged(l, "x");
        CHECK_INT(label.unsafe, want[i].unsafe);
        CHECK_NEAR(label.score, want[i].score, 1e-12);
        stop(&s);
        mid_labeler_close(l);
    }
}

/* The script leaves the answer unlabelled, and the one line in the log says this. */
static void leaves_unlabelled(const struct reply *reply, size_t n_reply, const char *category, const char *says)
{
    struct scripted s;
    mid_labeler *l;
    mid_label label;

    start(&s, reply, n_reply);
    l = labeler_at(s.port, category, 0);
    label = judged(l, "x");
    check_unlabelled(l, &label, says);
    stop(&s);
    mid_labeler_close(l);
}

TEST(label_moderation, faults)
{
    static const struct reply no_key[] = { { 401, NULL, "{\"error\":{\"message\":\"Incorrect API key provided\","
        "\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"invalid_api_key\"}}" } };
    static const struct reply busy[] = { { 429, "Retry-After: 0\r\n", "{\"error\":{\"message\":\"Rate limit reached\"}}" },
        { 429, NULL, "" }, { 429, NULL, "" }, { 429, NULL, "{\"error\":{\"message\":\"Rate limit reached\"}}" } };
    static const struct reply broken[] = { { 500, NULL, "" }, { 502, NULL, "" }, { 500, NULL, "" }, { 500, NULL, "" } };
    static const struct reply garbage[] = { { 200, NULL, "<html>\n<b>hello</b></html>" } };
    static const struct reply empty[] = { { 200, NULL, "" } }, other[] = { { 200, NULL, "{\"results\":7}" } };
    static const struct reply bare[] = { { 200, NULL, "{\"results\":[{\"flagged\":\"yes\"}]}" } };
    static const struct reply high[] = { { 200, NULL, REPLY("true", "7.5", "0.25") } };
    static const struct reply low[] = { { 200, NULL, REPLY("true", "0.9", "-1") } };
    static const struct reply list[] = { { 200, NULL, "{\"results\":[{\"flagged\":1,\"category_scores\":[2]}]}" } };
    static const struct reply fine[] = { { 200, NULL, REPLY("true", "0.9", "0.25") } };

    leaves_unlabelled(no_key, 1, "", "HTTP 401 (1 tries): Incorrect API key provided; it is not asked again, check key and URL");
    leaves_unlabelled(busy, 4, "", "HTTP 429 (4 tries): Rate limit reached");
    leaves_unlabelled(broken, 4, "", "HTTP 500 (4 tries): no text");
    leaves_unlabelled(garbage, 1, "", "a reply of 26 bytes without JSON: '<html> <b>hello</b></html>'");
    leaves_unlabelled(empty, 1, "", "without JSON");
    leaves_unlabelled(other, 1, "", "without results with a flag: '{\"results\":7}'");
    leaves_unlabelled(bare, 1, "", "without results with a flag");
    leaves_unlabelled(high, 1, "", "without category_scores between 0 and 1");
    leaves_unlabelled(low, 1, "", "without category_scores between 0 and 1");
    leaves_unlabelled(list, 1, "", "without results with a flag");
    leaves_unlabelled(fine, 1, "jaywalking", "without a verdict on the category that was asked for");
}

/* What passes is asked again; a refused key ends the asking at once, other failures after five in a row. */
TEST(label_moderation, patience)
{
    static const struct reply passing[] = { { 503, NULL, "" }, { 200, NULL, REPLY("true", "0.9", "0.25") } };
    static const struct reply no_key[] = { { 403, NULL, "" } };
    static const struct reply never[] = { { 400, NULL, "" }, { 400, NULL, "" }, { 400, NULL, "" }, { 400, NULL, "" },
                                          { 200, NULL, REPLY("true", "0.9", "0.25") }, { 400, NULL, "" }, { 400, NULL, "" } };
    struct scripted s;
    mid_labeler_counts counts;
    mid_labeler *l;
    int i;

    start(&s, passing, 2);
    l = labeler_at(s.port, "", 0);
    CHECK_INT(judged(l, "x").unsafe, 1);
    CHECK_INT(n_log, 0);
    stop(&s);
    mid_labeler_close(l);

    start(&s, no_key, 1);
    l = labeler_at(s.port, "", 0);
    for (i = 0; i < 3; i++)
        CHECK_INT(judged(l, "x").unsafe, -1);
    stop(&s);
    mid_labeler_count(l, &counts);
    CHECK_INT(counts.n_failed, 3);
    CHECK_INT(n_log, 1);
    mid_labeler_close(l);

    start(&s, never, 7);
    l = labeler_at(s.port, "", 0);
    for (i = 0; i < 5; i++)
        CHECK_INT(judged(l, "x").unsafe, i == 4 ? 1 : -1);
    judged(l, "x");
    judged(l, "x");
    stop(&s);                                       /* from here on nobody answers */
    judged(l, "x");
    judged(l, "x");
    judged(l, "x");                                 /* the fifth in a row */
    CHECK(strstr(log_line[n_log - 1], "5 failures in a row, it is not asked again") != NULL || n_log == 8);
    mid_labeler_count(l, &counts);
    CHECK_INT(counts.n_failed, 9);
    mid_labeler_close(l);
}

TEST(label_moderation, open)
{
    static const mid_param no_url[] = { { "key", 0, "k", NULL }, { NULL, 0, NULL, NULL } };
    static const mid_param bad_url[] = { { "url", 0, "no url", NULL }, { NULL, 0, NULL, NULL } };
    static const mid_param bad_key[] = { { "url", 0, "http://x/y", NULL }, { "key", 0, "a\r\nb", NULL }, { NULL, 0, NULL, NULL } };
    mid_labeler *l = NULL;

    CHECK_FAILS(mid_labeler_open(test_ctx(), "moderation", no_url, NULL, &l), MID_EINVAL);
    CHECK_SAYS("parameter 'url' must say whom to ask, such as https://api.openai.com/v1/moderations");
    CHECK_FAILS(mid_labeler_open(test_ctx(), "moderation", bad_url, NULL, &l), MID_EINVAL);
    CHECK_SAYS("labeler moderation: ");
    CHECK_FAILS(mid_labeler_open(test_ctx(), "moderation", bad_key, NULL, &l), MID_EINVAL);
    CHECK_SAYS("line break");
    CHECK(l == NULL);
}
