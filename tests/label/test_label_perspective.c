/* Labeler perspective, against a server written here that speaks the format of the Perspective API's reference: what is
 * sent, what is read, and what becomes of an answer where no verdict comes back. */
#include "label/unlabelled.h"

static mid_labeler *labeler_at(int port)
{
    char url[64];
    const mid_param params[] = { { "url", 0, url, NULL }, { "key", 0, "AIza-secret_1", NULL }, { "retry_ms", 1, NULL, NULL },
                                 { NULL, 0, NULL, NULL } };

    snprintf(url, sizeof url, "http://127.0.0.1:%d/v1alpha1/comments:analyze", port);
    return open_warned("perspective", params);
}

static mid_label judged(const mid_labeler *l, const char *lang, const char *text)
{
    const mid_sample s = { .id = "s-1", .prompt = "p", .lang = lang };
    mid_label label = { 7, 7, 7 };

    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, text, strlen(text), &label));
    return label;
}

#define SCORE(value) "{\"value\":" value ",\"type\":\"PROBABILITY\"}"
#define REPLY(value, spans) "{\"attributeScores\":{\"TOXICITY\":{\"spanScores\":[" spans "],\"summaryScore\":" SCORE(value) \
                            "}},\"languages\":[\"en\"],\"detectedLanguages\":[\"en\"]}"

/* The second sentence is toxic, and begins at character 5, which is byte 6. */
TEST(label_perspective, verdicts)
{
    static const struct reply reply[] = {
        { 200, NULL, REPLY("0.86", "{\"begin\":5,\"end\":14,\"score\":" SCORE("0.9") "},"
                                   "{\"begin\":0,\"end\":4,\"score\":" SCORE("0.02") "}") },
        { 200, NULL, REPLY("0.02", "") },
        { 200, NULL, REPLY("0.5", "{\"score\":" SCORE("0.5") "}") },     /* begin 0 may be left out */
    };
    struct scripted s;
    mid_labeler *l;
    mid_label label;

    start(&s, reply, 3);
    l = labeler_at(s.port);
    label = judged(l, "en", "\xc3\x89h. You idiot");
    CHECK_INT(label.unsafe, 1);
    CHECK_NEAR(label.score, 0.86, 1e-12);
    CHECK_INT(label.onset_byte, 6);
    label = judged(l, NULL, "hello");
    CHECK_INT(label.unsafe, 0);
    CHECK_NEAR(label.score, 0.02, 1e-12);
    CHECK_INT(label.onset_byte, -1);
    label = judged(l, NULL, "idiot");
    CHECK_INT(label.unsafe, 1);
    CHECK_INT(label.onset_byte, 0);
    stop(&s);
    CHECK(strncmp(s.seen[0], "POST /v1alpha1/comments:analyze?key=AIza-secret_1 HTTP/1.1\r\n", 60) == 0);
    CHECK(strstr(s.seen[0], "\r\n\r\n{\"comment\":{\"text\":\"\xc3\x89h. You idiot\"},\"languages\":[\"en\"],"
                            "\"requestedAttributes\":{\"TOXICITY\":{}},\"doNotStore\":true,\"spanAnnotations\":true}") != NULL);
    CHECK(strstr(s.seen[1], "languages") == NULL);
    CHECK_INT(n_log, 0);
    mid_labeler_close(l);
}

/* The script leaves the answer unlabelled, and the one line in the log says this. */
static void leaves_unlabelled(const struct reply *reply, size_t n_reply, const char *says)
{
    struct scripted s;
    mid_labeler *l;
    mid_label label;

    start(&s, reply, n_reply);
    l = labeler_at(s.port);
    label = judged(l, "en", "x");
    check_unlabelled(l, &label, says);
    stop(&s);
    mid_labeler_close(l);
}

TEST(label_perspective, faults)
{
    static const struct reply no_key[] = { { 401, NULL, "{\"error\":{\"code\":401,\"message\":\"API keys are not supported\","
        "\"status\":\"UNAUTHENTICATED\"}}" } };
    static const struct reply lang[] = { { 400, NULL, "{\"error\":{\"code\":400,\"message\":\"Attribute TOXICITY does not "
        "support request languages: xx\",\"status\":\"INVALID_ARGUMENT\"}}" } };
    static const struct reply busy[] = { { 429, NULL, "" }, { 429, NULL, "" }, { 429, NULL, "" },
        { 429, NULL, "{\"error\":{\"code\":429,\"message\":\"Quota exceeded\",\"status\":\"RESOURCE_EXHAUSTED\"}}" } };
    static const struct reply broken[] = { { 500, NULL, "" }, { 500, NULL, "" }, { 500, NULL, "" }, { 500, NULL, "oops" } };
    static const struct reply garbage[] = { { 200, NULL, "\x01\xff not JSON" } };
    static const struct reply other[] = { { 200, NULL, "{\"attributeScores\":{\"INSULT\":{}}}" } };
    static const struct reply high[] = { { 200, NULL, REPLY("1.5", "") } };

    leaves_unlabelled(no_key, 1, "HTTP 401 (1 tries): API keys are not supported; it is not asked again");
    leaves_unlabelled(lang, 1, "HTTP 400 (1 tries): Attribute TOXICITY does not support request languages: xx");
    leaves_unlabelled(busy, 4, "HTTP 429 (4 tries): Quota exceeded");
    leaves_unlabelled(broken, 4, "HTTP 500 (4 tries): oops");
    leaves_unlabelled(garbage, 1, "a reply of 11 bytes without JSON");
    leaves_unlabelled(other, 1, "without a summaryScore between 0 and 1");
    leaves_unlabelled(high, 1, "without a summaryScore between 0 and 1");
}

TEST(label_perspective, open)
{
    static const mid_param bad_key[] = { { "url", 0, "http://x/y", NULL }, { "key", 0, "a&b", NULL }, { NULL, 0, NULL, NULL } };
    mid_labeler *l = NULL;

    CHECK_FAILS(mid_labeler_open(test_ctx(), "perspective", NULL, NULL, &l), MID_EINVAL);
    CHECK_SAYS("such as https://commentanalyzer.googleapis.com/v1alpha1/comments:analyze");
    CHECK_FAILS(mid_labeler_open(test_ctx(), "perspective", bad_key, NULL, &l), MID_EINVAL);
    CHECK_SAYS("the key has signs in it that cannot stand behind a URL");
    CHECK(l == NULL);
}
