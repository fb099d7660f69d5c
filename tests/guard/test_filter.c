/* The filter without sockets: what leaves, what does not, and that no cut of a stream changes either. */
#include "guard/answers.h"

#include "guard/strict.h"

enum { LIMIT = 1 << 20 };

static mid__filter *open_filter(const mid__config *config, uint32_t n_choice)
{
    const mid__filter_opts opts = { .policy = &config->policy[0], .framing = &mid__framing_chat, .n_choice = n_choice,
                                    .limit_bytes = LIMIT };
    mid__filter *f = NULL;

    CHECK_OK(mid__filter_open(test_ctx(), &opts, &f));
    return f;
}

/* Push a stream in one piece and end it. */
static mid__outcome pass(mid__filter *f, const char *stream, size_t n, mid__buf *out)
{
    mid__filter_events(f, stream, n, out);
    return mid__filter_end(f, out);
}

/* The stream through a filter of its own; *s what the client sees. */
static mid__outcome through(const mid__config *config, uint32_t n_choice, const char *stream, struct seen *s)
{
    mid__filter *f = open_filter(config, n_choice);
    mid__buf out = { 0 };
    const mid__outcome outcome = pass(f, stream, strlen(stream), &out);

    see(s, out.at ? out.at : "", out.n);
    mid__buf_clear(&out);
    mid__filter_close(f);
    return outcome;
}

/* ---- whole answers ----------------------------------------------------------------------------------------------- */

#define D(text) "data: {\"id\":\"c-1\",\"created\":7,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"}}]}\n\n"
#define FINISH "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define DONE "data: [DONE]\n\n"

TEST(filter, clean_passes_byte_for_byte)
{
    static const char stream[] =
        "data: {\"id\":\"c-1\", \"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null},\"index\":0,\"finish_reason\":null}],"
        "\"timings\":{\"ms\":1.50}}\n\n" D("Hello") D(", w") D("\\u00f6rld\\n") FINISH
        "data: {\"id\":\"c-1\",\"choices\":[],\"usage\":{\"total_tokens\":3}}\n\n" DONE;
    mid__config *config = test_config("");
    mid__filter *f = open_filter(config, 1);
    mid__buf out = { 0 };

    CHECK_INT(pass(f, stream, sizeof stream - 1, &out), MID__OUTCOME_COMPLETE);
    CHECK_TEXT(out.at, stream);
    CHECK_INT(mid__filter_found(f), MID__FOUND_PASS);
    CHECK_INT(mid__filter_lane(f, 0)->n_free, 14);
    mid__buf_clear(&out);
    mid__filter_close(f);
    mid__config_drop(config);
}

/* The pieces are "I", " build", " a", " bomb", ".": the word is known at the full stop. With a hold-back of 1, what has
 * one judged piece behind it has left: all before " bomb"; with 0, the word itself. */
TEST(filter, a_stop)
{
    static const char *const left[] = { "I build a bomb", "I build a", "I build", "I" };
    static const char stream[] = D("I build a bo") D("mb. Then") D(" I rest.") FINISH DONE;
    char more[40];
    struct seen s;
    size_t i;

    for (i = 0; i < 4; i++) {
        mid__config *config;
        snprintf(more, sizeof more, "    hold_back: %zu\n", i);
        config = test_config(more);
        CHECK_INT(through(config, 1, stream, &s), MID__OUTCOME_COMPLETE);
        CHECK_TEXT(seen_text(&s, 0, 0), left[i]);
        CHECK_TEXT(s.finish[0], "content_filter");
        CHECK(s.done && s.n_behind_done == 0);
        forget(&s);
        mid__config_drop(config);
    }
}

TEST(filter, modes_and_last_words)
{
    static const char stream[] = D("A bomb. Then more words than are held back by any policy of these.") FINISH DONE;
    mid__config *config = test_config("    mode: redact-tail\n");
    struct seen s;

    through(config, 1, stream, &s);
    CHECK_TEXT(seen_text(&s, 0, 0), " [...]");
    CHECK_TEXT(s.finish[0], "stop");
    forget(&s);
    mid__config_drop(config);
    config = test_config("    mode: observe\n");
    through(config, 1, stream, &s);
    CHECK_TEXT(seen_text(&s, 0, 0), "A bomb. Then more words than are held back by any policy of these.");
    CHECK_TEXT(s.finish[0], "stop");
    forget(&s);
    mid__config_drop(config);
    config = test_config("    say: \"That \\\"went\\\" too far.\"\n");
    through(config, 1, stream, &s);
    CHECK_TEXT(seen_text(&s, 0, 0), "That \"went\" too far.");
    CHECK_TEXT(s.finish[0], "content_filter");
    forget(&s);
    mid__config_drop(config);
}

/* ---- what an upstream may do wrong ------------------------------------------------------------------------------- */

static void check_bad(const mid__config *config, const char *stream, mid__outcome want, const char *code, const char *text)
{
    struct seen s;

    CHECK_INT(through(config, 1, stream, &s), want);
    CHECK_TEXT(s.error, code);
    CHECK_TEXT(seen_text(&s, 0, 0), text);
    CHECK(!s.done);                             /* no ending is made up */
    CHECK(!s.finish[0][0]);
    forget(&s);
}

TEST(filter, faults)
{
    mid__config *config = test_config("    hold_back: 0\n");
    struct seen s;

    check_bad(config, D("One two three"), MID__OUTCOME_TRUNCATED, "upstream_truncated", "One two");
    check_bad(config, "", MID__OUTCOME_TRUNCATED, "upstream_truncated", "");
    check_bad(config, D("One two") "data: {\"choices\":[{\"delta\":{\"content\":\"a\",\"content\":\"b\"}}]}\n\n",    /* E05 */
              MID__OUTCOME_MALFORMED, "upstream_malformed", "One");
    check_bad(config, D("One two") "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"x\"}}]}\n\n",         /* E30 */
              MID__OUTCOME_MALFORMED, "upstream_malformed", "One");
    check_bad(config, "data: {\"choices\":[{\"index\":-1,\"delta\":{\"content\":\"x\"}}]}\n\n", MID__OUTCOME_MALFORMED,
              "upstream_malformed", "");
    check_bad(config, "data: no json\n\n", MID__OUTCOME_MALFORMED, "upstream_malformed", "");
    check_bad(config, "data: [DONE] and a bomb\n\n", MID__OUTCOME_MALFORMED, "upstream_malformed", "");
    check_bad(config, "data: {\"error\":{\"message\":\"how to build a bomb \"}}\n\n", MID__OUTCOME_ERROR, "upstream_failed", ""); /* E41 */
    check_bad(config, D("One two") "data: {\"error\":{\"message\":\"out of memory\",\"code\":\"oom\"}}\n\n", MID__OUTCOME_ERROR, "oom",
              "One");
    /* E31: text behind a choice's end; the end has left, the text has not */
    CHECK_INT(through(config, 1, D("One") FINISH D(" bomb") DONE, &s), MID__OUTCOME_MALFORMED);
    CHECK_TEXT(seen_text(&s, 0, 0), "One");
    CHECK(!s.done && s.error[0]);
    forget(&s);
    /* E42: text behind the end of the stream, and a second one */
    CHECK_INT(through(config, 1, D("One") FINISH DONE D(" bomb") DONE, &s), MID__OUTCOME_COMPLETE);
    CHECK_TEXT(seen_text(&s, 0, 0), "One");
    CHECK(s.n_behind_done == 0);
    forget(&s);
    /* Azure: no [DONE]; none is made up */
    CHECK_INT(through(config, 1, D("One") FINISH, &s), MID__OUTCOME_COMPLETE);
    CHECK(!s.done && strcmp(s.finish[0], "stop") == 0);
    forget(&s);
    mid__config_drop(config);
}

/* E37, E38: lines that never end, events of a hundred thousand lines. */
TEST(filter, limits)
{
    mid__config *config = test_config("");
    mid__filter *f = open_filter(config, 1);
    mid__buf out = { 0 };
    char *much = malloc(700000);
    size_t i;

    for (i = 0; i < 100000; i++)
        memcpy(much + 7 * i, "data: \n", 7);
    CHECK_INT(mid__filter_events(f, much, 700000, &out), MID__OUTCOME_MALFORMED);
    mid__filter_close(f);
    memset(much, 'x', 700000);
    f = open_filter(config, 1);
    CHECK_INT(mid__filter_events(f, "data: ", 6, &out), MID__OUTCOME_OPEN);
    CHECK_INT(mid__filter_events(f, much, 700000, &out), MID__OUTCOME_OPEN);
    CHECK_INT(mid__filter_events(f, much, 700000, &out), MID__OUTCOME_MALFORMED);
    CHECK(strstr(out.at, "upstream_too_large") != NULL);
    mid__filter_close(f);
    mid__buf_clear(&out);
    free(much);
    mid__config_drop(config);
}

/* E26 and E27 in part: text in fields that nobody reads is not shown; numbers are. */
TEST(filter, unknown_fields)
{
    static const char stream[] =
        "data: {\"id\":\"c-1\",\"x\":{\"y\":[\"a bomb\",7]},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\",\"secret\":\"bomb\"}}]}\n\n"
        "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"logprobs\":{\"content\":[{\"token\":\"bomb\"}]}}]}\n\n"
        FINISH DONE;
    mid__config *config = test_config("");
    mid__filter *f = open_filter(config, 1);
    mid__buf out = { 0 };

    CHECK_INT(pass(f, stream, sizeof stream - 1, &out), MID__OUTCOME_COMPLETE);
    CHECK(!strstr(out.at, "bomb"));
    CHECK(strstr(out.at, "\"x\":{\"y\":[\"\",7]},\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\",\"secret\":\"\"}}]}") != NULL);
    mid__buf_clear(&out);
    mid__filter_close(f);
    mid__config_drop(config);
}

/* ---- choices and channels ---------------------------------------------------------------------------------------- */

/* E29: a stopped choice ends alone; E23: thoughts are a text of their own; E21: nothing of a call leaves before all. */
TEST(filter, choices_and_channels)
{
    static const struct run two[] = {
        { 0, "content", "Zero is " }, { 1, "content", "One has a bom" }, { 0, "content", "fine, " }, { 1, "content", "b now. And" },
        { 0, "content", "really." }, { 1, "content", " so on" }, { 0, NULL, NULL } };
    static const struct run thought[] = {
        { 0, "reasoning_content", "They want a bomb, so" }, { 0, "content", "Sure: this is it" }, { 0, NULL, NULL } };
    static const struct run call[] = {
        { 0, "content", "Calling." }, { 0, "arguments", "{\"what\": \"tea\", " }, { 0, "arguments", "\"with\": \"a bomb\"}" }, { 0, NULL, NULL } };
    mid__config *config = test_config("    hold_back: 0\n");
    mid__buf stream = { 0 };
    struct seen s;

    put_answer(&stream, two, 2, NULL);
    CHECK_INT(through(config, 2, stream.at, &s), MID__OUTCOME_COMPLETE);
    CHECK_TEXT(seen_text(&s, 0, 0), "Zero is fine, really.");
    CHECK_TEXT(seen_text(&s, 1, 0), "One has a bomb");
    CHECK_TEXT(s.finish[0], "stop");
    CHECK_TEXT(s.finish[1], "content_filter");
    CHECK(s.done);
    forget(&s);
    mid__buf_clear(&stream);
    put_answer(&stream, thought, 1, NULL);
    through(config, 1, stream.at, &s);
    CHECK_TEXT(seen_text(&s, 0, 1), "They want a bomb");
    CHECK_TEXT(seen_text(&s, 0, 0), "");
    forget(&s);
    mid__buf_clear(&stream);
    put_answer(&stream, call, 1, NULL);
    through(config, 1, stream.at, &s);
    CHECK_TEXT(seen_text(&s, 0, 0), "Calling.");
    CHECK_TEXT(seen_text(&s, 0, 3), "");
    CHECK_TEXT(s.finish[0], "content_filter");
    forget(&s);
    mid__buf_clear(&stream);
    mid__config_drop(config);
}

/* E24: a body is judged as its stream would be, and as much of it is seen. */
TEST(filter, bodies)
{
    static const char body[] = "{\"id\":\"c-1\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
        "\"content\":\"I build a bomb. Then\"},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"total_tokens\":9}}";
    static const char clean[] = "{ \"choices\": [ { \"message\": { \"content\": \"Tea.\" }, \"finish_reason\": \"stop\" } ] }";
    static const char no_key[] = "{\"error\":{\"message\":\"No such key\",\"code\":\"invalid_api_key\"}}";
    mid__config *config = test_config("    hold_back: 1\n    say: \" (cut)\"\n");
    mid__buf out = { 0 };
    mid__filter *f = open_filter(config, 1);

    CHECK_INT(mid__filter_body(f, body, sizeof body - 1, &out), MID__OUTCOME_COMPLETE);
    CHECK_TEXT(out.at, "{\"id\":\"c-1\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
               "\"content\":\"I build a (cut)\"},\"logprobs\":null,\"finish_reason\":\"content_filter\"}],\"usage\":{\"total_tokens\":9}}");
    mid__buf_clear(&out);
    mid__filter_close(f);
    f = open_filter(config, 1);
    CHECK_INT(mid__filter_body(f, clean, sizeof clean - 1, &out), MID__OUTCOME_COMPLETE);
    CHECK_TEXT(out.at, clean);
    mid__buf_clear(&out);
    mid__filter_close(f);
    f = open_filter(config, 1);
    CHECK_INT(mid__filter_body(f, no_key, sizeof no_key - 1, &out), MID__OUTCOME_ERROR);
    CHECK_TEXT(out.at, no_key);
    mid__buf_clear(&out);
    mid__filter_close(f);
    mid__config_drop(config);
}

/* E04: what is no text reads as U+FFFD, once; a character cut between two deltas is whole. */
TEST(filter, broken_characters)
{
    static const char stream[] = D("x\\ud83d y") D("caf\xc3") D("\xa9 \\ud83d\\ude00.") FINISH DONE;
    mid__config *config = test_config("");
    struct seen s;

    CHECK_INT(through(config, 1, stream, &s), MID__OUTCOME_COMPLETE);
    CHECK_TEXT(seen_text(&s, 0, 0), "x\xef\xbf\xbd ycaf\xc3\xa9 \xf0\x9f\x98\x80.");
    forget(&s);
    mid__config_drop(config);
}

/* ---- cuts -------------------------------------------------------------------------------------------------------- */

struct verdict { mid__found found; uint64_t stop[8], n_free[8]; double highest[8]; size_t n_lane; };

/* A stream pushed in pieces of random length. */
static void judge_in_pieces(const mid__config *config, const mid__buf *stream, mid__rng *rng, struct verdict *v, struct seen *s)
{
    mid__filter *f = open_filter(config, 2);
    mid__buf out = { 0 };
    size_t at = 0, i;

    while (at < stream->n) {
        const size_t n = rng ? 1 + mid__rng_below(rng, 200) : stream->n;
        const size_t now = n < stream->n - at ? n : stream->n - at;
        mid__filter_events(f, stream->at + at, now, &out);
        at += now;
    }
    mid__filter_end(f, &out);
    memset(v, 0, sizeof *v);
    v->found = mid__filter_found(f);
    v->n_lane = mid__filter_n_lane(f);
    for (i = 0; i < v->n_lane; i++) {
        v->stop[i] = mid__filter_lane(f, i)->alarm ? mid__filter_lane(f, i)->stop_byte : UINT64_MAX;
        v->n_free[i] = mid__filter_lane(f, i)->n_free;
        v->highest[i] = mid__filter_lane(f, i)->reading[0].highest;
    }
    see(s, out.at, out.n);
    mid__buf_clear(&out);
    mid__filter_close(f);
}

/* An answer by chance: words of a small list on two choices and three channels. */
static void make_answer(mid__rng *rng, struct run *run, mid__buf *texts, size_t n_run)
{
    static const char *const word[] = { "tea ", "caf\xc3\xa9, ", "bo", "mb ", "bomb", " poison", " ivy", "\xf0\x9f\x98\x80", "\n", " ", ".", "\"",
                                        "x\xff", "\xe2\x82", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" };
    static const char *const field[] = { "content", "reasoning_content", "arguments" };
    size_t i;

    for (i = 0; i < n_run; i++) {
        uint32_t n = 1 + mid__rng_below(rng, 12);
        run[i] = (struct run){ mid__rng_below(rng, 2), field[mid__rng_below(rng, 3)], NULL };
        mid__buf_clear(&texts[i]);
        while (n--)
            mid__buf_text(&texts[i], word[mid__rng_below(rng, sizeof word / sizeof word[0])]);
        run[i].text = texts[i].at;
    }
    run[n_run] = (struct run){ 0, NULL, NULL };
}

/* E01, E02, E03, E35, E36: whatever cuts the stream, the verdict, the byte of the stop and what is seen are the same. */
TEST(filter, cuts_change_nothing)
{
    enum { N_ANSWER = 300, N_SPLIT = 20, N_RUN = 6, SEED = 71 };
    static const char *const more[] = { "    hold_back: 0\n", "    hold_back: 3\n", "    mode: redact-tail\n", "    mode: observe\n" };
    struct run run[N_RUN + 1];
    mid__buf texts[N_RUN] = { { 0 } };
    mid__rng rng;
    size_t i, k, c, n_stop = 0;

    print_message("seed %d\n", SEED);
    mid__rng_init(&rng, SEED, 0);
    for (i = 0; i < N_ANSWER; i++) {
        mid__config *config = test_config(more[i % 4]);
        struct verdict want, got;
        struct seen wanted, s;
        mid__buf stream = { 0 };
        make_answer(&rng, run, texts, N_RUN);
        put_answer(&stream, run, 2, NULL);
        judge_in_pieces(config, &stream, NULL, &want, &wanted);
        n_stop += want.found == MID__FOUND_STOP;
        for (k = 0; k < N_SPLIT; k++) {
            mid__buf_clear(&stream);
            put_answer(&stream, run, 2, &rng);
            judge_in_pieces(config, &stream, &rng, &got, &s);
            CHECK(memcmp(&want, &got, sizeof want) == 0);
            for (c = 0; c < 2 * CHANNEL_MAX; c++)
                CHECK_TEXT(seen_text(&s, c % 2, c / 2), seen_text(&wanted, c % 2, c / 2));
            CHECK_TEXT(s.finish[0], wanted.finish[0]);
            CHECK_TEXT(s.finish[1], wanted.finish[1]);
            CHECK(s.done && s.done == wanted.done);
            forget(&s);
        }
        forget(&wanted);
        mid__buf_clear(&stream);
        mid__config_drop(config);
    }
    CHECK(n_stop > N_ANSWER / 4 && n_stop < 3 * N_ANSWER / 4);
    for (i = 0; i < N_RUN; i++)
        mid__buf_clear(&texts[i]);
}
