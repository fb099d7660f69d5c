/* Labeler classifier: it learns, the same each time, keeps its verdicts through a file, and refuses others' files. */
#include "test.h"

enum { N = 80 };

static const char *const texts[4] = {
    "have a lovely day, friend", "the train leaves at nine", "you stupid fool, get lost", "what a stupid fool he is",
};
static char text_of[N][64];
static const char *text[N];
static uint8_t label[N];

static mid_weights *fit(uint64_t seed)
{
    mid_weights *w;
    size_t i;

    for (i = 0; i < N; i++) {
        snprintf(text_of[i], sizeof text_of[i], "%s %c%c", texts[i % 4], 'a' + (char)(i % 7), 'a' + (char)(i / 7));
        text[i] = text_of[i];
        label[i] = i % 4 >= 2;
    }
    CHECK_OK(mid_labeler_fit_classifier(test_ctx(), text, label, N, seed, &w));
    return w;
}

static mid_status open_with(const char *file, mid_labeler **out)
{
    const mid_param params[] = { { "file", 0, file, NULL }, { NULL, 0, NULL, NULL } };

    return mid_labeler_open(test_ctx(), "classifier", params, NULL, out);
}

TEST(label_classifier, learns)
{
    mid_weights *w = fit(1);
    mid_labeler *l;
    mid_label said;

    CHECK_OK(mid_weights_save(test_ctx(), w, test_path("w.safetensors")));
    CHECK_OK(open_with(test_path("w.safetensors"), &l));
    CHECK_OK(mid_labeler_judge(test_ctx(), l, NULL, "Stupid fool!", 12, &said));
    CHECK_INT(said.unsafe, 1);
    CHECK(said.score > 0.5 && said.score < 1);
    CHECK_OK(mid_labeler_judge(test_ctx(), l, NULL, "A lovely train.", 15, &said));
    CHECK_INT(said.unsafe, 0);
    CHECK_OK(mid_labeler_judge(test_ctx(), l, NULL, "", 0, &said));
    CHECK_NEAR(said.score, 1 / (1 + exp(-mid_weights_number(w, "bias"))), 1e-12);
    CHECK_INT(said.onset_byte, -1);
    mid_labeler_close(l);
    mid_weights_close(w);
}

TEST(label_classifier, same_bytes)
{
    mid_weights *a = fit(7), *b = fit(7);
    void *bytes_a, *bytes_b;
    size_t n_a, n_b;

    CHECK_OK(mid_weights_pack(test_ctx(), a, &bytes_a, &n_a));
    CHECK_OK(mid_weights_pack(test_ctx(), b, &bytes_b, &n_b));
    CHECK_INT(n_a, n_b);
    CHECK(memcmp(bytes_a, bytes_b, n_a) == 0);
    mid_free(bytes_b);
    mid_free(bytes_a);
    mid_weights_close(b);
    mid_weights_close(a);
}

TEST(label_classifier, refuses)
{
    static const uint8_t ones[] = { 1, 1 }, two[] = { 1, 2 };
    mid_weights *w = NULL;
    mid_labeler *l = NULL;

    CHECK_FAILS(mid_labeler_fit_classifier(test_ctx(), texts, ones, 2, 1, &w), MID_EUNDEFINED);
    CHECK_FAILS(mid_labeler_fit_classifier(test_ctx(), texts, two, 2, 1, &w), MID_EINVAL);
    CHECK_FAILS(mid_labeler_fit_classifier(test_ctx(), texts, ones, 0, 1, &w), MID_EUNDEFINED);
    CHECK(w == NULL);
    CHECK_FAILS(mid_labeler_open(test_ctx(), "classifier", NULL, NULL, &l), MID_EINVAL);
    CHECK_SAYS("'file' must name its fitted weights");
    CHECK_FAILS(open_with(test_path("none"), &l), MID_ENOTFOUND);
    CHECK_OK(mid_weights_open(test_ctx(), &w));
    CHECK_OK(mid_weights_save(test_ctx(), w, test_path("other")));
    CHECK_FAILS(open_with(test_path("other"), &l), MID_EFORMAT);
    CHECK_SAYS("not the weights of labeler classifier");
    CHECK_OK(mid_weights_set_text(test_ctx(), w, "labeler", "classifier"));
    CHECK_OK(mid_weights_set_number(test_ctx(), w, "ngram_version", 1));
    CHECK_OK(mid_weights_set_number(test_ctx(), w, "bias", 0));
    CHECK_OK(mid_weights_save(test_ctx(), w, test_path("other")));
    CHECK_FAILS(open_with(test_path("other"), &l), MID_EFORMAT);
    CHECK(l == NULL);
    mid_weights_close(w);
}
