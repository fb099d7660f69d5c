"""Run an answer against its tests, each in a process of its own. src/label/label_tests.c starts both, in two sandboxes
that share nothing but a socket, and docs/sandbox.md says why: the answer never runs where the verdict is made.

    python.py tests     reads the job on standard input, meets the answer on descriptor 3, prints "ready" and a verdict:
                        pass, fail, or cannot (the tests themselves are broken)
    python.py answer    holds the program of the answer, and does what the tests ask over descriptor 0

The tests ask by lines of JSON, [verb, object, ...]: load a program, get or set an attribute, call a function. Object 0
is the program's module. The reply is {"value": V} or {"raised": [name, text]}. Plain values travel as copies; all else
stays with the answer and is named by a number. The tests' side makes builtin values only, whatever it is told, so that
no method of the answer's (an __eq__ that says yes) ever runs there.
"""
import ast
import builtins
import importlib
import json
import os
import sys
import types

LINE_LIMIT_BYTES = 16 << 20
WHOLE = {"tuple": tuple, "set": set, "frozenset": frozenset}
VIEWS = tuple(type(v) for v in ({}.keys(), {}.values(), {}.items()))
ITERATORS = (types.GeneratorType, map, filter, zip, enumerate, reversed, type(iter([])), type(iter(())))


class CannotTravel(TypeError):
    """A value of the tests' that has no copy: their fault, not the answer's."""


def pack(value, other):
    """A value as JSON; other(value) packs what has no copy."""
    if value is None or isinstance(value, (bool, float, str)):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < 1 << 63 else {"int": hex(value)}
    if isinstance(value, list):
        return [pack(v, other) for v in value]
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
    return other(value)


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
    if name == "int":
        return int(inside, 16)
    if name == "keys":
        return dict.fromkeys(unpack(inside, other)).keys()
    if name == "values":
        return dict(enumerate(unpack(inside, other))).values()
    if name == "items":
        return dict(unpack(inside, other)).items()
    if name == "iterator":
        return iter(unpack(inside, other))
    if name == "range":
        return range(*(int(v, 16) for v in inside))
    if name == "bytes":
        return bytes.fromhex(inside)
    if name == "bytearray":
        return bytearray.fromhex(inside)
    if name == "complex":
        return complex(*inside)
    if name == "object":
        return other(inside)
    raise ValueError(name)


# ---- the answer's side --------------------------------------------------------------------------------------------

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


class Remote:
    """Something of the answer's that has no copy: a function, a class, an object. It equals only itself."""

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


class Names(dict):
    """The tests' globals. A name that neither they, the prompt nor Python has is looked for in the answer."""

    def __missing__(self, name):
        if hasattr(builtins, name):
            raise KeyError(name)            # and Python goes on to look there
        channel, _ = object.__getattribute__(self["__answer__"], "_at")
        value = channel.ask("get", 0, name)
        if isinstance(value, dict) and "module" in value:   # what the answer imported, but our own copy of it
            return importlib.import_module(name if name in sys.stdlib_module_names else "?")
        return channel.plain(value)


def run(code, names):
    exec(code, names)


def calls_check(tree):
    return any(isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) and getattr(s.value.func, "id", "") == "check"
               for s in tree.body)


def verdict(channel, entry_point, prompt, source, tests):
    try:
        tree = ast.parse(tests)
    except (SyntaxError, ValueError):
        return "cannot"
    names = Names(__name__="tests", __builtins__=builtins, __answer__=channel.find(0))
    try:
        if entry_point:                     # the prompt's helpers and imports: the tests' own copy
            run(compile(prompt, "prompt", "exec", dont_inherit=True), names)
    except Exception:
        pass                                # a prompt in words
    try:
        channel.ask("load", 0, source.hex())
        if entry_point:
            names[entry_point] = channel.plain(channel.ask("get", 0, entry_point))
        run(compile(tree, "tests", "exec", dont_inherit=True), names)
        if "check" in names and entry_point and not calls_check(tree):
            names["check"](names[entry_point])
    except CannotTravel:
        return "cannot"
    except BaseException:
        return "fail"
    if channel.lost:
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
