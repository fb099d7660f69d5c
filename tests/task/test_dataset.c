/* Datasets: a good one, every way a line can be wrong and what is then said, and all outside datasets by name. */
#include "test.h"

#include <sys/stat.h>

#define HEAD "{\"id\":\"a\",\"task\":\"qa\",\"prompt\":\"p\",\"response\":\"hello\""

static const char full[] =
    "{\"id\":\"a-1\",\"task\":\"chat\",\"prompt\":\"Why?\",\"response\":\"Gr\xc3\xbc\xc3\x9f dich\","
    "\"response_model\":\"m\",\"references\":[\"x\",\"y z\"],\"bad_references\":null,\"label\":1,"
    "\"label_source\":\"model:judge\",\"category\":\"c\",\"lang\":\"de\","
    "\"meta\":{\"split\":\"cal\",\"onset\":7,\"prompt_label\":1,\"spans\":[{\"start\":7,\"end\":11}],"
    "\"more\":[1.5,true]},\"extra\":{}}\r\n"
    "\n"
    "{\"id\":\"a-2\",\"task\":\"qa\",\"prompt\":\"\",\"response\":null,\"label\":null,\"meta\":{\"unsafe_prompt\":0}}";

static mid_status open_bytes(const char *bytes, size_t n, mid_dataset **out)
{
    return mid_dataset_open(test_ctx(), NULL, 0, test_write("data.jsonl", bytes, n), out);
}

TEST(dataset, record)
{
    mid_dataset *d;
    const mid_sample *s;

    CHECK_OK(open_bytes(full, sizeof full - 1, &d));
    CHECK_INT(mid_dataset_n(d), 2);
    CHECK_TEXT(mid_dataset_name(d), "data");
    CHECK_INT(strlen(mid_dataset_hash(d)), 64);
    s = mid_dataset_at(d, 0);
    CHECK_TEXT(s->id, "a-1");
    CHECK_TEXT(s->task, "chat");
    CHECK_TEXT(s->response, "Gr\xc3\xbc\xc3\x9f dich");
    CHECK_TEXT(s->response_model, "m");
    CHECK_INT(s->n_reference, 2);
    CHECK_TEXT(s->reference[1], "y z");
    CHECK_INT(s->n_bad_reference, 0);
    CHECK_INT(s->label, 1);
    CHECK_TEXT(s->label_source, "model:judge");
    CHECK_TEXT(s->lang, "de");
    CHECK_TEXT(s->split, "cal");
    CHECK_INT(s->onset_byte, 7);
    CHECK_INT(s->prompt_label, 1);
    CHECK_TEXT(s->meta, "{\"split\":\"cal\",\"onset\":7,\"prompt_label\":1,\"spans\":[{\"start\":7,\"end\":11}],"
               "\"more\":[1.5,true]}");
    s = mid_dataset_at(d, 1);
    CHECK(!s->response && !s->response_model && !s->label_source && !s->category && !s->split);
    CHECK_INT(s->label, -1);
    CHECK_INT(s->onset_byte, -1);
    CHECK_INT(s->prompt_label, 0);
    mid_dataset_close(d);
    mid_dataset_close(NULL);
}

TEST(dataset, bad_line)
{
    static const struct { const char *text, *says; } row[] = {
        { "{\"id\":\"a\",}", "data.jsonl:1:10: not JSON (" },
        { HEAD "}\n\nnonsense", "data.jsonl:3:1: not JSON (" },
        { "[1]", "data.jsonl:1:1: a JSON array where an object is needed" },
        { HEAD, "data.jsonl:1:54: not JSON (" },
        { "{\"task\":\"qa\",\"prompt\":\"p\",\"response\":null}", 
          "data.jsonl:1:1: \"id\" is missing; it must be a text" },
        { "{\"id\":\"a\",\"prompt\":\"p\",\"response\":null}", "\"task\" is missing" },
        { "{\"id\":\"a\",\"task\":\"qa\",\"response\":null}", "\"prompt\" is missing" },
        { "{\"id\":\"a\",\"task\":\"qa\",\"prompt\":\"p\"}", "\"response\" is missing; it must be a text, or null" },
        { "{\"id\":7,\"task\":\"qa\",\"prompt\":\"p\",\"response\":null}", 
          "data.jsonl:1:7: \"id\" is 7; it must be a text" },
        { "{\"id\":\"\",\"task\":\"qa\",\"prompt\":\"p\",\"response\":null}", 
          "\"id\" is \"\"; it must be a text that is not empty" },
        { "{\"id\":\"a\",\"task\":\"quiz\",\"prompt\":\"p\",\"response\":null}", 
          "data.jsonl:1:18: \"task\" is \"quiz\"; it must be chat, code" },
        { HEAD ",\"references\":\"x\"}", "\"references\" is \"x\"; it must be a list of texts or null" },
        { HEAD ",\"references\":[\"x\",1]}", "\"references\" is [\"x\",1]; it must be a list of texts only" },
        { HEAD ",\"label\":2}", "data.jsonl:1:63: \"label\" is 2; it must be 0, 1 or null" },
        { HEAD ",\"label\": true}", "data.jsonl:1:64: \"label\" is true; it must be 0, 1 or null" },
        { HEAD ",\"label\":1.0}", "\"label\" is 1.0" },
        { HEAD ",\"label_source\":\"me\"}", 
          "\"label_source\" is \"me\"; it must be \"human\", \"rule\", \"model:<name>\" or null" },
        { HEAD ",\"lang\":[]}", "\"lang\" is []; it must be a text or null" },
        { HEAD ",\"meta\":[]}", "\"meta\" is []; it must be an object or null" },
        { HEAD ",\"meta\":{\"split\":\"train\"}}", 
          "data.jsonl:1:71: \"meta.split\" is \"train\"; it must be \"cal\", \"test\"" },
        { HEAD ",\"meta\":{\"onset\":5}}", 
          "data.jsonl:1:71: \"meta.onset\" is 5; it must be null or a byte of the response, which has 5" },
        { HEAD ",\"meta\":{\"onset\":-1}}", "\"meta.onset\" is -1" },
        { HEAD ",\"meta\":{\"spans\":[{\"start\":0,\"end\":6}]}}", 
          "\"meta.spans\" has {\"start\":0,\"end\":6}; it must be 0 <= start <= end <= 5" },
        { HEAD ",\"meta\":{\"spans\":[{\"start\":3,\"end\":2}]}}", "\"meta.spans\" has {\"start\":3" },
        { HEAD ",\"meta\":{\"sentences\":[3]}}", "\"meta.sentences\" has 3" },
        { HEAD ",\"meta\":{\"sentences\":[{\"start\":0,\"end\":2,\"label\":2}]}}", "\"meta.sentences.label\" is 2; it must be 0, 1 or null" },
        { HEAD ",\"meta\":{\"answerable\":true}}", "\"meta.answerable\" is true; it must be 0, 1 or null" },
        { HEAD ",\"meta\":{\"prompt_label\":\"yes\"}}", "\"meta.prompt_label\" is \"yes\"; it must be 0, 1 or null" },
        { HEAD "}\n" HEAD "}", "data.jsonl:2:7: \"id\" \"a\" was used before, at " },
        { HEAD "}\n" HEAD "}", "data.jsonl:1; give each record its own" },
        { HEAD ",\"lang\":\"\xff\"}", "data.jsonl:1:63: byte 0xff at offset 62 of the file is not UTF-8" },
        { HEAD ",\"category\":\"a\\u0000b\"}", 
          "data.jsonl:1:66: \"category\" holds a NUL character (\\u0000) at byte 1" },
        { HEAD ",\"lang\":\"\\ud800\"}", "not JSON (" },
        { "", "data.jsonl: no records in it" },
        { " \n\n", "data.jsonl: no records in it" },
    };
    mid_dataset *d = NULL;
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        CHECK_FAILS(open_bytes(row[i].text, strlen(row[i].text), &d), MID_EFORMAT);
        CHECK_SAYS(row[i].says);
        CHECK(d == NULL);
    }
    CHECK_FAILS(open_bytes(HEAD "\0}", sizeof HEAD + 1, &d), MID_EFORMAT);
    CHECK_SAYS("data.jsonl:1:54: a NUL byte at offset 53 of the file; remove it");
}

TEST(dataset, long_line)
{
    static const char head[] = "{\"id\":\"a\",\"task\":\"qa\",\"response\":null,\"prompt\":\"", tail[] = "\"}\n";
    const size_t n = MID_LINE_LIMIT_BYTES + 1;          /* one byte more than a line may have, and the newline */
    char *text = malloc(n + 1);
    mid_dataset *d = NULL;

    assert_non_null(text);
    memset(text, 'x', n);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + n + 1 - (sizeof tail - 1), tail, sizeof tail - 1);
    CHECK_FAILS(open_bytes(text, n + 1, &d), MID_ELIMIT);
    CHECK_SAYS("data.jsonl:1:1: the line has 8388609 bytes, the limit is 8388608");
    memcpy(text + n - (sizeof tail - 1), tail, sizeof tail - 1);
    CHECK_OK(open_bytes(text, n, &d));
    CHECK_INT(strlen(mid_dataset_at(d, 0)->prompt), n - (sizeof head - 1) - (sizeof tail - 1));
    mid_dataset_close(d);
    free(text);
}

/* A key that only looks like one, inside a text or deeper down, does not draw the column to it. */
TEST(dataset, column)
{
    static const char text[] = "{\"category\":\"label\",\"prompt\":\"\\\"label\\\":\",\"meta\":{\"label\":1},"
        "\"id\":\"a\",\"task\":\"qa\",\"response\":null,\"label\" : \"x\"}";
    mid_dataset *d = NULL;

    CHECK_FAILS(open_bytes(text, sizeof text - 1, &d), MID_EFORMAT);
    CHECK_SAYS("data.jsonl:1:109: \"label\" is \"x\"");
}

static void write_line(const char *folder, const char *file, const char *id)
{
    char name[64], text[200];

    snprintf(name, sizeof name, "%s/%s", folder, file);
    snprintf(text, sizeof text, "{\"id\":\"%s\",\"task\":\"qa\",\"prompt\":\"\",\"response\":null}\n", id);
    test_write(name, text, strlen(text));
}

TEST(dataset, finding)
{
    const char *dirs[] = { "no/such/place", test_dir() };
    mid_dataset *d = NULL;

    CHECK_INT(mkdir(test_path("parts"), 0777), 0);
    CHECK_INT(mkdir(test_path("empty"), 0777), 0);
    write_line("parts", "data-1.jsonl", "one");
    write_line("parts", "data-2.jsonl", "two");
    write_line("parts", "samples-1.jsonl", "not of it");
    CHECK_OK(mid_dataset_open(test_ctx(), dirs, 2, "parts", &d));
    CHECK_INT(mid_dataset_n(d), 2);
    CHECK_TEXT(mid_dataset_at(d, 1)->id, "two");
    CHECK_TEXT(mid_dataset_name(d), "parts");
    mid_dataset_close(d);
    CHECK_OK(mid_dataset_open(test_ctx(), NULL, 0, test_path("parts/"), &d));
    CHECK_TEXT(mid_dataset_name(d), "parts");
    mid_dataset_close(d);
    d = NULL;
    write_line("parts", "data-4.jsonl", "four");
    CHECK_FAILS(mid_dataset_open(test_ctx(), dirs, 2, "parts", &d), MID_EFORMAT);
    CHECK_SAYS("data-3.jsonl is missing, although the folder has 3 parts");
    write_line("parts", "data-3.jsonl", "one");
    CHECK_FAILS(mid_dataset_open(test_ctx(), dirs, 2, "parts", &d), MID_EFORMAT);
    CHECK_SAYS("data-3.jsonl:1:7: \"id\" \"one\" was used before, at ");
    CHECK_SAYS("data-1.jsonl:1;");
    CHECK_FAILS(mid_dataset_open(test_ctx(), dirs, 2, "nothing", &d), MID_ENOTFOUND);
    CHECK_SAYS("no dataset 'nothing'");
    CHECK_SAYS("in no/such/place, ");
    CHECK_FAILS(mid_dataset_open(test_ctx(), dirs, 2, "empty", &d), MID_ENOTFOUND);
    CHECK_FAILS(mid_dataset_open(test_ctx(), NULL, 0, "nothing", &d), MID_ENOTFOUND);
    CHECK_SAYS("none was given");
    CHECK_FAILS(mid_dataset_open(test_ctx(), dirs, 2, "no/such.jsonl", &d), MID_ENOTFOUND);
    CHECK_SAYS("no/such.jsonl: neither a file nor a folder");
    CHECK(d == NULL);
}

/* SHA-256 of the bytes alone: the same text under another name has the same hash, and parts hash as one text. */
TEST(dataset, hash)
{
    mid_dataset *a, *b;

    CHECK_OK(open_bytes(full, sizeof full - 1, &a));
    CHECK_OK(mid_dataset_open(test_ctx(), NULL, 0, test_write("other.jsonl", full, sizeof full - 1), &b));
    CHECK_TEXT(mid_dataset_hash(a), mid_dataset_hash(b));
    CHECK_TEXT(mid_dataset_name(b), "other");
    mid_dataset_close(b);
    mid_dataset_close(a);
}

/* Row counts as the datasets' own README states them. */
TEST(dataset, outside)
{
    static const struct { const char *name; size_t n; } row[] = {
        { "bold", 2000 }, { "code_llm", 2138 }, { "evouna_nq", 8001 }, { "factcheck_gpt", 94 }, { "factool", 250 },
        { "gptfuzz", 3301 }, { "halueval_general", 4507 }, { "harmful_behaviors", 1441 }, { "humaneval", 164 },
        { "jbb_artifacts", 1637 }, { "jbb_judge", 300 }, { "mbpp_sanitized", 427 }, { "mlqe_critical", 6500 },
        { "mlqe_pe", 7000 }, { "nq_open", 3610 }, { "openai_moderation", 1595 }, { "refchecker_nq", 700 },
        { "rtp_sample", 700 }, { "toxic_spans", 5690 }, { "truthfulqa", 817 }, { "truthfulqa_answers", 6517 },
        { "wikibio_gpt3", 238 }, { "wmt23_mqm", 2936 }, { "xstest", 2250 },
    };
    const char *dirs[] = { test_data() };
    mid_dataset *d;
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++) {
        CHECK_OK(mid_dataset_open(test_ctx(), dirs, 1, row[i].name, &d));
        CHECK_INT(mid_dataset_n(d), row[i].n);
        mid_dataset_close(d);
    }
    d = NULL;
    CHECK_FAILS(mid_dataset_open(test_ctx(), dirs, 1, "lexicons", &d), MID_ENOTFOUND);
}

TEST(task, list)
{
    const mid_task_info *task = mid_task_list();
    size_t n = 0;

    for (; task[n].name; n++) {
        CHECK(task[n].unsafe_means && task[n].default_labeler);
        CHECK(n == 0 || strcmp(task[n - 1].name, task[n].name) < 0);
    }
    CHECK_INT(n, 7);
}
