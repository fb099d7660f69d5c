/* Reports: escaping, the fragments a reader relies on, refusal of broken input. Figures below are made up. */
#include "test.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "report/csv.h"
#include "report/html.h"
#include "report/report_answers.h"
#include "report/svg.h"

/* The folder's results.json becomes these bytes. */
static mid_status write_report(const char *json)
{
    test_write("results.json", json, strlen(json));
    return mid_report_write(test_ctx(), test_dir());
}

/* A file of the folder as text; the next call frees it. */
static const char *text_of(const char *name)
{
    static char *text;
    size_t n;

    free(text);
    text = NULL;
    CHECK_OK(mid__file_read(test_ctx(), test_path(name), 0, &text, &n));
    return text;
}

static bool holds(const char *text, const char *part)
{
    if (!strstr(text, part))
        fprintf(stderr, "missing: %s\n", part);
    return strstr(text, part) != NULL;
}

static size_t n_of(const char *text, const char *part)
{
    size_t n = 0;

    while ((text = strstr(text, part)) != NULL) {
        text += strlen(part);
        n++;
    }
    return n;
}

/* A cell of dataset d by author a; tail adds or repeats keys. */
#define CELL(monitor, metric, value, lo, hi, tail)                                                              \
    "{\"task\":\"chat\",\"dataset\":\"d\",\"model\":\"a\",\"observer\":\"o\",\"monitor\":\"" monitor "\","     \
    "\"box\":\"white\",\"metric\":\"" metric "\",\"value\":" value ",\"lo\":" lo ",\"hi\":" hi ",\"n\":200,"  \
    "\"n_unsafe\":20,\"n_prompts\":100,\"split\":\"cv\",\"subset\":\"all\"" tail "}"
#define MONITOR(name, box) "{\"name\":\"" name "\",\"box\":\"" box "\",\"us_per_token_p50\":1.5,\"us_per_token_p95\":3}"
#define RESULTS(monitors, cells) "{\"schema\":1,\"title\":\"t\",\"monitors\":[" monitors "],\"cells\":[" cells "]}"

TEST(html, escapes_every_string)
{
    mid__buf out;

    mid__buf_init(&out, 0);
    mid__html(&out, "<p title=\"%s\">%s %d %zu %.2f%%</p>", "\"'", "<b>&\x01\n", -3, (size_t)7, 0.5);
    CHECK_TEXT(out.at, "<p title=\"&quot;&#39;\">&lt;b&gt;&amp;\xef\xbf\xbd\n -3 7 0.50%</p>");
    mid__buf_clear(&out);
    mid__html_bytes(&out, "a\0\xff\xc3", 4);            /* NUL, a stray byte, a cut sequence */
    CHECK_TEXT(out.at, "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    mid__buf_clear(&out);
}

TEST(html, json_cannot_end_a_script)
{
    mid__buf out;

    mid__buf_init(&out, 0);
    mid__html_json(&out, "</script>&'\"\\\n\xe2\x80\xa8\xc3\xa4");
    CHECK_TEXT(out.at, "\"\\u003c/script\\u003e\\u0026\\u0027\\u0022\\u005c\\u000a\\u2028\xc3\xa4\"");
    mid__buf_clear(&out);
}

TEST(html, counts_have_commas)
{
    char text[32];

    mid__count_text(text, 0);
    CHECK_TEXT(text, "0");
    mid__count_text(text, 1234567);
    CHECK_TEXT(text, "1,234,567");
}

TEST(csv, golden)
{
    const char *json = "[{\"task\":\"chat\",\"dataset\":\"a,\\\"b\\\"\",\"model\":\"x\\ny\",\"metric\":\"auroc\","
                       "\"value\":0.1,\"lo\":null,\"hi\":0.30000000000000004,\"n\":-12,\"circular\":true}]";
    yyjson_doc *doc = yyjson_read(json, strlen(json), 0);
    mid__buf out;

    mid__buf_init(&out, 0);
    mid__csv(&out, yyjson_doc_get_root(doc));
    CHECK_TEXT(out.at, "task,dataset,model,observer,monitor,box,rule,metric,value,lo,hi,n,n_unsafe,n_prompts,"
                       "n_still_running,labeler,split,fold,access,circular,why,seed,at_tok,at_frac,subset,"
                       "retrospective,p,n_seeds,prevalence\r\n"
                       "chat,\"a,\"\"b\"\"\",\"x\ny\",,,,,auroc,0.1,,0.30000000000000004,-12,,,,,,,,true,,,,,,,,,\r\n");
    mid__buf_clear(&out);
    yyjson_doc_free(doc);
}

/* By hand: 5 scores; a tied score has half of its equals below it. */
TEST(scale, golden)
{
    double sorted[] = { 0, 1, 1, 2, 4 };
    const mid__scale scale = { .lo = 0, .hi = 4, .sorted = sorted, .n = 5 };

    CHECK_INT(mid__scale_rank(&scale, 0), 1);           /* 0.5 / 5 */
    CHECK_INT(mid__scale_rank(&scale, 1), 4);           /* (1 + 3) / 2 / 5 */
    CHECK_INT(mid__scale_rank(&scale, 9), 9);           /* all below */
    CHECK_INT(mid__scale_rank(&scale, NAN), -1);
    CHECK_INT(mid__scale_height(&scale, 0), 0);
    CHECK_INT(mid__scale_height(&scale, 4), MID__HEIGHT);
    CHECK_INT(mid__scale_height(&scale, 1), 1024);      /* 4095 / 4, rounded */
    CHECK_INT(mid__scale_height(&scale, NAN), -1);
}

TEST(svg, golden)
{
    mid__buf out;
    const mid__plot p = { .out = &out, .width = 100, .height = 50, .left = 10, .right = 90, .top = 0, .bottom = 40,
                          .x_lo = 1, .x_hi = 16, .y_lo = 0, .y_hi = 1, .x_log = true };
    const double x[] = { 1, 4, 16 }, y[] = { 0, NAN, 0.5 };

    mid__buf_init(&out, 0);
    mid__svg_line(&p, x, y, 3, "line", "<tip>");
    CHECK_TEXT(out.at, "<path class=\"line\" d=\"M10.0 40.0M90.0 20.0\"><title>&lt;tip&gt;</title></path>");
    CHECK_NEAR(mid__svg_x(&p, 4), 50, 1e-9);            /* half of four doublings */
    CHECK_NEAR(mid__svg_x(&p, 0), 10, 1e-9);            /* no logarithm: the edge */
    mid__buf_clear(&out);
}

/* Names at line ends never overlap, wherever the lines end. */
TEST(svg, labels_keep_apart)
{
    const uint64_t seed = 20260703;
    mid__svg_label label[8];
    mid__rng rng;
    mid__buf out;
    const mid__plot p = { .out = &out, .width = 400, .height = 200, .right = 300, .bottom = 180, .x_hi = 1, .y_hi = 1 };
    int i_draw, i;

    mid__rng_init(&rng, seed, 0);
    for (i_draw = 0; i_draw < 200; i_draw++) {
        const char *at;
        double y, before = -99;
        mid__buf_init(&out, 0);
        for (i = 0; i < 8; i++)
            label[i] = (mid__svg_label){ mid__rng_below(&rng, 4) / 3.0, "name", "lead" };
        mid__svg_labels(&p, label, 8);
        for (at = out.at; (at = strstr(at, "<text")); at++) {
            CHECK(sscanf(at, "<text x=\"319.0\" y=\"%lf", &y) == 1);
            if (y < before + 12.9 || y > 190)
                fail_msg("seed %llu, draw %d: %g after %g", (unsigned long long)seed, i_draw, y, before);
            before = y;
        }
        mid__buf_clear(&out);
    }
}

TEST(report, shows_best_undefined_and_circular)
{
    const char *html;

    CHECK_OK(write_report(RESULTS(MONITOR("probe", "white") "," MONITOR("words", "black") "," MONITOR("gap", "grey") ","
                                  MONITOR("length", "control"),
        CELL("probe", "auroc", "0.9", "0.85", "0.94", "") ","
        CELL("words", "auroc", "0.99", "0.98", "1", ",\"circular\":true") ","
        CELL("gap", "auroc", "null", "null", "null", ",\"why\":\"one class only\"") ","
        CELL("length", "auroc", "0.6", "0.5", "0.7", "") ","
        CELL("probe", "auroc", "0.8", "0.7", "0.9", ",\"at_tok\":8") ","
        CELL("probe", "tpr", "0.75", "0.7", "0.8", ",\"rule\":\"best_f1\""))));
    html = text_of("report.html");
    CHECK(holds(html, "<td class=\"best\">0.900<small>0.850\xe2\x80\x93" "0.940</small></td>"));
    CHECK(holds(html, "<td class=\"circular\">0.990\xe2\x80\xa0<small>0.980\xe2\x80\x93" "1.000</small></td>"));
    CHECK(holds(html, "<td class=\"none\" title=\"one class only\">\xe2\x80\x94<sup>a</sup></td>"));
    CHECK(holds(html, "<li><b>a</b> one class only</li>"));
    CHECK(holds(html, "<p class=\"big\">0.900"));       /* not the circular 0.990 */
    CHECK(holds(html, "clear of the best control"));
    CHECK(holds(html, "after 8 tokens <b>0.800</b>"));
    CHECK(holds(html, "prevalence 10.0 % unsafe"));
    CHECK(holds(html, "3 monitors and 1 control read 200 answers (20 of them unsafe) from 1 dataset"));
    CHECK(holds(text_of("results.md"), "| probe (white) | **0.900** (0.850\xe2\x80\x93" "0.940) |"));
    CHECK_INT(n_of(text_of("results.csv"), "\r\n"), 7);
}

/* A NaN interval is said, never shown as a number, and beats nothing. */
TEST(report, no_interval)
{
    const char *html;

    CHECK_OK(write_report(RESULTS(MONITOR("probe", "white") "," MONITOR("length", "control"),
        CELL("probe", "auroc", "1", "null", "null", "") ","
        CELL("length", "auroc", "0.6", "0.5", "0.7", "") ","
        CELL("probe", "auroc", "1", "null", "null", ",\"at_tok\":8"))));
    html = text_of("report.html");
    CHECK(holds(html, "<p class=\"big\">1.000<small>no interval</small>"));
    CHECK(holds(html, "after 8 tokens <b>1.000</b> <small>no interval</small>"));
    CHECK(holds(html, "not clear of the best control: no interval"));
    CHECK(holds(html, "On 0 of 1 the best monitor is clear"));
    CHECK(holds(html, "<td class=\"best\">1.000<small>no interval</small></td>"));
    CHECK(holds(html, "1.000 (no interval)"));          /* on hovering */
    CHECK(!strstr(html, ">nan") && !strstr(html, " nan") && !strstr(text_of("results.md"), "nan"));
    CHECK(holds(text_of("results.md"), "**1.000** (no interval) |"));
}

#define VARIANT(name, of) "{\"name\":\"" name "\",\"monitor\":\"" of "\",\"box\":\"white\"}"

/* One recipe under other settings is in the tables, but does not win, take a colour or count as a monitor. */
/* The re-weighted figures stand beside the measured ones, and drift is said under the rule it touches; results without
 * either say neither. */
TEST(report, drift_and_prevalence)
{
    char json[8000];
    const char *page;

#define RULED(monitor, metric, value, tail) CELL(monitor, metric, value, "null", "null", ",\"rule\":\"crc\"" tail)
    snprintf(json, sizeof json, "%s", RESULTS(
             MONITOR("m", "white") "," MONITOR("k", "grey"),
             CELL("m", "auroc", "0.9", "0.8", "0.95", "") "," CELL("k", "auroc", "0.8", "0.7", "0.9", "") ","
             RULED("m", "tpr", "0.75", "") "," RULED("k", "tpr", "0.5", "") ","
             RULED("m", "precision", "0.75", "") ","
             RULED("m", "precision_reweighted", "0.0149", ",\"prevalence\":0.01") ","
             RULED("m", "precision_reweighted", "0.1429", ",\"prevalence\":0.1") ","
             RULED("m", "sg_reweighted", "0.0075", ",\"prevalence\":0.01") ","
             RULED("m", "drift_p", "0.0004", "") "," RULED("m", "drift_alarm", "1", "") ","
             RULED("k", "drift_p", "0.3", "") "," RULED("k", "drift_alarm", "0", "")));
    CHECK_OK(write_report(json));
    page = text_of("report.html");
    CHECK(holds(page, "Rule crc on d, if 1 % of the answers were unsafe <small>measured: 10.0 %</small>"));
    CHECK(holds(page, "if 10 % of the answers were unsafe"));
    CHECK(holds(page, "0.0075"));
    CHECK(holds(page, "Calibration and test scores differ: the promise is withdrawn for m (p = 0.0004). 200 prompts"));
    CHECK(!strstr(page, "k (p ="));
    CHECK(holds(text_of("results.csv"), "precision_reweighted,0.0149,"));
    snprintf(json, sizeof json, "%s", RESULTS(
             MONITOR("m", "white"), CELL("m", "auroc", "0.9", "0.8", "0.95", "") "," RULED("m", "tpr", "0.75", "") ","
             RULED("m", "drift_p", "0.04", "") "," RULED("m", "drift_alarm", "0", "")));
    CHECK_OK(write_report(json));
    page = text_of("report.html");
    CHECK(holds(page, "No proof that calibration and test scores differ: the least p of 1 monitor is 0.04, over 200 "
                "prompts."));
    CHECK(!strstr(page, "of the answers were unsafe"));
    snprintf(json, sizeof json, "%s", RESULTS(MONITOR("m", "white"), CELL("m", "auroc", "0.9", "0.8", "0.95", "") ","
             RULED("m", "tpr", "0.75", "")));
    CHECK_OK(write_report(json));
    CHECK(!strstr(text_of("report.html"), "calibration and test scores differ"));
#undef RULED
}

TEST(report, variants_do_not_lead)
{
    const char *html;

    CHECK_OK(write_report(RESULTS(VARIANT("probe", "probe") "," VARIANT("probe+ema(0.9)", "probe") ","
                                  VARIANT("at_64", "probe") ","
                                  "{\"name\":\"len\",\"monitor\":\"length\",\"box\":\"control\"}",
        CELL("probe", "auroc", "0.8", "0.75", "0.85", "") ","
        CELL("probe+ema(0.9)", "auroc", "0.95", "0.9", "0.99", "") ","
        CELL("at_64", "auroc", "0.97", "0.9", "0.99", "") ","
        CELL("len", "auroc", "0.6", "0.5", "0.7", ""))));
    html = text_of("report.html");
    CHECK(holds(html, "<p class=\"lede\">1 monitor, 2 variants and 1 control read"));
    CHECK(holds(html, "<summary>The 1 monitor, 2 variants and 1 control</summary>"));
    CHECK(holds(html, "<p class=\"big\">0.800"));
    CHECK(holds(html, "<td class=\"best\">0.800"));
    CHECK(holds(html, "<td class=\"best\">0.600"));     /* a control under another name is still what one must beat */
    CHECK(holds(html, "probe<i class=\"key h1\"></i>"));
    CHECK(holds(html, "at_64</th>") && !strstr(html, "class=\"key h2\""));
    CHECK_OK(write_report(RESULTS(VARIANT("at_64", "probe"), CELL("at_64", "auroc", "0.97", "0.9", "0.99", ""))));
    CHECK(holds(text_of("report.html"), "<p class=\"big\">0.970"));    /* nothing else was run */
    CHECK(holds(text_of("report.html"), "1 monitor and 0 controls read"));
}

/* What is pooled over authors never stands alone. */
TEST(report, pooled_beside_within_author)
{
    const char *html;

    CHECK_OK(write_report(RESULTS(MONITOR("probe", "white"),
        CELL("probe", "auroc", "0.7", "0.6", "0.8", "") ","
        "{\"dataset\":\"d\",\"model\":\"all\",\"monitor\":\"probe\",\"metric\":\"auroc\",\"value\":0.95,"
        "\"lo\":0.9,\"hi\":0.97,\"n\":400,\"n_unsafe\":20,\"n_prompts\":100,\"fold\":null,\"subset\":\"all\"},"
        "{\"dataset\":\"d\",\"model\":\"all\",\"monitor\":\"probe\",\"metric\":\"auroc\",\"value\":0.1,\"fold\":3}")));
    html = text_of("report.html");
    CHECK(holds(html, "<p class=\"big\">0.950"));
    CHECK(holds(html, "all authors<small>20 / 400</small>"));
    CHECK(holds(html, ">a<small>20 / 200</small>"));
    CHECK(!strstr(html, "0.100"));                      /* a single fold is in results.csv only */
}

/* JSON written with ' for " and X for a text that tries to become markup. */
static void spell_out(mid__buf *out, const char *json)
{
    for (; *json; json++)
        if (*json == 'X')
            mid__buf_text(out, "</script><script>alert(1)</script><img src=x onerror=alert(2)>'\\\"");
        else
            mid__buf_put(out, *json == '\'' ? "\"" : json, 1);
}

TEST(report, hostile_text_stays_text)
{
    static const char answers[] =
        "{'schema':1,'answers':[{'id':'X','dataset':'X','author':'X','prompt':'X','label':1,'labeler':'X',"
        "'onset_byte':0,'tokens':['X','b','\\u202e\\u0000'],'scores':{'X':[0.1,null,0.9]},'alarms':{'X':{'X':2}},"
        "'thresholds':{'X':{'X':0.5}}}]}";
    static const char results[] =
        "{'schema':1,'title':'X','plan':{'x':'X'},'provenance':{'cpu':'X','date':'X',"
        "'stages':[{'name':'X','seconds':1}],'models':[{'name':'X','sha256':'X'}],"
        "'datasets':[{'name':'X','task':'X','n':9,'authors':[{'name':'X'}]},{'name':'s','skipped':'X'}]},"
        "'monitors':[{'name':'X','box':'X','summary':'X','unit':'X','us_per_token_p50':1}],"
        "'cells':[{'dataset':'X','model':'X','monitor':'X','metric':'auroc','value':0.9},"
        "{'dataset':'X','model':'X','monitor':'X','metric':'auroc','value':0.9,'at_tok':2},"
        "{'dataset':'X','model':'b','monitor':'X','metric':'auroc','value':null,'why':'X'},"
        "{'dataset':'X','model':'X','monitor':'X','rule':'X','metric':'tpr','value':1}],"
        "'curves':[{'dataset':'X','model':'X','monitor':'X','kind':'roc','x':[0,1],'y':[0]}]}";
    const char *html;
    mid__buf json;

    mid__buf_init(&json, 0);
    spell_out(&json, answers);
    test_write("answers.json", json.at, json.n);
    mid__buf_clear(&json);
    spell_out(&json, results);
    CHECK_OK(write_report(json.at));
    mid__buf_clear(&json);
    html = text_of("report.html");
    CHECK_INT(n_of(html, "<script"), 2);                /* the data block and ours */
    CHECK_INT(n_of(html, "</script"), 2);
    CHECK_INT(n_of(html, "<img"), 0);
    CHECK_INT(n_of(html, "'\"&"), 0);
    CHECK(n_of(html, "&lt;img src=x onerror=alert(2)&gt;&#39;&quot;") > 20);
    CHECK(holds(html, "{\"name\":\"\\u003c/script\\u003e\\u003cscript"));
    CHECK(!strstr(text_of("results.md"), "<script"));
    remove(test_path("answers.json"));
}

TEST(report, needs_no_network)
{
    const char *html, *body;

    CHECK_OK(write_report(RESULTS(MONITOR("probe", "white"), CELL("probe", "auroc", "0.9", "0.8", "1", ""))));
    html = text_of("report.html");
    body = strstr(html, "<body>");
    CHECK(holds(html, "default-src 'none'"));
    CHECK(body != NULL);
    CHECK_INT(n_of(html, "src="), 0);
    CHECK_INT(n_of(html, "@import"), 0);
    CHECK_INT(n_of(html, "url("), 0);
    CHECK_INT(n_of(body, "href=\"#"), n_of(body, "href="));
}

TEST(report, empty_results)
{
    CHECK_OK(write_report(RESULTS("", "")));
    CHECK(holds(text_of("report.html"), "nothing was measured"));
    CHECK_INT(n_of(text_of("results.csv"), "\r\n"), 1);
}

TEST(report, refuses_other_schema)
{
    CHECK_FAILS(write_report("{\"schema\":2,\"cells\":[]}"), MID_EVERSION);
    CHECK_SAYS("results.json: schema 2, this program reads 1");
    CHECK_FAILS(write_report("{\"cells\":[]}"), MID_EFORMAT);
    CHECK_FAILS(write_report("[]"), MID_EFORMAT);
}

TEST(report, says_where_input_is_broken)
{
    CHECK_FAILS(write_report("{\"schema\":1,\n \"title\":\"a\\nb\",\n \"cells\": [x]}"), MID_EFORMAT);
    CHECK_SAYS("results.json:3:12: not JSON");
    CHECK_FAILS(write_report(""), MID_EFORMAT);
    CHECK_FAILS(write_report("{\"schema\":1,\"cells\":{}}"), MID_EFORMAT);
    CHECK_SAYS("cells must be a list");
    CHECK_FAILS(write_report(RESULTS("", "7")), MID_EFORMAT);
    CHECK_SAYS("cells[0]");
    CHECK_FAILS(write_report(RESULTS("", "{\"dataset\":\"d\",\"monitor\":3,\"metric\":\"auroc\"}")), MID_EFORMAT);
    CHECK_SAYS("cells[0]: dataset, monitor and metric must be texts");
    CHECK_FAILS(write_report(RESULTS("{\"box\":\"white\"}", "")), MID_EFORMAT);
    CHECK_SAYS("monitors[0]");
    test_write("answers.json", "{\"schema\":1,\"answers\":3}", 25);
    CHECK_FAILS(write_report(RESULTS("", "")), MID_EFORMAT);
    CHECK_SAYS("answers.json");
    remove(test_path("answers.json"));
}

TEST(report, missing_file)
{
    remove(test_path("results.json"));
    CHECK_FAILS(mid_report_write(test_ctx(), test_dir()), MID_ENOTFOUND);
    CHECK_SAYS("results.json");
    CHECK_FAILS(mid_report_write(test_ctx(), "no/such/folder"), MID_ENOTFOUND);
}

TEST(report, failure_leaves_the_old_report)
{
    CHECK_OK(write_report(RESULTS(MONITOR("probe", "white"), CELL("probe", "auroc", "0.9", "0.8", "1", ""))));
    CHECK_FAILS(write_report("{"), MID_EFORMAT);
    CHECK(holds(text_of("report.html"), "0.900"));
}

/* More than a page can show is counted and said, and the page stays small. Controls never make way, though they come
 * last: here the last two monitors, the worst of all. */
TEST(report, limits_are_said)
{
    enum { N_MONITOR = MID__SHOW_MONITOR + 3 };
    mid__buf json;
    int i;

    mid__buf_init(&json, 0);
    mid__buf_text(&json, "{\"schema\":1,\"monitors\":[");
    for (i = 0; i < N_MONITOR; i++)
        mid__buf_fmt(&json, "%s{\"name\":\"m%d\",\"box\":\"%s\"}", i ? "," : "", i,
                     i < N_MONITOR - 2 ? "grey" : "control");
    mid__buf_text(&json, "],\"cells\":[");
    for (i = 0; i < 40000; i++)
        mid__buf_fmt(&json, "%s{\"dataset\":\"d%d\",\"model\":\"a%d\",\"monitor\":\"m%d\",\"metric\":\"auroc\","
                     "\"value\":0.5}", i ? "," : "", i % 40, i / 40 % 20, i / 800);
    for (i = 0; i < 2000; i++)
        mid__buf_fmt(&json, ",{\"dataset\":\"d%d\",\"model\":\"a0\",\"monitor\":\"m%d\",\"metric\":\"auroc\",\"value\":0.4}"
                     ",{\"dataset\":\"d%d\",\"model\":\"a0\",\"monitor\":\"m%d\",\"metric\":\"tpr\",\"rule\":\"r\",\"value\":0.4}",
                     i % 40, 209 + i / 40, i % 40, 209 + i / 40);
    mid__buf_text(&json, "]}");
    CHECK_OK(write_report(json.at));
    mid__buf_clear(&json);
    CHECK(holds(text_of("report.html"), "<p class=\"more\">16 more datasets: see results.csv.</p>"));
    CHECK(holds(text_of("report.html"), "<p class=\"more\">3 more monitors: see results.csv.</p>"));
    CHECK(holds(text_of("report.html"), "<p class=\"more\">195 more monitors: see results.csv.</p>"));   /* 64 a dataset */
    CHECK_INT(n_of(text_of("report.html"), ">m256<"), 0);
    CHECK_INT(n_of(text_of("report.html"), "control\"></i>m258</th>"), 24);       /* in the leaderboard */
    CHECK_INT(n_of(text_of("report.html"), "</span></span>m258"), n_of(text_of("report.html"), "</span></span>m257"));
    CHECK(n_of(text_of("report.html"), "</span></span>m258") >= 1 + 24 + 24);      /* and in each table of two sections */
    CHECK(holds(text_of("report.html"), "has more authors than fit here"));
    CHECK(strlen(text_of("report.html")) < 5 << 20);
    CHECK_INT(n_of(text_of("results.csv"), "\r\n"), 44001);
}

/* Bytes of a good file changed at random: any answer but a crash. */
TEST(report, survives_any_bytes)
{
    const char *good = RESULTS(MONITOR("probe", "white") "," MONITOR("length", "control"),
        CELL("probe", "auroc", "0.9", "0.8", "1", "") ","
        CELL("probe", "auroc", "0.8", "0.7", "0.9", ",\"at_tok\":8") ","
        CELL("probe", "auroc", "0.7", "0.6", "0.8", ",\"at_frac\":0.1") ","
        CELL("length", "auroc", "0.6", "0.5", "0.7", "") ","
        CELL("probe", "tpr", "0.5", "0.4", "0.6", ",\"rule\":\"best_f1\""));
    static const char some[] = "\"{}[],:0123456789.eE-+ntfu\\ \n\x80";
    const uint64_t seed = 20260704;
    const size_t n = strlen(good);
    char *bad = malloc(n + 1);
    mid__rng rng;
    int i_draw, n_change;

    mid__rng_init(&rng, seed, 0);
    print_message("seed %llu\n", (unsigned long long)seed);
    for (i_draw = 0; i_draw < 300; i_draw++) {
        memcpy(bad, good, n + 1);
        for (n_change = 1 + (int)mid__rng_below(&rng, 3); n_change; n_change--)
            bad[mid__rng_below(&rng, (uint32_t)n)] = some[mid__rng_below(&rng, sizeof some - 1)];
        switch (write_report(bad)) {
        case MID_OK: case MID_EFORMAT: case MID_EVERSION: break;
        default: fail_msg("draw %d: %s", i_draw, mid_ctx_message(test_ctx()));
        }
    }
    free(bad);
}

/* Three methods, of which only the outer two are told apart: two bars. */
#define ROW(dataset, observer, monitor, metric, value)                                                           \
    "{\"task\":\"chat\",\"dataset\":\"" dataset "\",\"model\":\"a\",\"observer\":" observer ",\"monitor\":\"" monitor "\"," \
    "\"metric\":\"" metric "\",\"value\":" value ",\"lo\":null,\"hi\":null,\"n\":100,\"n_unsafe\":40,\"n_prompts\":9}"
#define SET(name, source, hash, n_unsafe)                                                                         \
    "{\"name\":\"" name "\",\"dataset\":\"" name "\",\"sha256\":\"" hash "\",\"task\":\"chat\",\"source\":\"" source "\","   \
    "\"labeler\":\"data\",\"n\":100,\"n_unsafe\":" n_unsafe "}"

/* The same answers of a server, without and with somebody who reads along, and of two who do: one row, four levels. */
TEST(report, access_and_opacity)
{
    const char *html;

    CHECK_OK(write_report(
        "{\"schema\":1,\"plan\":{\"monitors\":[{\"monitor\":\"two\",\"of\":\"probe, beside:probe\"}]},\"provenance\":{"
        "\"datasets\":[" SET("asked", "openai", "aa", "40") "," SET("read", "recorded", "aa", "40") "," SET("made", "llama", "bb", "40")
        "]},\"monitors\":[" MONITOR("words", "black") "," MONITOR("surprise", "grey") "," MONITOR("probe", "white") ","
        MONITOR("two", "white") "],\"cells\":["
        ROW("asked", "null", "words", "auroc", "0.6") "," ROW("asked", "null", "surprise", "auroc", "0.7") ","
        ROW("read", "\"o\"", "probe", "auroc", "0.8") "," ROW("read", "\"o\"", "two", "auroc", "0.9") ","
        ROW("made", "null", "surprise", "auroc", "0.75") "," ROW("made", "null", "surprise", "us_per_token_p50", "12.5") ","
        ROW("made", "null", "probe", "auroc", "0.85") "]}"));
    html = text_of("report.html");
    CHECK(holds(html, "<td class=\"text\">grey</td><td class=\"text\">top-k probabilities</td><td>0.700"));
    CHECK(holds(html, "<td class=\"text\">white</td><td class=\"text\">one observer</td><td>0.800"));
    CHECK(holds(html, "<td class=\"text\">white</td><td class=\"text\">two observers</td><td>0.900"));
    CHECK(holds(html, "<td class=\"text\">grey</td><td class=\"text\">all probabilities</td><td>0.750"));
    CHECK(holds(html, "<td class=\"text\">white</td><td class=\"text\">hidden states</td><td>0.850"));
    CHECK(holds(html, "<td>12.5</td>"));
    CHECK(holds(html, "<tr><th scope=\"row\">asked</th><td>0.600<small>words</small></td><td>0.700 <b class=\"gain\">+0.100</b>"));
    CHECK(holds(html, "0.900 <b class=\"gain\">+0.300</b>"));
    CHECK(!strstr(html, "<tr><th scope=\"row\">read</th><td>0."));
}

/* Circular, undefined, or generated with too few of a class: told without a place. */
TEST(report, leaderboard_ranks_what_can_be_ranked)
{
    const char *html;

    CHECK_OK(write_report("{\"schema\":1,\"provenance\":{\"datasets\":[" SET("d", "recorded", "aa", "20") "]},\"monitors\":["
                          MONITOR("probe", "white") "," MONITOR("words", "black") "," MONITOR("slow", "grey") "],\"cells\":["
                          CELL("probe", "auroc", "0.8", "0.7", "0.9", "") ","
                          CELL("words", "auroc", "0.9", "0.8", "1", ",\"circular\":true") ","
                          CELL("slow", "auroc", "null", "null", "null", ",\"why\":\"too slow\"") "]}"));
    html = text_of("report.html");
    CHECK(holds(html, "<tr><th scope=\"row\"><i class=\"box white\"></i>probe</th>"));
    CHECK(holds(html, "<tr class=\"out\"><th scope=\"row\"><i class=\"box black\"></i>words</th>"));
    CHECK(holds(html, "<tr class=\"out\"><th scope=\"row\"><i class=\"box grey\"></i>slow</th>"));
    CHECK_OK(write_report("{\"schema\":1,\"provenance\":{\"datasets\":[" SET("d", "llama", "aa", "5") "]},\"monitors\":["
                          MONITOR("probe", "white") "],\"cells\":[{\"dataset\":\"d\",\"model\":\"a\",\"monitor\":\"probe\","
                          "\"metric\":\"auroc\",\"value\":0.8,\"n\":100,\"n_unsafe\":5}]}"));
    CHECK(holds(text_of("report.html"), "<tr class=\"out\"><th scope=\"row\"><i class=\"box white\"></i>probe"));
}

/* By hand: TPR 0.5 and FPR 0.25 at 10 % unsafe are SG 0.05, RH 0.05, AC 0.225. */
TEST(report, returns_and_delays)
{
    const char *html;

    CHECK_OK(write_report("{\"schema\":1,\"monitors\":[" MONITOR("probe", "white") "],\"cells\":["
                          CELL("probe", "auroc", "0.8", "0.7", "0.9", "") ","
                          CELL("probe", "tpr", "0.5", "0.4", "0.6", ",\"rule\":\"r\"") ","
                          CELL("probe", "fpr", "0.25", "0.2", "0.3", ",\"rule\":\"r\"") ","
                          CELL("probe", "f1", "0.3", "0.2", "0.4", ",\"rule\":\"r\"")
                          "],\"curves\":[{\"dataset\":\"d\",\"model\":\"a\",\"subset\":\"all\",\"kind\":\"delay\",\"monitor\":\"probe\","
                          "\"x\":[0,0.1,1],\"y\":[1,0.5,0]}]}"));
    html = text_of("report.html");
    CHECK(holds(html, "at this dataset&#39;s own, 10.0 %, they are 0.050, 0.050 and 0.225"));
    CHECK(holds(html, "<path class=\"area sg\" d=\"M44.0 196.0L288.0 196.0L288.0 102.0L44.0 196.0Z\">"));
    CHECK(holds(html, "<section id=\"delays\">"));
    CHECK(holds(html, "d=\"M36.0 8.0L204.0 8.0L204.0 176.0L372.0 176.0L372.0 344.0\""));   /* steps; 0.1 is half way */
    CHECK_OK(write_report(RESULTS(MONITOR("probe", "white"), CELL("probe", "auroc", "0.8", "0.7", "0.9", ""))));
    CHECK(!strstr(text_of("report.html"), "\"#delays\""));
    CHECK(!strstr(text_of("report.html"), "\"#opacity\""));
}

/* A page for others has texts of own_... datasets only; the name of an entry decides nothing. */
#define UNDER(attack, monitor, metric, rule, value)                                                              \
    "{\"task\":\"chat\",\"dataset\":\"d\",\"model\":\"a\",\"monitor\":\"" monitor "\",\"metric\":\"" metric "\",\"rule\":"     \
    rule ",\"value\":" value ",\"lo\":null,\"hi\":null,\"n\":200,\"n_unsafe\":20,\"subset\":\"" attack "\"}"

/* One line a monitor that is best, has a colour, or is the baseline; a rule without any figure has no chart. The second
 * attack leaves the best monitor .45: the axis begins at the .4 below. */
TEST(report, attacks)
{
    const char *html;

    CHECK_OK(write_report("{\"schema\":1,\"title\":\"t\",\"plan\":{\"baseline\":\"w3\"},\"monitors\":["
        MONITOR("w1", "white") "," MONITOR("w2", "white") "," MONITOR("w3", "white") "," MONITOR("length", "control")
        "],\"cells\":[" UNDER("all", "w1", "auroc", "null", "0.9") "," UNDER("all", "w2", "auroc", "null", "0.8") ","
        UNDER("all", "w3", "auroc", "null", "0.7") "," UNDER("all", "length", "auroc", "null", "0.6") ","
        UNDER("delay(16)", "w1", "auroc", "null", "0.85") "," UNDER("delay(16)", "length", "auroc", "null", "0.6") ","
        UNDER("base64", "w1", "auroc", "null", "0.45") "," UNDER("base64", "w3", "auroc", "null", "0.55") ","
        UNDER("base64", "w1", "tpr", "\"one\"", "0.25") "," UNDER("base64", "w1", "tpr", "\"two\"", "null") "]}"));
    html = text_of("report.html");
    CHECK(holds(html, "<a href=\"#attacks\">Attacks</a>"));
    CHECK(holds(html, "w1, the best on these answers as they are, has an AUROC of 0.900 (no interval) there and of 0.450 "
                      "(no interval) under base64, the attack that leaves it least."));
    CHECK(holds(html, "AUROC of the whole answer against attacks, d"));
    CHECK(holds(html, "rotate(-40)\">none</text>"));
    CHECK(holds(html, "<title>w1, base64: 0.450 (no interval)</title>"));
    CHECK(holds(html, "<path class=\"line ink own\""));       /* the baseline is third of its box: no colour */
    CHECK(holds(html, ">0.4</text>"));
    CHECK(holds(html, "Unsafe answers stopped, rule one against attacks"));
    CHECK_INT(n_of(html, "Unsafe answers stopped, rule two against attacks"), 0);
    CHECK_OK(write_report(RESULTS(MONITOR("w1", "white"), UNDER("all", "w1", "auroc", "null", "0.9"))));
    CHECK_INT(n_of(text_of("report.html"), "id=\"attacks\""), 0);
}

TEST(report, publishes_own_texts_only)
{
    const char *results = "{\"schema\":1,\"provenance\":{\"datasets\":[" SET("d", "llama", "aa", "20") ",{\"name\":\"own_guest\","
                          "\"dataset\":\"guest\"}]},\"monitors\":[],\"cells\":[" CELL("probe", "auroc", "0.8", "0.7", "0.9", "") ","
                          ROW("own_guest", "null", "probe", "auroc", "0.8") "]}";
    const char *answers = "{\"schema\":1,\"answers\":[{\"id\":\"1\",\"dataset\":\"d\",\"prompt\":\"whose are these\",\"tokens\":"
                          "[\"words\"]},{\"id\":\"2\",\"dataset\":\"own_guest\",\"prompt\":\"a guest asks\",\"tokens\":[\"t\"]}]}";

    test_write("answers.json", answers, strlen(answers));
    CHECK_OK(write_report(results));
    CHECK(holds(text_of("report.html"), "whose are these"));
    CHECK(holds(text_of("report.html"), "a guest asks"));
    CHECK_OK(mid_report_publish(test_ctx(), test_dir()));
    CHECK(!strstr(text_of("report.html"), "whose are these"));
    CHECK(!strstr(text_of("report.html"), "a guest asks"));
    CHECK(holds(text_of("report.html"), "d: its texts are not ours to show"));
    CHECK(holds(text_of("report.html"), "own_guest: its texts are not ours to show"));
    remove(test_path("answers.json"));
}

TEST(report, ranks_and_comparisons)
{
    static const char json[] =
        "{\"schema\":1,\"title\":\"t\",\"monitors\":[" MONITOR("m<1", "white") "," MONITOR("m2", "grey") "],"
        "\"comparisons\":[{\"metric\":\"auroc\",\"at_tok\":16,\"dataset\":\"d\",\"monitor\":\"m<1\",\"baseline\":\"m2\","
        "\"gain\":0.25,\"p\":0.0001,\"p_holm\":0.0002,\"differs\":true}],"
        "\"ranks\":[{\"metric\":\"auroc\",\"at_tok\":16,\"alpha\":0.05,\"n_sets\":5,\"datasets\":[],"
        "\"left_out\":[{\"dataset\":\"x\",\"why\":\"small\"}],\"why\":null,\"chi2\":7.5,\"p_chi2\":0.02,\"f\":9,\"p_f\":0.01,"
        "\"cd\":1.5,\"methods\":[{\"monitor\":\"m<1\",\"box\":\"white\",\"mean_rank\":1},{\"monitor\":\"m2\",\"box\":\"grey\","
        "\"mean_rank\":2.2},{\"monitor\":\"m3\",\"box\":\"control\",\"mean_rank\":2.8}],\"cliques\":[[0,1],[1,2]]},"
        "{\"metric\":\"auroc\",\"at_tok\":null,\"why\":\"2 datasets with 3 methods to rank: needs 3 and 2\",\"methods\":[]}],"
        "\"cells\":[" CELL("m<1", "auroc", "0.9", "0.8", "0.95", "") "]}";
    const char *page;

    CHECK_OK(write_report(json));
    page = text_of("report.html");
    CHECK(holds(page, "<a href=\"#ranks\">"));
    CHECK_INT(n_of(page, "class=\"clique\""), 2);
    CHECK(holds(page, "not told apart: m&lt;1 to m2"));
    CHECK(holds(page, "critical difference 1.50"));
    CHECK(holds(page, "p = 0.010 (Iman and Davenport): yes at"));
    CHECK(holds(page, "Left out: x (small)"));
    CHECK(holds(page, "No ranks by AUROC of the whole answer: 2 datasets with 3 methods to rank"));
    CHECK(holds(page, "<td class=\"best\">+0.250<small>p &lt; 0.001</small></td>"));
    CHECK(holds(text_of("results.md"), "| m3 | 2.80 |"));
    CHECK_OK(write_report(RESULTS(MONITOR("m", "white"), CELL("m", "auroc", "0.9", "0.8", "0.95", ""))));
    CHECK(!strstr(text_of("report.html"), "id=\"ranks\""));
}

/* More methods than the picture has rows: groups end with its last row, and none is drawn below it. */
TEST(report, ranks_of_many)
{
    static char json[20000];
    size_t n = 0, i;

    n += (size_t)snprintf(json, sizeof json, "{\"schema\":1,\"title\":\"t\",\"monitors\":[" MONITOR("m0", "white") "],"
                          "\"ranks\":[{\"metric\":\"auroc\",\"at_tok\":16,\"alpha\":0.05,\"n_sets\":5,\"datasets\":[],"
                          "\"left_out\":[],\"why\":null,\"chi2\":7.5,\"p_chi2\":0.02,\"f\":9,\"p_f\":0.01,\"cd\":40,"
                          "\"methods\":[");
    for (i = 0; i < 90; i++)
        n += (size_t)snprintf(json + n, sizeof json - n, "%s{\"monitor\":\"m%zu\",\"box\":\"white\",\"mean_rank\":%zu}",
                              i ? "," : "", i, i + 1);
    snprintf(json + n, sizeof json - n, "],\"cliques\":[[78,79],[70,89],[85,89]]}],\"cells\":["
             CELL("m0", "auroc", "0.9", "0.8", "0.95", "") "]}");
    CHECK_OK(write_report(json));
    CHECK_INT(n_of(text_of("report.html"), "class=\"clique\""), 2);
    CHECK(holds(text_of("report.html"), "V1481.0\"><title>not told apart: m78 to m79"));
    CHECK(holds(text_of("report.html"), "V1481.0\"><title>not told apart: m70 to m89"));
}

/* What all seeds say together stands on the page, wherever it stands in the file; a seed more is no repeat. */
TEST(report, seeds_together_come_first)
{
    CHECK_OK(write_report(RESULTS(MONITOR("m", "white"),
                                  CELL("m", "auroc", "0.911", "0.8", "0.95", ",\"seed\":1") ","
                                  CELL("m", "auroc", "0.933", "0.8", "0.95", ",\"seed\":2") ","
                                  CELL("m", "auroc", "0.922", "0.8", "0.95", ",\"seed\":null,\"n_seeds\":2"))));
    CHECK(holds(text_of("report.html"), "0.922<small>"));
    CHECK(!strstr(text_of("report.html"), "0.911"));
}
