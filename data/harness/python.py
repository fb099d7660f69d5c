"""Run an answer against its tests, each in a process of its own. src/label/label_tests.c starts both, in two sandboxes
that share nothing but a socket, and docs/sandbox.md says why: the answer never runs where the verdict is made.

    python.py tests     reads the job on standard input, meets the answer on descriptor 3, prints "ready" and a verdict:
                        pass, fail, or cannot (the tests are broken, or ask what no answer can be asked)
    python.py answer    holds the program of the answer, and does what the tests ask over descriptor 0

The tests ask by lines of JSON, [verb, object, ...]: load a program, get or set an attribute, call a function. Object 0
is the program's module. The reply is {"value": V} or {"raised": [name, text]}. Plain values travel as copies; all else
stays with the answer and is named by a number. The tests' side makes builtin values only, whatever it is told, so that
no method of the answer's (an __eq__ that says yes) ever runs there.
"""
import ast
import builtins
import collections
import importlib
import itertools
import json
import operator
import os
import sys
import types

LINE_LIMIT_BYTES = 16 << 20
WHOLE = {"tuple": tuple, "set": set, "frozenset": frozenset, "deque": collections.deque}
VIEWS = tuple(type(v) for v in ({}.keys(), {}.values(), {}.items()))
ITERATORS = (types.GeneratorType, map, filter, zip, enumerate, reversed, type(iter([])), type(iter(())))
MADE_OF = {                                 # values of the library: what each is called with to be had again
    ("decimal", "Decimal"): lambda v: [str(v)],
    ("fractions", "Fraction"): lambda v: [v.numerator, v.denominator],
    ("datetime", "date"): lambda v: [v.year, v.month, v.day],
    ("datetime", "time"): lambda v: [v.hour, v.minute, v.second, v.microsecond],
    ("datetime", "datetime"): lambda v: [v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond],
    ("datetime", "timedelta"): lambda v: [v.days, v.seconds, v.microseconds],
}


class CannotTravel(BaseException):
    """The tests hand over or compare what has no copy. Their doing, and known even if they catch it."""
    happened = False

    def __init__(self, text):
        CannotTravel.happened = True
        super().__init__(text)


def pack(value, other):
    """A value as JSON; other(value) packs what has no copy."""
    if value is None or isinstance(value, (bool, float, str)):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 1 << 63 else {"int": hex(value)}
    if isinstance(value, list):
        return [pack(v, other) for v in value]
    if isinstance(value, collections.OrderedDict):
        return {"ordered": [[pack(k, other), pack(v, other)] for k, v in value.items()]}
    if isinstance(value, dict):
        return {"dict": [[pack(k, other), pack(v, other)] for k, v in value.items()]}
    for name, kind in WHOLE.items():
        if isinstance(value, kind):
            return {name: [pack(v, other) for v in value]}
    if isinstance(value, VIEWS):
        return {("keys", "values", "items")[VIEWS.index(type(value))]: [pack(v, other) for v in value]}
    if isinstance(value, ITERATORS):
        return {"iterator": [pack(v, other) for v in value]}
    if isinstance(value, range):
        return {"range": [hex(value.start), hex(value.stop), hex(value.step)]}
    if isinstance(value, (bytes, bytearray)):
        return {type(value).__name__: value.hex()}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    place = (type(value).__module__, type(value).__qualname__)
    if place in MADE_OF and getattr(value, "tzinfo", None) is None:
        return {"made": [*place, pack(MADE_OF[place](value), other)]}
    return other(value)


def make(module, name, args):
    MADE_OF[module, name]                   # these and no others
    args = unpack(args, None)               # nothing of the answer's within
    return getattr(importlib.import_module(module), name)(*args)


def unpack(value, other):
    """What pack() packed; other(number) finds what has no copy."""
    if isinstance(value, list):
        return [unpack(v, other) for v in value]
    if not isinstance(value, dict):
        return value
    (name, inside), = value.items()
    if name == "set":                       # made as a literal is, so that it has a literal's order
        return set(frozenset(unpack(inside, other)))
    if name in WHOLE:
        return WHOLE[name](unpack(inside, other))
    if name == "dict":
        return {unpack(k, other): unpack(v, other) for k, v in inside}
    if name == "ordered":
        return collections.OrderedDict((unpack(k, other), unpack(v, other)) for k, v in inside)
    if name == "int":
        return int(inside, 16)
    if name == "keys":
        return dict.fromkeys(unpack(inside, other)).keys()
    if name == "values":
        return dict(enumerate(unpack(inside, other))).values()
    if name == "items":
        return dict(unpack(inside, other)).items()
    if name == "iterator":
        return iter(list(unpack(inside, other)))
    if name == "range":
        return range(*(int(v, 16) for v in inside))
    if name == "bytes":
        return bytes.fromhex(inside)
    if name == "bytearray":
        return bytearray.fromhex(inside)
    if name == "complex":
        return complex(*inside)
    if name == "made":
        return make(*inside)
    if name == "object":
        return other(inside)
    raise ValueError(name)


# ---- the answer's side --------------------------------------------------------------------------------------------

def has_own_eq(value):
    return type(value).__eq__ is not object.__eq__


SPECIAL = {"len": len, "iter": iter, "next": next, "str": str, "repr": repr, "bool": bool, "getitem": operator.getitem,
           "setitem": operator.setitem, "delitem": operator.delitem, "isinstance": lambda c, v: isinstance(v, c),
           "has_own_eq": has_own_eq}


class Holder:
    """The answer's program, and the objects that the tests know by number."""

    def __init__(self):
        self.module = types.ModuleType("answer")
        self.objects = [self.module]

    def keep(self, value):
        if isinstance(value, types.ModuleType):
            return {"module": value.__name__}
        for number, known in enumerate(self.objects):
            if known is value:
                return {"object": number}
        self.objects.append(value)
        return {"object": len(self.objects) - 1}

    def load(self, _, source):
        exec(compile(bytes.fromhex(source), "answer", "exec", dont_inherit=True), self.module.__dict__)

    def get(self, owner, name):
        return getattr(owner, name)

    def set(self, owner, name, value):
        setattr(owner, name, value)

    def call(self, function, args, named):
        return function(*args, **named)

    def ask(self, owner, special, *args):
        return SPECIAL[special](owner, *args)

    def answer(self, line):
        verb, number, *rest = json.loads(line)
        find = self.objects.__getitem__
        try:
            rest = [unpack(v, find) for v in rest]
            value = pack(getattr(self, verb)(find(number), *rest), self.keep)
            return json.dumps({"value": value})
        except BaseException as error:      # SystemExit too: an answer that leaves has failed
            name = next((c.__name__ for c in type(error).__mro__ if vars(builtins).get(c.__name__) is c), "Exception")
            return json.dumps({"raised": [name, str(error)[:1000]]})


def hold_answer():
    there = open(os.dup(0), "r+b", buffering=0)
    lines = open(there.fileno(), "rb", closefd=False)
    nowhere = os.open("/dev/null", os.O_RDWR)
    there.write(b"ready\n")
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    holder = Holder()
    for line in lines:
        reply = holder.answer(line).encode() + b"\n"
        while reply:
            reply = reply[there.write(reply):]


# ---- the tests' side ----------------------------------------------------------------------------------------------

class Channel:
    """The other sandbox. Once it is gone, or speaks nonsense, the answer has failed whatever the tests say."""

    def __init__(self, descriptor):
        self.to = open(descriptor, "wb", closefd=False)
        self.lines = open(descriptor, "rb", closefd=False)
        self.lost = False
        self.n_calls = 0
        self.known = {}

    def read(self):
        line = self.lines.readline(LINE_LIMIT_BYTES)
        if not line.endswith(b"\n"):
            raise ConnectionError("the answer's process ended, or said too much at once")
        return line

    def ask(self, *request):
        line = json.dumps(request).encode() + b"\n"
        try:
            self.to.write(line)
            self.to.flush()
            reply = json.loads(self.read())
            if "raised" not in reply:
                return reply["value"]
            name, text = reply["raised"]
            kind = getattr(builtins, name, None)
        except BaseException:
            self.lost = True
            raise
        known = isinstance(kind, type) and issubclass(kind, Exception)
        try:
            error = kind(text) if known else Exception(name, text)
        except TypeError:                   # a UnicodeDecodeError wants more than a text
            error = Exception(name, text)
        raise error

    def plain(self, value):
        try:
            return unpack(value, self.find)
        except BaseException:
            self.lost = True
            raise

    def find(self, number):
        if number not in self.known:
            remote = object.__new__(Remote)
            object.__setattr__(remote, "_at", (self, number))
            self.known[number] = remote
        return self.known[number]


def number_of(value):
    if type(value) is Remote:
        return {"object": object.__getattribute__(value, "_at")[1]}
    raise CannotTravel(f"a {type(value).__name__} cannot be handed to the answer")


def special(name):
    def ask(self, *args):
        channel, number = object.__getattribute__(self, "_at")
        return channel.plain(channel.ask("ask", number, name, *(pack(a, number_of) for a in args)))
    return ask


class Remote:
    """Something of the answer's that has no copy: a function, a class, an object. It is asked what it holds, and never
    how it compares: it would learn what the tests expect. It equals no plain value; whether it equals an object, or
    comes before it, cannot be said, but for objects that equal only themselves."""

    def __getattr__(self, name):
        channel, number = object.__getattribute__(self, "_at")
        if name.startswith("__"):
            raise AttributeError(name)
        return channel.plain(channel.ask("get", number, name))

    def __setattr__(self, name, value):
        channel, number = object.__getattribute__(self, "_at")
        channel.ask("set", number, name, pack(value, number_of))

    def __call__(self, *args, **named):
        channel, number = object.__getattribute__(self, "_at")
        channel.n_calls += 1
        return channel.plain(channel.ask("call", number, pack(list(args), number_of), pack(named, number_of)))

    def __eq__(self, other):
        if self is other:
            return True
        pack(other, number_of)
        if type(other) is Remote and (ask_eq(self) is not False or ask_eq(other) is not False):
            raise CannotTravel("two objects of the answer's")
        return False

    def compare(self, other):
        pack(other, number_of)
        if type(other) is Remote:
            raise CannotTravel("two objects of the answer's")
        return NotImplemented

    def __contains__(self, value):
        return any(v is value or v == value for v in iter(self))

    def __mro_entries__(self, bases):
        raise CannotTravel("a class of the answer's to inherit from")

    __hash__ = object.__hash__
    __lt__ = __le__ = __gt__ = __ge__ = __add__ = __sub__ = __mul__ = compare
    __len__, __iter__, __next__, __str__, __repr__, __bool__, __getitem__, __setitem__, __delitem__, \
        __instancecheck__ = map(special, ("len", "iter", "next", "str", "repr", "bool", "getitem", "setitem", "delitem",
                                          "isinstance"))


ask_eq = special("has_own_eq")


class Names(dict):
    """The tests' globals. A name that neither they, the prompt nor Python has is looked for in the answer, but what
    they use as a module of the library's, imported or not, is our own copy: the answer's would decide for them."""

    def __missing__(self, name):
        if hasattr(builtins, name):
            raise KeyError(name)            # and Python goes on to look there
        channel, _ = object.__getattribute__(self["__answer__"], "_at")
        used = self["__used__"].get(name)
        if used and name in sys.stdlib_module_names:
            module = importlib.import_module(name)
            if all(hasattr(module, a) for a in used):       # not the class datetime of the module datetime
                return module
        return channel.plain(channel.ask("get", 0, name))


def run(code, names):
    exec(code, names)


def calls_check(tree):
    return any(isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) and getattr(s.value.func, "id", "") == "check"
               for s in tree.body)


def attributes_used(trees):
    """{name: the attributes that are asked of it}"""
    used = {}
    for node in itertools.chain.from_iterable(map(ast.walk, trees)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used.setdefault(node.value.id, set()).add(node.attr)
    return used


def can_import_all(tree):
    try:
        for node in ast.walk(tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                run(compile(ast.Module([node], []), "tests", "exec", dont_inherit=True), {})
    except Exception:
        return False
    return True


def catches_builtins(tree):
    """An exception comes over as the nearest one of Python's own, so tests that wait for another wait in vain."""
    return all(isinstance(node, (ast.Tuple, ast.Load)) or hasattr(builtins, getattr(node, "id", ""))
               for handler in ast.walk(tree) if isinstance(handler, ast.ExceptHandler) and handler.type
               for node in ast.walk(handler.type))


def parse_prompt(prompt):
    """None: a prompt in words."""
    for end in (b"", b"\n    pass\n"):      # a function's first line is a program only with a body
        try:
            return ast.parse(prompt + end)
        except Exception:
            pass
    return None


def verdict(channel, entry_point, prompt, source, tests):
    try:
        tree = ast.parse(tests)
        code = compile(tree, "tests", "exec", dont_inherit=True)
    except Exception:
        return "cannot"
    helpers = parse_prompt(prompt) if entry_point else None
    trees = [tree, helpers] if helpers else [tree]
    if not catches_builtins(tree) or not all(map(can_import_all, trees)):
        return "cannot"
    names = Names(__name__="tests", __builtins__=builtins, __answer__=channel.find(0), __used__=attributes_used(trees))
    try:
        if helpers:                         # the prompt's helpers and imports: the tests' own copy
            run(compile(helpers, "prompt", "exec", dont_inherit=True), names)
    except Exception:
        pass                                # words that look like a program
    failed = False
    try:
        channel.ask("load", 0, source.hex())
        if entry_point:
            names[entry_point] = channel.plain(channel.ask("get", 0, entry_point))
        run(code, names)
        if "check" in names and entry_point and not calls_check(tree):
            names["check"](names[entry_point])
    except BaseException:
        failed = True
    if not channel.lost and CannotTravel.happened:
        return "cannot"
    if failed or channel.lost:
        return "fail"
    return "pass" if channel.n_calls else "cannot"


def run_tests():
    sizes = [int(n) for n in sys.stdin.buffer.readline().split()]
    entry_point, prompt, source, tests = (sys.stdin.buffer.read(n) for n in sizes)
    channel = Channel(3)
    if channel.read() != b"ready\n":
        return
    say = os.dup(1)
    nowhere = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)            # what tests print is no verdict
    os.write(say, b"ready\n")
    os.write(say, verdict(channel, entry_point.decode().strip(), prompt, source, tests).encode() + b"\n")
    os._exit(0)


{"tests": run_tests, "answer": hold_answer}[sys.argv[1]]()
