/* Importing: small files in each tool's form, written for this test; what becomes of them, how a bad one is refused. */
#include "test.h"

#include <sys/stat.h>
#include <unistd.h>

static mid_import_count count;

static mid_status import(const char *from, const char *file, const char *text, const char *field, const char *source)
{
    const mid_import_map map = { field, source };
    mid_import_opts opts = mid_import_opts_default();

    opts.map = &map;
    opts.n_map = field != NULL;
    unlink(test_path("out.jsonl"));
    return mid_import(test_ctx(), from, test_write(file, text, strlen(text)), test_path("out.jsonl"), &opts, &count);
}

/* What was written, as a dataset. */
static mid_dataset *written(void)
{
    mid_dataset *d;

    CHECK_OK(mid_dataset_open(test_ctx(), NULL, 0, test_path("out.jsonl"), &d));
    CHECK_INT(mid_dataset_n(d), count.n_written);
    return d;
}

TEST(import, list)
{
    const mid_import_info *const *i = mid_import_list();
    size_t n;

    for (n = 0; i[n]; n++)
        CHECK(i[n]->summary && i[n]->task && (n == 0 || strcmp(i[n - 1]->name, i[n]->name) < 0));
    CHECK_INT(n, 4);
    CHECK_FAILS(import("xml", "a", "", NULL, NULL), MID_EINVAL);
    CHECK_SAYS("no form 'xml'; there are csv, lm-eval, openai-chat, ragtruth");
    CHECK_FAILS(import("csv", "a.csv", "prompt\nx\n", "answer", "x"), MID_EINVAL);
    CHECK_SAYS("a map of 'answer', which csv does not have; it can map id, prompt");
    CHECK_FAILS(import("openai-chat", "a", "", "prompt", "x"), MID_EINVAL);
    CHECK_SAYS("it can map nothing");
}

TEST(import, csv)
{
    static const char text[] = "\xef\xbb\xbf\"question\",response,label,note,split,references\r\n"
        "\"Why, \"\"x\"\"?\nnow\",because,1,n1,cal,\"[\"\"a\"\",\"\"b\"\"]\"\r\n"
        "\r\n"
        ",x,,,,\r\n"
        "b,,,\"n\r\n2\",,c\r\n";
    mid_dataset *d;
    const mid_sample *s;

    CHECK_OK(import("csv", "a.csv", text, "prompt", "question"));
    CHECK_INT(count.n_row, 3);
    CHECK_INT(count.n_why, 1);
    CHECK_INT(count.skipped[0].n, 1);
    CHECK_TEXT(count.skipped[0].why, "no prompt");
    d = written();
    s = mid_dataset_at(d, 0);
    CHECK_TEXT(s->id, "a-1");
    CHECK_TEXT(s->task, "qa");
    CHECK_TEXT(s->prompt, "Why, \"x\"?\nnow");
    CHECK_TEXT(s->response, "because");
    CHECK_INT(s->label, 1);
    CHECK_INT(s->n_reference, 2);
    CHECK_TEXT(s->split, "cal");
    CHECK_TEXT(s->meta, "{\"split\":\"cal\",\"columns\":{\"note\":\"n1\"}}");
    s = mid_dataset_at(d, 1);
    CHECK_TEXT(s->id, "a-3");
    CHECK(!s->response && s->label == -1);
    CHECK_TEXT(s->reference[0], "c");
    CHECK_TEXT(s->meta, "{\"columns\":{\"note\":\"n\\r\\n2\"}}");
    mid_dataset_close(d);
    CHECK_OK(import("csv", "a.csv", "note,prompt\nn,\"x\r\"\nn,y\r\n", NULL, NULL));
    d = written();
    CHECK_TEXT(mid_dataset_at(d, 0)->prompt, "x\r");      /* in quotes it is the field's own */
    CHECK_TEXT(mid_dataset_at(d, 1)->prompt, "y");
    mid_dataset_close(d);
}

/* A pipe is read once; its first bytes are a mark, like one, or neither. */
TEST(import, csv_from_a_pipe)
{
    static const char *const text[] = { "\xef\xbb\xbfprompt\nx\n", "prompt\nx\n", "\xef\xbc\xa1,prompt\n,x\n" };
    char path[32];
    mid_dataset *d;
    int fd[2];
    size_t i;

    for (i = 0; i < 3; i++) {
        CHECK(pipe(fd) == 0);
        CHECK(write(fd[1], text[i], strlen(text[i])) == (ssize_t)strlen(text[i]));
        close(fd[1]);
        snprintf(path, sizeof path, "/dev/fd/%d", fd[0]);
        unlink(test_path("out.jsonl"));
        CHECK_OK(mid_import(test_ctx(), "csv", path, test_path("out.jsonl"), NULL, &count));
        close(fd[0]);
        d = written();
        CHECK_TEXT(mid_dataset_at(d, 0)->prompt, "x");
        mid_dataset_close(d);
    }
}

TEST(import, lm_eval)
{
    static const char text[] =
        "{\"doc_id\":0,\"doc\":{\"q\":\"2+2\"},\"target\":\"4\",\"arguments\":{\"gen_args_0\":{\"arg_0\":\"2+2=\","
        "\"arg_1\":{\"until\":[\"\\n\"]}}},\"resps\":[[\"four\"]],\"filtered_resps\":[\"four\"],\"filter\":\"none\","
        "\"metrics\":[\"exact_match\"],\"exact_match\":0.0}\n"
        "{\"doc_id\":0,\"target\":4,\"arguments\":[[\"2+2=\",{}]],\"resps\":[[\"4\"]],\"filter\":\"strict\","
        "\"metrics\":[\"exact_match\"],\"exact_match\":1.0}\n"
        "{\"doc_id\":1,\"target\":0,\"arguments\":[[\"a\",\" b\"],[\"a\",\" c\"]],\"resps\":[[[-1.5,false]],"
        "[[-2.5,false]]],\"filter\":\"none\",\"metrics\":[\"acc\"],\"acc\":1.0}\n"
        "{\"doc_id\":2,\"target\":\"0\",\"arguments\":{\"gen_args_0\":{\"arg_0\":\"a\",\"arg_1\":\" b\"},"
        "\"gen_args_1\":{\"arg_0\":\"a\",\"arg_1\":\" c\"}},\"resps\":[[[\"-13.875\",\"False\"]],[[\"-14.5\",\"False\"]]],"
        "\"filter\":\"none\",\"metrics\":[\"acc\"],\"acc\":1.0}\n"      /* as files are written: numbers as texts */
        "{\"doc_id\":3,\"target\":\"a\",\"arguments\":{\"gen_args_0\":{\"arg_0\":\"a\"}},\"resps\":[[\"-3.5\"]],"
        "\"filter\":\"none\",\"metrics\":[\"acc\"],\"acc\":1.0}\n"      /* a rolling likelihood */
        "{\"doc_id\":4,\"target\":\"a b\",\"arguments\":{\"gen_args_0\":{\"arg_0\":\"Say it\",\"arg_1\":{}}},"
        "\"resps\":[[\"a b\"]],\"filter\":\"none\",\"metrics\":[\"wer\"],\"wer\":0.0}\n";
    mid_dataset *d;
    const mid_sample *s;

    CHECK_OK(import("lm-eval", "samples_sums.jsonl", text, NULL, NULL));
    CHECK_INT(count.n_why, 1);
    CHECK_INT(count.skipped[0].n, 3);
    CHECK_TEXT(count.skipped[0].why, "no generated text in \"resps\" (multiple choice)");
    d = written();
    s = mid_dataset_at(d, 0);
    CHECK_TEXT(s->id, "samples_sums-0");
    CHECK_TEXT(s->prompt, "2+2=");
    CHECK_TEXT(s->response, "four");
    CHECK_INT(s->label, 1);                             /* the metric says 0: wrong */
    CHECK_TEXT(s->label_source, "rule");
    CHECK_TEXT(s->reference[0], "4");
    s = mid_dataset_at(d, 1);
    CHECK_TEXT(s->id, "samples_sums-0-strict");
    CHECK_INT(s->label, 0);
    CHECK_TEXT(s->reference[0], "4");
    s = mid_dataset_at(d, 2);
    CHECK_TEXT(s->id, "samples_sums-4");
    CHECK_INT(s->label, -1);                            /* a word error rate of 0 is no wrong answer */
    mid_dataset_close(d);
    CHECK_FAILS(import("lm-eval", "s.jsonl", text, "label", "f1"), MID_EFORMAT);
    CHECK_SAYS("s.jsonl:1:1: \"f1\" is missing; a label needs a metric of 0 or 1");
}

TEST(import, openai_chat)
{
    static const char text[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\",\"content\":\"Hello\"}]}\n"
        "{\"custom_id\":\"r1\",\"body\":{\"messages\":[{\"role\":\"system\",\"content\":\"Be brief\"},"
        "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Why\"},{\"type\":\"text\",\"text\":\"?\"}]}],\"model\":\"asked\"},"
        "\"response\":{\"body\":{\"model\":\"m-1\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":"
        "\"A\"}},{\"message\":{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[]}}]}}}\n"
        "{\"request\":{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}]},"
        "\"response\":{\"id\":\"r2\",\"choices\":[{\"message\":{\"content\":\"B\"}}]}}\n"
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}\n";
    mid_dataset *d;
    const mid_sample *s;

    CHECK_OK(import("openai-chat", "log.jsonl", text, NULL, NULL));
    CHECK_INT(count.n_row, 5);                          /* two choices are two rows */
    CHECK_INT(count.n_written, 2);
    CHECK_INT(count.n_why, 3);
    d = written();
    s = mid_dataset_at(d, 0);
    CHECK_TEXT(s->id, "log-1");
    CHECK_TEXT(s->prompt, "Hi");
    CHECK_TEXT(s->response, "Hello");
    CHECK_TEXT(s->task, "chat");
    s = mid_dataset_at(d, 1);
    CHECK_TEXT(s->id, "log-r1-1");
    CHECK_TEXT(s->prompt, "system: Be brief\n\nuser: Why?");
    CHECK_TEXT(s->response_model, "m-1");
    CHECK(strncmp(s->meta, "{\"messages\":[{\"role\":\"system\"", 28) == 0);
    mid_dataset_close(d);
}

/* Two ids that differ behind their first 400 bytes. */
TEST(import, long_ids)
{
    char text[2000];
    mid_dataset *d;

    snprintf(text, sizeof text,
             "{\"custom_id\":\"%0400da\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},{\"role\":\"assistant\","
             "\"content\":\"A\"}]}\n{\"custom_id\":\"%0400db\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"},"
             "{\"role\":\"assistant\",\"content\":\"B\"}]}\n", 0, 0);
    CHECK_OK(import("openai-chat", "log.jsonl", text, NULL, NULL));
    d = written();
    CHECK_INT(count.n_written, 2);
    CHECK_INT(strlen(mid_dataset_at(d, 0)->id), 405);
    mid_dataset_close(d);
}

#define SOURCE "{\"source_id\":\"7\",\"task_type\":\"QA\",\"source\":\"MARCO\",\"source_info\":{}," \
               "\"prompt\":\"From: tea.\"}\n"

static mid_status import_ragtruth(const char *responses)
{
    char folder[600];

    snprintf(folder, sizeof folder, "%s/rt", test_dir());
    mkdir(folder, 0777);
    test_write("rt/source_info.jsonl", SOURCE, sizeof SOURCE - 1);
    test_write("rt/response.jsonl", responses, strlen(responses));
    unlink(test_path("out.jsonl"));
    return mid_import(test_ctx(), "ragtruth", folder, test_path("out.jsonl"), NULL, &count);
}

/* In "Üb café 3" character 3 is byte 4 and character 7 byte 9. */
TEST(import, ragtruth)
{
    static const char text[] =
        "{\"id\":\"0\",\"source_id\":\"7\",\"model\":\"m\",\"temperature\":0.7,\"labels\":[{\"start\":3,\"end\":7,"
        "\"text\":\"caf\xc3\xa9\",\"label_type\":\"Evident Conflict\",\"implicit_true\":false}],\"split\":\"train\",\"quality\":"
        "\"good\",\"response\":\"\xc3\x9c" "b caf\xc3\xa9 3\"}\n"
        "{\"id\":\"1\",\"source_id\":7,\"model\":\"m\",\"labels\":[],\"split\":\"test\",\"response\":\"x\"}\n"
        "{\"id\":\"2\",\"source_id\":\"8\",\"model\":\"m\",\"labels\":[],\"split\":\"test\",\"response\":\"x\"}\n";
    mid_dataset *d;
    const mid_sample *s;

    CHECK_OK(import_ragtruth(text));
    CHECK_INT(count.n_row, 3);
    CHECK_TEXT(count.skipped[0].why, "no source of that source_id");
    d = written();
    s = mid_dataset_at(d, 0);
    CHECK_TEXT(s->id, "rt-0");
    CHECK_TEXT(s->task, "grounded");
    CHECK_TEXT(s->prompt, "From: tea.");
    CHECK_INT(s->label, 1);
    CHECK_INT(s->onset_byte, 4);
    CHECK(strstr(s->meta,
                 "\"spans\":[{\"start\":4,\"end\":9,\"label_type\":\"Evident Conflict\",\"implicit_true\":false}]"));
    CHECK_TEXT(s->split, "cal");
    s = mid_dataset_at(d, 1);
    CHECK_INT(s->label, 0);
    CHECK_INT(s->onset_byte, -1);
    CHECK_TEXT(s->split, "test");
    mid_dataset_close(d);
}

#define ANSWER(labels) "{\"id\":\"0\",\"source_id\":\"7\",\"labels\":" labels ",\"response\":\"abc\"}\n"
#define CHAT(id) "{\"custom_id\":\"" id "\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"},{\"role\":" \
                 "\"assistant\",\"content\":\"b\"}]}\n"

/* A failure names the place and leaves no file. */
TEST(import, bad_row)
{
    static const struct { const char *from, *text, *says; } row[] = {
        { "csv", "prompt,label\na,b\n", "in:2: column 'label' is \"b\"; a label is 0, 1 or empty" },
        { "csv", "prompt,label\na\n", "in:2: the row has 1 fields, the header 2" },
        { "csv", "prompt\n\"a\n\nb", "in:2: a field that begins with a quote has no end" },
        { "csv", "prompt\n\n\"a\"b\n", "in:3: something stands behind a closing quote" },
        { "csv", "question\na\n", "in:1: no column 'prompt' for field prompt; there are question; name one with" },
        { "csv", "prompt,references\na,[b\n", "in:2: column 'references' begins like a JSON list and is none" },
        { "csv", "id,prompt\na,b\na,c\n", "in:3: the id \"a\" was used before" },
        { "csv", "prompt,split\na,train\n", "in:2: its record:1:" },
        { "csv", "prompt\n\xff\n", "in:2: not UTF-8" },
        { "csv", "", "in:1: no column 'prompt' for field prompt; there are none" },
        { "csv", "prompt\n", "in: none of its 0 rows made a record" },
        { "lm-eval", "{}\n", "in:1:1: \"doc_id\" is missing" },
        { "lm-eval", "\n\nx\n", "in:3:1: not JSON" },
        { "lm-eval", "{\"doc_id\":1}\n", "in: none of its 1 rows made a record: no prompt in \"arguments\"" },
        { "openai-chat", "{\"messages\":3}\n", "in:1:13: \"messages\" is missing; it must be a list" },
        { "openai-chat", CHAT("x") CHAT("x"), "in:2: the id \"in-x\" was used before" },
        { "openai-chat", CHAT("x") "\xff\n", "in:2:1: byte 0xff at offset" },
        { "ragtruth", ANSWER("[{\"start\":1,\"end\":4}]"), "start and end must be characters of the response" },
        { "ragtruth", ANSWER("[{\"start\":2,\"end\":1}]"), "response.jsonl:1:36: \"labels\" has" },
        { "ragtruth", ANSWER("[{\"start\":0,\"end\":1,\"text\":\"b\"}]"), "the response has another text" },
        { "ragtruth", ANSWER("null"), "\"labels\" must be a list of spans" },
        { "ragtruth", "{\"source_id\":\"7\"}\n", "response.jsonl:1:1: \"id\" is missing" },
    };
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        if (strcmp(row[i].from, "ragtruth") == 0)
            CHECK_FAILS(import_ragtruth(row[i].text), MID_EFORMAT);
        else
            CHECK_FAILS(import(row[i].from, "in", row[i].text, NULL, NULL), MID_EFORMAT);
        CHECK_SAYS(row[i].says);
        CHECK(access(test_path("out.jsonl"), F_OK) != 0);
    }
    CHECK_FAILS(mid_import(test_ctx(), "csv", test_path("nothing"), test_path("out.jsonl"), NULL, &count),
                MID_ENOTFOUND);
}

/* Ten thousand rows and more: ids stay apart as their table grows, and everything arrives. */
TEST(import, many_rows)
{
    enum { N = 12000 };
    char *text = malloc(N * 16 + 16), *at = text;
    mid_dataset *d;
    size_t i;

    assert_non_null(text);
    at += sprintf(at, "prompt\n");
    for (i = 0; i < N; i++)
        at += sprintf(at, "p %zu\n", i);
    CHECK_OK(import("csv", "many.csv", text, NULL, NULL));
    d = written();
    CHECK_INT(mid_dataset_n(d), N);
    CHECK_TEXT(mid_dataset_at(d, N - 1)->prompt, "p 11999");
    mid_dataset_close(d);
    free(text);
}
