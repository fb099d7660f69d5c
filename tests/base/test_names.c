/* What is said about a name that is not known. Edits by hand: a swap of neighbours is one, as is a letter too many. */
#include "test.h"

#include "base/names.h"

static void says(const char *word, const char *want)
{
    static const char *const name[] = { "ema", "entropy_mean", "max" };
    mid__buf out = { 0 };

    mid__names_unknown(&out, "thing", word, "there are", name, 3);
    CHECK_TEXT(out.at, want);
    mid__buf_clear(&out);
}

TEST(names, unknown)
{
    says("entropy_maen", "unknown thing 'entropy_maen': did you mean 'entropy_mean'? (there are: ema, entropy_mean, max)");
    says("emma", "unknown thing 'emma': did you mean 'ema'? (there are: ema, entropy_mean, max)");
    says("mx", "unknown thing 'mx': did you mean 'max'? (there are: ema, entropy_mean, max)");
    says("window", "unknown thing 'window' (there are: ema, entropy_mean, max)");       /* farther than two edits */
    says("", "unknown thing '' (there are: ema, entropy_mean, max)");                   /* all of a name is no typing error */
    says("a_name_that_is_much_longer_than_forty_letters_and_near_nothing",
         "unknown thing 'a_name_that_is_much_longer_than_forty_letters_and_near_nothi' (there are: ema, entropy_mean, max)");
}

TEST(names, of_none)
{
    mid__buf out = { 0 };

    mid__names_unknown(&out, "thing", "x", "there are", NULL, 0);
    CHECK_TEXT(out.at, "unknown thing 'x' (there are: none)");
    mid__buf_clear(&out);
}
