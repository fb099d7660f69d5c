/* The program in a chat answer, by hand. */
#include "test.h"

#include "label/fence.h"

static void check_code(const char *text, const char *want)
{
    size_t n = 0;
    const char *code = mid__fence_find(text, strlen(text), "f", &n);

    if (!want ? code != NULL : !code || n != strlen(want) || memcmp(code, want, n) != 0)
        fail_msg("'%s' gives '%.*s', should give '%s'", text, code ? (int)n : 4, code ? code : "none",
                 want ? want : "none");
}

TEST(fence, golden)
{
    check_code("", NULL);
    check_code("def f(): pass", NULL);
    check_code("Sure:\n```python\ndef f(): pass\n```\nDone.", "def f(): pass\n");
    check_code("```\na = 1\n```", "a = 1\n");
    check_code("  ~~~ Py\r\na = 1\r\n  ~~~", "a = 1\r\n");
    check_code("```python\na = 1", "a = 1");                                /* not closed */
    check_code("```bash\npip install x\n```\n```python\na = 1\n```", "a = 1\n");
    check_code("```js\na\n```", NULL);
    check_code("```\n\n```\n```\nb\n```", "b\n");                           /* a blank one is none */
    check_code("def f(): pass\n```", NULL);                                 /* closed and never opened */
    check_code("````\n```\na\n```\n````", "```\na\n```\n");                 /* a longer fence holds a shorter one */
    check_code("```\na\n~~~\nb\n```", "a\n~~~\nb\n");
    check_code("    ```\na\n", NULL);                                       /* four spaces: not a fence */
    check_code("``\na\n``", NULL);
}

TEST(fence, the_one_that_defines)
{
    check_code("```\nf(1)\n```\n```\ndef f(x):\n    pass\n```\n```\ndef f(y): ...\n```", "def f(x):\n    pass\n");
    check_code("```\na\n```\n```\nclass f: pass\n```", "class f: pass\n");
    check_code("```\na\n```\n```\ndef ff(): pass\n```", "a\n");
    check_code("```\na\n```\n```\ndef  f\n```", "def  f\n");
    check_code("```\na\n```\n```\ndef\n```", "a\n");
    check_code("```\nclass A:\n    def f(self): pass\n```", "class A:\n    def f(self): pass\n");
}
