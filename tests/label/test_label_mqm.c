/* Labeler mqm: penalties and onsets by hand. With MIDSTREAM_DATA, wmt23_mqm's own penalties. */
#include "test.h"

static mid_label judged(const mid_param *params, const mid_sample *s, const char *text, size_t n)
{
    mid_labeler *l;
    mid_label label;

    CHECK_OK(mid_labeler_open(test_ctx(), "mqm", params, NULL, &l));
    CHECK_OK(mid_labeler_judge(test_ctx(), l, s, text, n, &label));
    mid_labeler_close(l);
    return label;
}

#define SPAN(start, severity, label, rater) \
    "{\"start\":" #start ",\"end\":9,\"severity\":\"" severity "\",\"label\":\"" label "\",\"rater\":\"" rater "\"}"

/* Two raters: a minor one, one of punctuation and a major one make 6.1; of the other an omission without a span, 5. */
TEST(label_mqm, golden)
{
    static const mid_param lax[] = { { "threshold", 6, NULL, NULL }, { NULL, 0, NULL, NULL } };
    const mid_sample s = {
        .response = "0123456789", .meta = "{\"spans\":["
            SPAN(1, "minor", "Style/Awkward", "a") "," SPAN(8, "minor", "Fluency/Punctuation", "a") ","
            SPAN(4, "major", "Accuracy/Mistranslation", "a")
            "],\"raters\":{\"a\":{\"major\":1,\"minor\":2},\"b\":{\"major\":1,\"minor\":0}}}",
    };
    mid_label label = judged(NULL, &s, s.response, 10);

    CHECK_NEAR(label.score, (1 + 0.1 + 5 + 5) / 2, 1e-12);
    CHECK_INT(label.unsafe, 1);
    CHECK_INT(label.onset_byte, 4);                 /* the first major one, not the first */
    label = judged(lax, &s, s.response, 10);
    CHECK_INT(label.unsafe, 0);
    CHECK_INT(label.onset_byte, -1);
    label = judged(NULL, &s, s.response, 3);        /* cut short: what begins behind the cut does not count */
    CHECK_NEAR(label.score, 0.5, 1e-12);
    CHECK_INT(label.unsafe, 0);
    CHECK_INT(judged(NULL, &s, "another", 7).unsafe, -1);
}

TEST(label_mqm, severities)
{
    const mid_sample critical = { .response = "0123456789", .meta = "{\"spans\":[" SPAN(2, "Critical", "x", "a") ","
                                  SPAN(1, "neutral", "x", "b") "]}" };
    const mid_sample nothing_like_it = { .response = "0123456789", .meta = "{\"spans\":["
                                         SPAN(0, "major", "Non-translation!", "a") "]}" };
    mid_label label = judged(NULL, &critical, "0123456789", 10);

    CHECK_NEAR(label.score, 25.0 / 2, 1e-12);       /* two raters by their spans */
    CHECK_INT(label.onset_byte, 2);
    label = judged(NULL, &nothing_like_it, "0123456789", 10);
    CHECK_NEAR(label.score, 25, 1e-12);
}

/* No spans, spans that are no MQM, and a record that was rated and has none. */
TEST(label_mqm, says_nothing_without_ratings)
{
    mid_sample s = { .response = "0123456789" };

    CHECK_INT(judged(NULL, &s, "0123456789", 10).unsafe, -1);
    s.meta = "{\"spans\":null}";
    CHECK_INT(judged(NULL, &s, "0123456789", 10).unsafe, -1);
    s.meta = "{\"spans\":[]}";
    CHECK_INT(judged(NULL, &s, "0123456789", 10).unsafe, -1);
    s.meta = "{\"spans\":[{\"start\":1,\"end\":2,\"label\":\"toxic\"}]}";
    CHECK_INT(judged(NULL, &s, "0123456789", 10).unsafe, -1);
    s.meta = "{\"spans\":[],\"raters\":{\"a\":{\"major\":0,\"minor\":0}}}";
    CHECK_INT(judged(NULL, &s, "0123456789", 10).unsafe, 0);
    s.meta = "{\"spans\":[7,{\"severity\":3}],\"raters\":7}";  /* of another shape: nothing that weighs */
    CHECK(judged(NULL, &s, "0123456789", 10).unsafe <= 0);
}

/* 13 of 2936 answers have an error of punctuation, or a non-translation, without a span: they cannot be told apart. */
TEST(label_mqm, wmt23)
{
    const char *dir = test_data();
    mid_dataset *data = NULL;
    size_t i, n_off = 0, n_onset_off = 0;
    const char *at;

    CHECK_OK(mid_dataset_open(test_ctx(), &dir, 1, "wmt23_mqm", &data));
    for (i = 0; i < mid_dataset_n(data); i++) {
        const mid_sample *s = mid_dataset_at(data, i);
        const mid_label label = judged(NULL, s, s->response, strlen(s->response));
        at = strstr(s->meta, "\"mqm_mean\":");
        n_off += !at || fabs(label.score - strtod(at + 11, NULL)) > 6e-4;  /* rounded to three places */
        at = strstr(s->meta, "\"onset_major\":");
        if (label.unsafe == 1 && at)
            n_onset_off += label.onset_byte != (at[14] == 'n' ? -1 : strtoll(at + 14, NULL, 10));
    }
    CHECK_INT(mid_dataset_n(data), 2936);
    CHECK_INT(n_off, 13);
    CHECK_INT(n_onset_off, 0);
    mid_dataset_close(data);
}
