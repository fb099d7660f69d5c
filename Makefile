# midstream: `make demo` and `make test` do all their own set-up (scripts/setup). Everything else is here too.
#   make            the library (static and shared) and the command, under build/release
#   make test       every test, closing with "N passed, N failed"        make asan   the same under sanitizers
#   make demo       SmolLM2 on our own data and recorded answers -> out/demo/report.html
#   make results    the published results anew -> out/paper     make results-small  on a sample -> out/paper-small
#   make bench      speed as ratios against named peers                  make models  also fetch Gemma-3-270M
#   make oracle     our numbers against scikit-learn                     make fuzz    libFuzzer on every parser
#   make install    PREFIX=/usr/local                                    make MPI=1  also mpi/midstream, for mpirun
BUILD  ?= release
OUT    := build/$(BUILD)
.DEFAULT_GOAL := all
CC     := gcc
CXX    := g++
PREFIX ?= /usr/local

ifeq ($(filter clean help,$(MAKECMDGOALS)),)
include build/setup.mk
endif
build/setup.mk: scripts/setup scripts/pins
	@mkdir -p build
	scripts/setup
	@scripts/setup --paths > $@.tmp && mv $@.tmp $@

# Short lines for what is built; V=1 shows the commands.
ifeq ($(V),)
Q := @
say = @echo "  $(1) $(@:build/%=%)"
endif

WARN     := -Wall -Wextra -Wpedantic -Wshadow -Wno-psabi
CPPFLAGS := -D_GNU_SOURCE -Iinclude -Isrc -isystem $(ENGINE)/include -isystem $(YYJSON)
CFLAGS   := -std=c11 -g -fPIC -fvisibility=hidden -ffp-contract=off $(WARN)
ifeq ($(BUILD),asan)
CFLAGS   += -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -DMID_NO_CLONES
LDFLAGS  += -fsanitize=address,undefined
else
CFLAGS   += -O2
endif
ENGINE_LIBS := $(addprefix $(ENGINE)/lib/,libllama.a libggml.a libggml-cpu.a libggml-base.a)
LIBS     := -levent_core -levent_extra -lcurl -lseccomp -lsqlite3 -lyaml -lutf8proc -lstdc++ -lpthread -ldl -lm

LIB_SRC  := $(filter-out src/cli/%,$(wildcard src/*/*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$(OUT)/%.o) $(OUT)/yyjson.o
CLI_OBJ  := $(patsubst %.c,$(OUT)/%.o,$(wildcard src/cli/*.c))
TEST_SRC := $(wildcard tests/*/test_*.c)
TESTS    := $(TEST_SRC:%.c=$(OUT)/%)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ     := $(FUZZ_SRC:%.c=$(OUT)/%)
EXAMPLES := $(patsubst %.c,$(OUT)/%,$(wildcard examples/*.c))
PLUGINS  := $(patsubst %.c,$(OUT)/%.so,$(wildcard examples/plugin/*_monitor.c tests/plugin/*_monitor.c))

all: $(OUT)/libmidstream.a $(OUT)/libmidstream.so $(OUT)/midstream

# The command once more, for mpirun, where there is an MPI (docs/scale.md).
ifneq ($(filter-out 0,$(MPI)),)
ifeq ($(shell command -v mpicc),)
$(info MPI=1: no mpicc here, so mpi/midstream is not built; scripts/setup mpi gets Open MPI)
else
all: $(OUT)/mpi/midstream
endif
endif
$(OUT)/mpi/mpi.o: src/cli/mpi.c build/setup.mk Makefile
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)OMPI_CC=$(CC) mpicc $(CPPFLAGS) $(CFLAGS) -DMID_MPI -MMD -MP -c $< -o $@
$(OUT)/mpi/midstream: $(OUT)/mpi/mpi.o $(filter-out %/mpi.o,$(CLI_OBJ)) $(OUT)/libmidstream.a
	$(call say,LD)
	$(Q)OMPI_CXX=$(CXX) mpicxx $(LDFLAGS) -o $@ $^ $(ENGINE_LIBS) $(LIBS)

$(OUT)/%.o: %.c build/setup.mk Makefile
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@
# fused multiply-add where rows of logits are summed: the only place where its speed is worth another last digit
$(OUT)/src/signal/softmax.o $(OUT)/src/signal/spread.o: CFLAGS += -ffp-contract=fast
# the engine's release and build, as the folder it lies in is called: another one gives other last digits
$(OUT)/src/source/engine.o: CPPFLAGS += -DMID_ENGINE='"$(notdir $(ENGINE))"'
# where an installed command finds the data that `make install` puts there
$(OUT)/src/cli/work.o: CPPFLAGS += -DMID_DATA_DIR='"$(PREFIX)/share/midstream"'
$(OUT)/yyjson.o: $(YYJSON)/yyjson.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -w -c $< -o $@
$(OUT)/libmidstream.a: $(LIB_OBJ)
	$(call say,AR)
	$(Q)rm -f $@ && ar rcs $@ $^
$(OUT)/libmidstream.so: $(LIB_OBJ) src/midstream.map
	$(call say,LD)
	$(Q)$(CXX) -shared $(LDFLAGS) -Wl,-soname,libmidstream.so.0 -Wl,--version-script,src/midstream.map -o $@ $(LIB_OBJ) \
		$(ENGINE_LIBS) $(LIBS)
$(OUT)/midstream: $(CLI_OBJ) $(OUT)/libmidstream.a
	$(call say,LD)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(ENGINE_LIBS) $(LIBS)
$(OUT)/tests/fuzz/%: $(OUT)/tests/fuzz/%.o $(OUT)/tests/fuzz/replay.o $(OUT)/libmidstream.a
	$(call say,LD)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(ENGINE_LIBS) $(LIBS)
$(OUT)/tests/oracle/%: $(OUT)/tests/oracle/%.o $(OUT)/libmidstream.a
	$(call say,LD)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(ENGINE_LIBS) $(LIBS)
$(OUT)/tests/%: $(OUT)/tests/%.o $(OUT)/tests/test.o $(OUT)/libmidstream.a
	$(call say,LD)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(ENGINE_LIBS) $(LIBS) -lcmocka
$(OUT)/examples/%: $(OUT)/examples/%.o $(OUT)/libmidstream.a
	$(call say,LD)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(ENGINE_LIBS) $(LIBS)
$(OUT)/bench/%: $(OUT)/bench/%.o $(OUT)/libmidstream.a
	$(call say,LD)
	$(Q)$(CXX) $(LDFLAGS) -o $@ $^ $(ENGINE_LIBS) $(LIBS)
$(OUT)/tests/%.o: CPPFLAGS += -Itests
# Plug-ins, built as docs/plugins.md says. What runs them lets them call the library.
$(PLUGINS): $(OUT)/%.so: %.c $(wildcard include/midstream/*.h)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -shared -o $@ $<
$(OUT)/tests/plugin/test_plugin: | $(PLUGINS)
$(OUT)/midstream $(OUT)/mpi/midstream $(OUT)/tests/plugin/test_plugin: LDFLAGS += -Wl,--export-dynamic-symbol='mid_[a-z]*'
# no monitor may ask for memory while tokens come
$(OUT)/tests/monitor/test_contract: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
.SECONDARY:

# Objects build in parallel whatever -j says: a fresh machine should not wait for one core.
PARALLEL := $(MAKE) -j$(shell nproc) --no-print-directory

test:
	@$(PARALLEL) all tests examples
	@OUT=$(OUT) MODEL=$(MODEL) ENGINE=$(ENGINE) scripts/run-tests
asan:
	@$(PARALLEL) BUILD=asan tests
	@OUT=build/asan MODEL=$(MODEL) ENGINE=$(ENGINE) scripts/run-tests --programs
tests: $(TESTS) $(FUZZ)
examples: $(EXAMPLES)

demo demo-short: build/setup.mk
	@$(PARALLEL) all
	@$(OUT)/midstream run plans/$@.yaml --out out/$@
	@echo "open out/$@/report.html"

# The published results, all tables and the public report, into out/paper; on a sample of the answers: out/paper-small.
results results-small: build/setup.mk
	scripts/setup gemma
	@$(PARALLEL) all
	@OUT=$(OUT) scripts/results plans/$(patsubst results%,paper%,$@).yaml out/$(patsubst results%,paper%,$@)

models: build/setup.mk
	scripts/setup gemma
oracle: all
	@$(PARALLEL) $(patsubst %.c,$(OUT)/%,$(wildcard tests/oracle/*.c))
	scripts/setup oracle
	OUT=$(OUT) scripts/run-oracle
bench: all
	@$(PARALLEL) $(patsubst %.c,$(OUT)/%,$(wildcard bench/*.c))
	scripts/setup oracle peers
	OUT=$(OUT) MODEL=$(MODEL) ENGINE=$(ENGINE) bench/run
fuzz: build/setup.mk
	scripts/fuzz

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/midstream
	install -d $(DESTDIR)$(PREFIX)/share/midstream && cp -R data/* $(DESTDIR)$(PREFIX)/share/midstream/
	install -m 755 $(OUT)/midstream $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(OUT)/libmidstream.a $(DESTDIR)$(PREFIX)/lib/
	install -m 755 $(OUT)/libmidstream.so $(DESTDIR)$(PREFIX)/lib/libmidstream.so.0
	ln -sf libmidstream.so.0 $(DESTDIR)$(PREFIX)/lib/libmidstream.so
	install -m 644 include/midstream.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 include/midstream/*.h $(DESTDIR)$(PREFIX)/include/midstream/
	sed -e 's|@PREFIX@|$(PREFIX)|' -e "s|@VERSION@|$$($(OUT)/midstream --version | sed 's/.* //')|" \
		scripts/midstream.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/midstream.pc

clean:
	rm -rf build
.PHONY: all test asan tests examples demo demo-short results results-small models oracle bench fuzz install clean

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(TESTS:=.d) $(FUZZ:=.d) $(EXAMPLES:=.d)
-include $(wildcard $(OUT)/mpi/*.d $(OUT)/bench/*.d $(OUT)/tests/oracle/*.d)
