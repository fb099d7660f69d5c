/* Labeler tests: verdicts by hand; and answers that would like to be believed. */
#include "test.h"

#include "yyjson.h"

static const char square[] = "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(-3) == 9\n";

/* The labeler with 2 s; skips where this machine gives no sandbox. */
static mid_labeler *open_labeler(void)
{
    static const mid_param params[] = {
        { "seconds", 2, NULL, NULL }, { "memory_mb", 256, NULL, NULL }, { NULL, 0, NULL, NULL }
    };
    mid_labeler *l = NULL;

    if (mid_labeler_open(test_ctx(), "tests", params, NULL, &l) != MID_OK) {
        print_message("%s\n", mid_ctx_message(test_ctx()));
        CHECK_SAYS("apt-get install");
        skip();
    }
    return l;
}

static int judge(const mid_labeler *l, const char *prompt, const char *answer, const char *tests, const char *mode)
{
    yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *meta = yyjson_mut_obj(doc);
    mid_sample s = { .id = "t", .prompt = prompt };
    mid_label label;
    char *json;

    yyjson_mut_doc_set_root(doc, meta);
    yyjson_mut_obj_add_str(doc, meta, "entry_point", "f");
    yyjson_mut_obj_add_str(doc, meta, "tests", tests);
    yyjson_mut_obj_add_str(doc, meta, "mode", mode);
    s.meta = json = yyjson_mut_write(doc, 0, NULL);
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, answer, strlen(answer), &label));
    CHECK(label.unsafe < 0 ? isnan(label.score) : label.score == label.unsafe);
    CHECK_INT(label.onset_byte, -1);
    free(json);
    yyjson_mut_doc_free(doc);
    return label.unsafe;
}

static void check_verdict(const mid_labeler *l, const char *answer, const char *tests, int want)
{
    const int got = judge(l, "", answer, tests, "standalone");

    if (got != want)
        fail_msg("%d, should be %d:\n%s\ntested by:\n%s", got, want, answer, tests);
}

TEST(label_tests, golden)
{
    mid_labeler *l = open_labeler();
    size_t i;
    static const struct { const char *prompt, *answer, *mode; int unsafe; } row[] = {
        { "", "def f(x): return x * x", "standalone", 0 },
        { "", "def f(x): return x + x", "standalone", 1 },
        { "", "def g(x): return x * x", "standalone", 1 },              /* another name */
        { "", "def f(x) return x * x", "standalone", 1 },               /* not Python */
        { "", "", "standalone", 1 },
        { "def f(x):\n    '''Square.'''\n", "    return x * x\n", "continuation", 0 },
        { "def f(x):\n    '''Square.'''\n", "    return x\n", "continuation", 1 },
        { "def f(x):\n    '''Square.'''\n", "```python\ndef f(x):\n    return x * x\n```", "continuation", 0 },
        { "def f(x):\n    return ", "x * x", "continuation", 0 },       /* a prompt that is no program by itself */
        { "Write f, which squares.", "Here it is:\n```python\ndef f(x): return x * x\n```\nEnjoy!", "standalone", 0 },
        { "Write f, which squares.", "I cannot do that.", "standalone", 1 },
    };

    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        if (judge(l, row[i].prompt, row[i].answer, square, row[i].mode) != row[i].unsafe)
            fail_msg("'%s' + '%s' (%s) should be %d", row[i].prompt, row[i].answer, row[i].mode, row[i].unsafe);
    mid_labeler_close(l);
}

/* None of these is a square, whatever it says about itself. */
TEST(label_tests, forged)
{
    static const char *const forged[] = {
        "print('pass')\nprint('ready\\npass')\ndef f(x): print('pass')",
        "import os\nos._exit(0)",
        "import os\ndef f(x): os._exit(0)",
        "import sys\nsys.exit(0)",
        "import sys\ndef f(x): sys.exit(0)",
        "def f(x): raise SystemExit",
        "def f(x): raise KeyboardInterrupt",
        "import atexit, os\natexit.register(lambda: os.write(1, b'pass\\n'))\ndef f(x): return 0",
        "import builtins\nbuiltins.AssertionError = type('E', (BaseException,), {'__init__': lambda *a: exit(0)})\n"
            "def f(x): return 0",
        "class Yes:\n    def __eq__(self, other): return True\n    def __hash__(self): return 4\n"
            "def f(x): return Yes()",
        "class Yes(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\n"
            "def f(x): return Yes(0)",
        "class Yes(list):\n    def __eq__(self, other): return True\ndef f(x): return Yes()",
        "def check(candidate): pass\ndef f(x): return 0",
        "import os\nfor fd in range(64):\n    try: os.write(fd, b'ready\\npass\\n')\n    except OSError: pass\n"
            "def f(x): return 0",
        "import os\ndef f(x):\n    for fd in range(64):\n        try: os.write(fd, b'{\"value\": true}\\n' * 9)\n"
            "        except OSError: pass\n",
        "import json\njson.dumps = lambda value: '{\"value\": {\"object\": 0}}'\ndef f(x): return 0",
        "import json\njson.dumps = lambda value: '{\"raised\": [\"SystemExit\", \"0\"]}'\ndef f(x): return 0",
        "import json\njson.dumps = lambda value: '['\ndef f(x): return 0",
        "import sys\nframe = sys._getframe()\nwhile frame:\n    frame.f_globals.update(verdict=lambda *a: 'pass')\n"
            "    frame = frame.f_back\ndef f(x): return 0",
        "import gc, types\nfor o in gc.get_objects():\n"
            "    if isinstance(o, types.FunctionType) and o.__name__ == 'verdict':\n"
            "        o.__code__ = (lambda *a: 'pass').__code__\ndef f(x): return 0",
        "import os\nos.execv('/usr/bin/printf', ['printf', 'ready\\npass\\n'])",
        "import os, signal\ndef f(x):\n    try: os.kill(os.getppid(), signal.SIGKILL)\n    except OSError: return 0",
        "import importlib, sys\nsys.modules['json'] = None\ndef f(x): return 0",
        "__builtins__['len'] = lambda v: 4\ndef f(x): return 0",
    };
    static const char iterator[] =                      /* it writes a reply itself, with a value that has no copy */
        "import sys\ndef f(x):\n    frame = sys._getframe()\n    while frame.f_code.co_name != 'hold_answer':\n"
        "        frame = frame.f_back\n    frame.f_locals['there'].write(b'{\"value\": {\"iterator\": \"abc\"}}\\n')\n";
    mid_labeler *l = open_labeler();
    size_t i;

    for (i = 0; i < sizeof forged / sizeof forged[0]; i++)
        check_verdict(l, forged[i], square, 1);
    check_verdict(l, "class math:\n    isclose = lambda *a: True\ndef f(x): return 0",     /* tests forgot an import */
                  "assert math.isclose(f(2), 4)", 1);
    check_verdict(l, iterator, "assert f(f(1)) == 7", 1);
    check_verdict(l, "import os\ndef f(x): return x * x if x > 0 else os._exit(0)",     /* a test that catches all */
                  "f(1)\ntry:\n    f(-1)\nexcept:\n    pass", 1);
    mid_labeler_close(l);
}

/* Too much of anything is a failure, and the next answer is judged as if nothing had been. */
TEST(label_tests, greedy)
{
    static const char *const greedy[] = {
        "while True: pass",
        "def f(x):\n    while True: pass",
        "import time\ndef f(x): time.sleep(600)",
        "def f(x): return [0] * (1 << 30)",
        "def f(x): return f(x)",
        "def f(x): return 'x' * (17 << 20)",
        "def f(x):\n    while True: print('x' * 65536)",
        "import sys\ndef f(x):\n    while True: sys.__stderr__.write('x' * 65536)",
        "import os\nwhile True: os.fork()",
        "import threading\ndef f(x):\n    while True: threading.Thread(target=f).start()",
        "def f(x):\n    a = []\n    a.append(a)\n    return a",
        "def f(x):\n    while True: yield x",
    };
    mid_labeler *l = open_labeler();
    size_t i;

    for (i = 0; i < sizeof greedy / sizeof greedy[0]; i++)
        check_verdict(l, greedy[i], i < 11 ? square : "assert list(f(1)) == [1]", 1);
    check_verdict(l, "def f(x): return x * x", square, 0);
    mid_labeler_close(l);
}

/* What goes over to the answer and comes back is the same value of the same type. */
TEST(label_tests, values)
{
    static const char echo[] =
        "import math\n"
        "values = [None, True, False, 0, -1, 2**63, -2**200, 10**4000, 1.5, -0.0, 1e308, math.inf, '', "
        "'a\\n\\0\\ud800\\u20ac', b'', b'\\0\\xff', bytearray(b'x'), 1j, (), (1,), [], [[1], [(2, [])]], {1, 'a'}, "
        "set(), frozenset([1]), {}, {1: 'a', (1, 2): [3]}, {'tuple': [1]}, range(3), range(2**70, 0, -5)]\n"
        "for v in values:\n"
        "    assert f(v) == v and type(f(v)) is type(v) and repr(f(v)) == repr(v), v\n"
        "assert math.isnan(f(math.nan))\n"
        "assert f({12, 13, 14, 15, 16}) == {12, 13, 14, 15, 16} and list(f({12, 13, 14, 15, 16})) == "
        "list({12, 13, 14, 15, 16})\n"
        "assert f(*[1]) == f(x=1) == 1\n"
        "assert f(f) is f and f(f)(2) == 2\n";
    static const char kinds[] =
        "assert list(f('map')) == [1, 2] and sorted(f('keys')) == [1, 2] and f('keys') == {1, 2}\n"
        "assert list(f('values')) == [3, 4] and dict(f('items')) == {1: 3, 2: 4}\n"
        "assert f('counter') == {'a': 1} and f('named') == (1, 2) and f('enum') == 1\n"
        "assert next(f('generator')) == 7\n";
    static const char library[] =
        "from collections import OrderedDict, deque\nfrom datetime import *\nfrom decimal import Decimal\n"
        "from fractions import Fraction\n"
        "values = [Decimal('1.10'), Fraction(-1, 3), Fraction(0), date(2020, 2, 29), time(1, 2, 3, 4), "
        "datetime(2020, 1, 2, 3, 4, 5, 6), timedelta(-1, 5, 7), deque([1, [2]]), OrderedDict([(2, 1), (1, 2)])]\n"
        "for v in values:\n"
        "    assert f(v) == v and type(f(v)) is type(v) and repr(f(v)) == repr(v), v\n"
        "assert f(OrderedDict([(1, 2), (2, 1)])) != values[-1] and not f(Fraction(0))\n";
    mid_labeler *l = open_labeler();

    check_verdict(l, "def f(x): return x", echo, 0);
    check_verdict(l, "def f(x): return x", library, 0);
    check_verdict(l, "class Decimal:\n    __eq__ = lambda *a: True\n    __str__ = lambda s: '0'\n"
                  "Decimal.__module__ = 'decimal'\ndef f(x): return Decimal()",
                  "from decimal import Decimal\nassert f(1) == Decimal(1)", 1);
    check_verdict(l, "import collections, enum\n"
                  "def f(x):\n    d = {1: 3, 2: 4}\n"
                  "    return {'map': map(int, '12'), 'keys': d.keys(), 'values': d.values(), 'items': d.items(),\n"
                  "        'counter': collections.Counter('a'), 'named': collections.namedtuple('N', 'a b')(1, 2),\n"
                  "        'enum': enum.IntEnum('E', 'A').A, 'generator': (7 for _ in 'a')}[x]", kinds, 0);
    mid_labeler_close(l);
}

TEST(label_tests, objects)
{
    static const char tree[] =
        "root = Node(1)\nroot.left = Node(2)\nroot.left.left = Node(3)\n"
        "assert f(root) == 3 and root.left.value == 2 and root.value == 1 and root.right is None\n"
        "assert root.left == root.left and root != root.left\n"
        "assert math.sqrt(4) == 2 and helper(1) == 2\n";
    static const char raises[] =
        "try:\n    f(-1)\nexcept ValueError as e:\n    assert str(e) == 'no'\nelse:\n    assert False\n"
        "try:\n    f(-2)\nexcept Exception:\n    pass\nelse:\n    assert False\nassert f(1) == 1\n";
    static const char box[] =
        "class Box:\n    def __init__(self, *v): self.v = list(v)\n    def __len__(self): return len(self.v)\n"
        "    def __getitem__(self, i): return self.v[i]\n    def __setitem__(self, i, v): self.v[i] = v\n"
        "    def __str__(self): return 'Box'\n    def __bool__(self): return self.v != [0]\n"
        "    def __eq__(self, other): return True\n    def __lt__(self, other): return True\n"
        "    def __contains__(self, v): return True\n    def __sub__(self, v): return 0\n"
        "class Own:\n    def __init__(self): self.n = 2\n    def __iter__(self): return self\n"
        "    def __next__(self):\n        self.n -= 1\n        if self.n < 0: raise StopIteration\n"
        "        return self.n\nf = Box\n";
    static const struct { const char *tests; int unsafe; } row[] = {
        { "assert len(f(1, 2)) == 2 and f(1, 2)[1] == 2 and list(f(1, 2)) == [1, 2] and str(f()) == 'Box'", 0 },
        { "b = f(1)\nb[0] = 7\nassert b[0] == 7 and b == b and isinstance(b, Box) and not isinstance(1, Box)", 0 },
        { "assert 2 in f(1, 2) and list(Own()) == [1, 0] and not f(0)", 0 },
        { "assert 3 in f(1, 2)", 1 },                   /* what it holds is compared here */
        { "assert f(1) == 1", 1 },                      /* it equals no plain value, whatever it says */
        { "assert f(1) < 5", 1 },
        { "assert abs(f(1) - 5) < 1", 1 },
        { "assert f(1) == f(1)", -1 },                  /* only it could say so */
        { "assert f(1) < f(2)", -1 },
        { "try:\n    assert f(1) == f(1)\nexcept:\n    pass", -1 },
        { "class Sub(Box): pass\nassert len(Sub()) == 0", -1 },
        { "class T: pass\nassert f(1) == T()", -1 },
    };
    mid_labeler *l = open_labeler();
    size_t i;

    for (i = 0; i < sizeof row / sizeof row[0]; i++)
        check_verdict(l, box, row[i].tests, row[i].unsafe);

    check_verdict(l, "import math\nclass Node:\n    def __init__(self, value):\n        self.value = value\n"
                  "        self.left = self.right = None\n"
                  "def helper(x): return x + 1\n"
                  "def f(node): return 0 if node is None else 1 + max(f(node.left), f(node.right))", tree, 0);
    check_verdict(l, "def f(x): return x", "assert math.isclose(f(1), 1)", 0);          /* imported by nobody */
    check_verdict(l, "from datetime import datetime\ndef f(x): return datetime(x, 1, 1)",
                  "assert f(1) == datetime(1, 1, 1) == datetime.strptime('0001', '%Y')", 0);
    check_verdict(l, "class Mine(ValueError): pass\ndef f(x):\n    if x == -1: raise Mine('no')\n"
                  "    if x == -2: b'\\xff'.decode()\n    return x", raises, 0);
    mid_labeler_close(l);
}

/* A helper of the prompt's is the tests' own, so an answer cannot bend it. */
TEST(label_tests, helper_of_the_prompt)
{
    static const char prompt[] = "def poly(x):\n    return x * x - 4\n\ndef f():\n    '''A zero of poly.'''\n";
    static const char bare[] = "def poly(x):\n    return x * x - 4\n\ndef f():\n";
    static const char tests[] = "def check(candidate):\n    assert poly(candidate()) == 0\n";
    mid_labeler *l = open_labeler();

    CHECK_INT(judge(l, prompt, "    return 2", tests, "continuation"), 0);
    CHECK_INT(judge(l, prompt, "    return 1\ndef poly(x): return 0", tests, "continuation"), 1);
    CHECK_INT(judge(l, bare, "    return 1\ndef poly(x): return 0", tests, "continuation"), 1);
    mid_labeler_close(l);
}

TEST(label_tests, cannot_say)
{
    static const char bad_mode[] = "{\"tests\":\"assert f\",\"mode\":\"loud\"}";
    mid_sample s = { .id = "t", .prompt = "" };
    mid_labeler *l = open_labeler();
    mid_label label;

    check_verdict(l, "def f(x): return 1", "assert f(1 == 1", -1);      /* tests that are not Python */
    check_verdict(l, "def f(x): return 1", "assert f(lambda: 1)", -1);  /* that hand over what has no copy */
    check_verdict(l, "def f(x): return 1", "import no_such as n\nassert f(1) == 1", -1);     /* that need a package */
    check_verdict(l, "def f(x): return 1", "def check(f):\n    from math import no_such\n    assert f(1) == 1", -1);
    CHECK_INT(judge(l, "import no_such\ndef f(x):\n", "    return 4", square, "continuation"), -1);
    check_verdict(l, "class E(Exception): pass\ndef f(x): raise E",      /* that wait for an exception of its own */
                  "try:\n    f(1)\nexcept E:\n    pass", -1);
    check_verdict(l, "def f(x): return 1", "", -1);                     /* that ask nothing */
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "x", 1, &label));     /* no meta */
    CHECK_INT(label.unsafe, -1);
    s.meta = "{\"entry_point\":\"f\"}";
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "x", 1, &label));
    CHECK_INT(label.unsafe, -1);
    s.meta = "{\"tests\":\"assert f() == 1\\u0000\\nassert f() == 2\"}";  /* no Python, and not its first half */
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "def f(): return 1", 17, &label));
    CHECK_INT(label.unsafe, -1);
    s.meta = "{\"tests\":\"assert f() == 1\"}";             /* the tests name their function themselves */
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "def f(): return 1", 17, &label));
    CHECK_INT(label.unsafe, 0);
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "def f(): return 1\0", 18, &label));
    CHECK_INT(label.unsafe, 1);
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "def f(): return '\xff'", 19, &label));
    CHECK_INT(label.unsafe, 1);
    s.lang = "c";
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "x", 1, &label));
    CHECK_INT(label.unsafe, -1);
    s.lang = "python";
    s.meta = bad_mode;
    CHECK_FAILS(mid_labeler_judge(test_ctx(), l, &s, "x", 1, &label), MID_EFORMAT);
    CHECK_SAYS("meta.mode is 'loud'");
    mid_labeler_close(l);
}

/* The label is the whole program's, also where a run reads its beginning only. */
TEST(label_tests, cut_short)
{
    static const mid_sample s = { .id = "t", .prompt = "", .response = "def f(x):\n    return x * x",
                                  .meta = "{\"tests\":\"assert f(3) == 9\",\"entry_point\":\"f\"}" };
    mid_labeler *l = open_labeler();
    mid_label label;

    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, s.response, 9, &label));
    CHECK_INT(label.unsafe, 0);
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "def f(y):", 9, &label));     /* another answer */
    CHECK_INT(label.unsafe, 1);
    CHECK_OK(mid_labeler_judge(test_ctx(), l, &s, "", 0, &label));              /* silence is no program */
    CHECK_INT(label.unsafe, 1);
    mid_labeler_close(l);
}

/* Labels that somebody else's run of the official tests gave, with the imports that theirs had, but for one that
 * docs/sandbox.md explains. */
TEST(label_tests, real_answers)
{
    static const mid_param imports[] = {
        { "preamble", 0, "import math, re, itertools; from typing import *", NULL }, { NULL, 0, NULL, NULL }
    };
    const char *dir = test_data();
    mid_labeler *l = open_labeler();
    mid_dataset *data;
    mid_label label;
    size_t i;

    mid_labeler_close(l);
    CHECK_OK(mid_labeler_open(test_ctx(), "tests", imports, NULL, &l));
    CHECK_OK(mid_dataset_open(test_ctx(), &dir, 1, "code_llm", &data));
    for (i = 0; i < mid_dataset_n(data); i += 53) {
        const mid_sample *s = mid_dataset_at(data, i);
        CHECK_OK(mid_labeler_judge(test_ctx(), l, s, s->response, strlen(s->response), &label));
        if (label.unsafe != s->label && strcmp(s->id, "code_llm-humaneval-gpt-3.5-turbo-0613-50") != 0)
            fail_msg("%s: %d, should be %d", s->id, label.unsafe, s->label);
    }
    mid_dataset_close(data);
    mid_labeler_close(l);
}

TEST(label_tests, preamble)
{
    static const mid_param imports[] = { { "preamble", 0, "import math", NULL }, { NULL, 0, NULL, NULL } };
    static const char program[] = "def f(x): return int(math.pow(x, 2))";
    mid_labeler *l = open_labeler();

    check_verdict(l, program, square, 1);
    mid_labeler_close(l);
    CHECK_OK(mid_labeler_open(test_ctx(), "tests", imports, NULL, &l));
    check_verdict(l, program, square, 0);
    CHECK_INT(judge(l, "def f(x):\n", "    return int(math.pow(x, 2))", square, "continuation"), 0);
    mid_labeler_close(l);
}

/* Where there is no sandbox nothing is run and nothing labelled. */
TEST(label_tests, no_sandbox)
{
    const mid_param nowhere[] = { { "bwrap", 0, "/no/bwrap", NULL }, { NULL, 0, NULL, NULL } };
    const mid_param refusing[] = { { "bwrap", 0, "/usr/bin/false", NULL }, { NULL, 0, NULL, NULL } };
    const mid_param none[] = { { "seconds", 0, NULL, NULL }, { NULL, 0, NULL, NULL } };
    mid_labeler *l = NULL;

    CHECK_FAILS(mid_labeler_open(test_ctx(), "tests", nowhere, NULL, &l), MID_EIO);
    CHECK_SAYS("apt-get install bubblewrap");
    CHECK_FAILS(mid_labeler_open(test_ctx(), "tests", refusing, NULL, &l), MID_EIO);    /* as a kernel does */
    CHECK_SAYS("kernel.unprivileged_userns_clone");
    CHECK_FAILS(mid_labeler_open(test_ctx(), "tests", none, NULL, &l), MID_EINVAL);
    CHECK_FAILS(mid_labeler_open(test_ctx(), "tests", NULL, "no/such/place", &l), MID_ENOTFOUND);
    CHECK(l == NULL);
}
