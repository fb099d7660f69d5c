/* Monitor specs: read as people write them, written back in one way, refused with what is known. */
#include "test.h"

#include "base/rng.h"

static void check_text(const char *given, const char *want)
{
    mid_monitor_spec spec, again;
    char text[MID_SPEC_BYTES], twice[MID_SPEC_BYTES];

    CHECK_OK(mid_monitor_spec_parse(test_ctx(), given, &spec));
    mid_monitor_spec_text(&spec, text);
    CHECK_TEXT(text, want);
    CHECK_OK(mid_monitor_spec_parse(test_ctx(), text, &again));
    mid_monitor_spec_text(&again, twice);
    CHECK_TEXT(twice, want);
}

TEST(spec, is_written_in_one_way)
{
    check_text("probe_linear", "probe_linear");
    check_text("probe_linear+ema", "probe_linear+ema(0.9)");
    check_text("probe_linear+ema(.90)", "probe_linear+ema(0.9)");
    check_text(" probe_linear + ema ( 9e-1 ) ", "probe_linear+ema(0.9)");
    check_text("entropy_mean+cusum", "entropy_mean+cusum");         /* kappa is learned */
    check_text("entropy_mean+cusum(-2)", "entropy_mean+cusum(-2)");
    check_text("entropy_mean+cusum(0.1)", "entropy_mean+cusum(0.1)");
    check_text("random+position_norm+max", "random+position_norm+max");
    check_text("random+window(8)+kth_largest+last", "random+window(8)+kth_largest(3)+last");
    check_text("random+window(20)+cusum(1234567)", "random+window(20)+cusum(1234567)");
}

TEST(spec, what_it_is)
{
    mid_monitor_spec spec;

    CHECK_OK(mid_monitor_spec_parse(test_ctx(), "probe_linear+window(4)+max", &spec));
    CHECK(spec.monitor == mid_monitor_find("probe_linear"));
    CHECK_INT(spec.n_aggregate, 2);
    CHECK(spec.aggregate[0].ops == mid_aggregator_find("window"));
    CHECK_NEAR(spec.aggregate[0].param[0], 4, 0);
    CHECK(mid_monitor_spec_learns(&spec));
    CHECK_TEXT(mid_monitor_spec_unit(&spec), "logit");
    CHECK_OK(mid_monitor_spec_parse(test_ctx(), "entropy_mean+position_norm+max", &spec));
    CHECK(mid_monitor_spec_learns(&spec));
    CHECK_TEXT(mid_monitor_spec_unit(&spec), "sd");
    CHECK_OK(mid_monitor_spec_parse(test_ctx(), "entropy_mean+cusum(2)", &spec));
    CHECK(!mid_monitor_spec_learns(&spec));
    CHECK_OK(mid_monitor_spec_parse(test_ctx(), "entropy_mean+cusum", &spec));
    CHECK(mid_monitor_spec_learns(&spec));
}

/* Refused so, and out is as it was. */
static void refuse(const char *text, const char *message)
{
    mid_monitor_spec spec = { .n_aggregate = 42 };

    CHECK_FAILS(mid_monitor_spec_parse(test_ctx(), text, &spec), MID_EINVAL);
    CHECK_TEXT(mid_ctx_message(test_ctx()), message);
    CHECK_INT(spec.n_aggregate, 42);
}

TEST(spec, says_what_is_wrong)
{
    refuse("", "'': the name of a monitor is missing at ''");
    refuse("+ema", "'+ema': the name of a monitor is missing at '+ema'");
    refuse("random+", "'random+': the name of an aggregator is missing at ''");
    refuse("random++max", "'random++max': the name of an aggregator is missing at '+max'");
    refuse("random max", "'random max': a '+' is expected at 'max'");
    refuse("random(3)", "'random(3)': a '+' is expected at '(3)'");
    refuse("random+max max", "'random+max max': a '+' is expected at 'max'");
    refuse("random+ema(0.9", "'random+ema(0.9': a closing bracket is expected at ''");
    refuse("random+ema()", "'random+ema()': a number is expected at ')'");
    refuse("random+ema(nan)", "'random+ema(nan)': a number is expected at 'nan)'");
    refuse("random+ema(0x1)", "'random+ema(0x1)': a closing bracket is expected at 'x1)'");
    refuse("random+ema(1-)", "'random+ema(1-)': a number is expected at '1-)'");
    refuse("random+ema(0.5,2)", "'random+ema(0.5,2)': ema takes one number");
    refuse("random+max(2)", "'random+max(2)': max takes no number");
    refuse("random+window(0.5)", "'random+window(0.5)': w is 0.5; it must be a whole number");
    refuse("random+window(1e9)", "'random+window(1e9)': w is 1e9; it must be from 1 to 256");
    refuse("random+cusum(1e999)", "'random+cusum(1e999)': kappa is 1e999; it must be from -1e+30 to 1e+30");
    refuse("random+max+max+max+max", "'random+max+max+max+max': at most 3 aggregators stand behind a monitor");
    refuse("random+emma", "unknown aggregator 'emma': did you mean 'ema'? (there are: cusum, ema, in_a_row, kth_largest, last, "
           "max, mean, noisy_or, position_norm, top_mean, window)");
}

/* A list that grows with the registry: only the beginning is fixed. */
TEST(spec, unknown_monitor)
{
    mid_monitor_spec spec;

    CHECK_FAILS(mid_monitor_spec_parse(test_ctx(), "entropy_maen+max", &spec), MID_EINVAL);
    CHECK_SAYS("unknown monitor 'entropy_maen': did you mean 'entropy_mean'? (there are: ");
    CHECK_FAILS(mid_monitor_spec_parse(test_ctx(), "ema", &spec), MID_EINVAL);
    CHECK_SAYS("unknown monitor 'ema'");
}

/* A good spec with up to three bytes changed is read, and then fits its room, or it is refused. */
TEST(spec, mutations)
{
    static const char good[] = "random+ema(0.9)+cusum( 1e5)+window(12)", byte[] = "random+(,)0.9-e \xc3\n";
    char text[sizeof good], written[MID_SPEC_BYTES];
    mid_monitor_spec spec;
    mid__rng rng;
    int i, k, n_read = 0;

    mid__rng_init(&rng, 20240617, 0);
    for (i = 0; i < 20000; i++) {
        memcpy(text, good, sizeof good);
        for (k = 0; k < i % 4; k++)
            text[mid__rng_below(&rng, sizeof good)] = byte[mid__rng_below(&rng, sizeof byte)];
        text[sizeof good - 1] = 0;
        if (mid_monitor_spec_parse(test_ctx(), text, &spec) != MID_OK)
            continue;
        mid_monitor_spec_text(&spec, written);
        CHECK(strlen(written) + 1 < MID_SPEC_BYTES);
        n_read++;
    }
    CHECK(n_read > 5000 && n_read < 15000);
}
