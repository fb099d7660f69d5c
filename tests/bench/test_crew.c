/* What ranks say to each other arrives as it was said; what is cut or garbled is refused, at every byte. No process and
 * no model: rank 0 and the other are one program, and a message lies in memory until it is received. */
#include "test.h"

#include "bench/crew.h"

struct post { void *bytes; size_t n; bool is_dead; };

static mid_status send_post(void *user, int rank, const void *bytes, size_t n)
{
    struct post *p = user;

    (void)rank;
    if (p->is_dead)
        return MID_EIO;
    free(p->bytes);
    p->bytes = malloc(n + 1);
    memcpy(p->bytes, bytes, n);
    p->n = n;
    return MID_OK;
}

/* A copy of exactly n bytes, so that a sanitizer sees one read too many; the message stays for another time. */
static mid_status receive_post(void *user, int rank, void **bytes, size_t *n)
{
    struct post *p = user;

    (void)rank;
    if (p->is_dead || !p->bytes)
        return MID_EIO;
    *bytes = malloc(p->n ? p->n : 1);
    memcpy(*bytes, p->bytes, p->n);
    *n = p->n;
    return MID_OK;
}

static mid_crew crew_of(struct post *p)
{
    return (mid_crew){ .size = sizeof(mid_crew), .n_rank = 2, .user = p, .send = send_post, .receive = receive_post };
}

TEST(crew, orders_arrive_as_given)
{
    mid__order order = { .i_data = 7, .is_second = 1, .n = 3 }, got;
    struct post post = { 0 };
    const mid_crew crew = crew_of(&post);
    size_t whole;
    uint32_t i;

    for (i = 0; i < 3; i++) {
        order.answer[i].i_read = 5000000000ull + i;
        order.answer[i].key = mid_key_of("answer", i ? "b" : "a", NULL);
    }
    order.answer[1].said = "";
    order.answer[2].said = "it said this";
    CHECK_OK(mid__crew_order(test_ctx(), &crew, 1, &order));
    CHECK_OK(mid__crew_wait(test_ctx(), &crew, &got));
    CHECK_INT(got.i_data, 7);
    CHECK_INT(got.is_second, 1);
    CHECK_INT(got.n, 3);
    for (i = 0; i < 3; i++) {
        CHECK_INT(got.answer[i].i_read, order.answer[i].i_read);
        CHECK_TEXT(got.answer[i].key.hex, order.answer[i].key.hex);
    }
    CHECK(got.answer[0].said == NULL);
    CHECK_TEXT(got.answer[1].said, "");
    CHECK_TEXT(got.answer[2].said, "it said this");
    mid__order_clear(&got);
    for (whole = post.n; post.n-- > 0;) {               /* cut anywhere */
        CHECK_FAILS(mid__crew_wait(test_ctx(), &crew, &got), MID_EFORMAT);
        CHECK(got.bytes == NULL);
    }
    post.n = whole + 1;                                 /* or too long */
    ((char *)post.bytes)[whole] = 'x';
    CHECK_FAILS(mid__crew_wait(test_ctx(), &crew, &got), MID_EFORMAT);
    post.n = whole;
    memset((char *)post.bytes + 2 * sizeof(uint32_t), 0xff, sizeof(uint32_t));     /* more than a group */
    CHECK_FAILS(mid__crew_wait(test_ctx(), &crew, &got), MID_EFORMAT);
    CHECK_SAYS("rank 0 says what is no message");
    mid__crew_dismiss(&crew);
    CHECK_OK(mid__crew_wait(test_ctx(), &crew, &got));
    CHECK_INT(got.i_data, UINT32_MAX);
    mid__order_clear(&got);
    free(post.bytes);
}

static mid_trace *make_trace(float lp)
{
    const mid_signals s = { .have = MID_SIG_TEXT | MID_SIG_LOGPROB };
    const mid_step step = { .have = s.have, .n_text = 2, .text = "ab", .lp = lp };
    mid_trace *trace = NULL;

    CHECK_OK(mid_trace_open(test_ctx(), &s, NULL, &trace));
    CHECK_OK(mid_trace_append(trace, &step));
    return trace;
}

TEST(crew, traces_arrive_as_handed_in)
{
    mid_trace *trace[2] = { make_trace(-0.25f), make_trace(-1.5f) }, *got[2];
    const mid__judged judged = { .n_verdict = 2.5, .time_s = 0.125 };
    mid__judged cost;
    struct post post = { 0 };
    const mid_crew crew = crew_of(&post);
    mid_step step;
    int i;

    CHECK_OK(mid__crew_hand_in(test_ctx(), &crew, 2, trace, &judged));
    CHECK_OK(mid__crew_collect(test_ctx(), &crew, 1, 2, got, &cost));
    CHECK(memcmp(&cost, &judged, sizeof cost) == 0);
    for (i = 0; i < 2; i++) {
        void *a, *b;
        size_t n_a, n_b;
        mid_trace_step(got[i], 0, NULL, &step);
        CHECK(step.lp == (i ? -1.5f : -0.25f));
        CHECK_OK(mid_trace_pack(test_ctx(), trace[i], &a, &n_a));
        CHECK_OK(mid_trace_pack(test_ctx(), got[i], &b, &n_b));
        CHECK(n_a == n_b && memcmp(a, b, n_a) == 0);    /* the store's bytes are those of a trace made by rank 0 */
        mid_free(a);
        mid_free(b);
        mid_trace_close(got[i]);
    }
    CHECK_FAILS(mid__crew_collect(test_ctx(), &crew, 1, 1, got, &cost), MID_EFORMAT);       /* more than was ordered */
    CHECK(got[0] == NULL);
    while (post.n-- > 0)
        CHECK_FAILS(mid__crew_collect(test_ctx(), &crew, 1, 2, got, &cost), MID_EFORMAT);
    for (i = 0; i < 2; i++)
        mid_trace_close(trace[i]);
    free(post.bytes);
}

TEST(crew, failures_are_told)
{
    mid_trace *got[2];
    mid__judged cost;
    mid__order order = { 0 };
    struct post post = { 0 };
    const mid_crew crew = crew_of(&post);

    CHECK_FAILS(mid_store_open(test_ctx(), "", &(mid_store *){ NULL }), MID_EINVAL);
    mid__crew_fail(test_ctx(), &crew, MID_EINVAL);
    CHECK_FAILS(mid__crew_collect(test_ctx(), &crew, 1, 2, got, &cost), MID_EINVAL);
    CHECK_SAYS("rank 1: a store needs a path");
    post.is_dead = true;
    CHECK_FAILS(mid__crew_order(test_ctx(), &crew, 1, &order), MID_EIO);
    CHECK_SAYS("rank 1 cannot be reached");
    CHECK_FAILS(mid__crew_collect(test_ctx(), &crew, 1, 2, got, &cost), MID_EIO);
    CHECK_SAYS("nothing comes from rank 1");
    mid__crew_dismiss(&crew);                           /* nobody is there; nothing happens */
    free(post.bytes);
}
