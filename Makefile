# codeai-metrics: shared-memory Prometheus metrics for multi-process servers.
# "make help" lists the targets.

PREFIX	?= /usr/local
BINDIR	?= $(PREFIX)/bin
LIBDIR	?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR	?= $(PREFIX)/share/man
DATADIR	?= $(PREFIX)/share/codeai-metrics
COMPLETIONS ?= $(PREFIX)/share/bash-completion/completions
ZSH	?= $(PREFIX)/share/zsh/site-functions
FISH	?= $(PREFIX)/share/fish/vendor_completions.d
SYSTEMD	?= $(PREFIX)/lib/systemd/system
SYSUSERS ?= $(PREFIX)/lib/sysusers.d
TMPFILES ?= $(PREFIX)/lib/tmpfiles.d
DOCDIR	?= $(PREFIX)/share/doc/codeai-metrics
DESTDIR	?=

CC	?= cc
CXX	?= c++
CFLAGS	?= -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
# A frame that is larger than a guard page is probed, whoever chooses CFLAGS.
STACK	= -fstack-clash-protection -Wframe-larger-than=4608
LDFLAGS	?= -Wl,-z,relro,-z,now
WARN	= -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wno-format-truncation $(WERROR)
B	?= build
V	?= 0
Q	= $(if $(filter 1,$V),,@)
SAY	= $(if $Q,@printf '  %-5s %s\n',@:)

# The version stands in one header.  SOVERSION changes with the ABI, which
# tests/check/abi holds against a list.
number	= $(shell sed -n 's/^\#define CMX_VERSION_$1 *//p' \
	include/codeai/metrics_base.h)
VERSION	:= $(call number,MAJOR).$(call number,MINOR).$(call number,PATCH)
SOVERSION = 0
SONAME	= libcodeai-metrics.so.$(SOVERSION)
SOFILE	= $(SONAME).$(call number,MINOR).$(call number,PATCH)

# Only what needs a package asks for it: "make deps" must run without any.
PKG	= $(shell pkg-config --cflags $1)
PKGLIBS	= $(shell pkg-config --libs $1)
LIB_LIBS = $(call PKGLIBS,libbsd jansson) -lm

CPPFLAGS += -Iinclude -D_GNU_SOURCE -MMD -MP
COMPILE	= $(CC) -std=gnu11 $(CPPFLAGS) $(WARN) $(CFLAGS) $(SAN)
LIB_COMPILE = $(COMPILE) -Ilib -DCMX_NO_INLINE -fPIC -fvisibility=hidden \
	-ftls-model=initial-exec $(if $(SAN),,$(STACK))
LINK	= $(CC) $(CFLAGS) $(SAN) $(LDFLAGS)

LIB_SRC	= $(sort $(wildcard lib/*/*.c lib/*/*.S))
LIB_OBJ	= $(LIB_SRC:%=$B/%.o)
SO_OBJ	= $(LIB_OBJ:$B/lib/write/hot.c.o=$B/lib/write/hot.so.o)
LIB	= $B/libcodeai-metrics.a
SO	= $B/$(SONAME)
# The same with the contracts of base/require.h, for the unit tests.
CHECKED	= $B/checked/libcodeai-metrics.a
CLI	= $B/codeai-metrics
DAEMON	= $B/codeai-metricsd
objects	= $(patsubst %,$B/%.o,$(sort \
	$(wildcard cmd/$1/*.c cmd/$1/*/*.c cmd/$1/*/*.S)))
HEADERS	= $(sort $(wildcard include/codeai/*.h))
PRIVATE	= $(sort $(wildcard include/codeai/private/*.h))
MAN	= $(sort $(wildcard man/*.[1-8]))
DEPLOY	= cmd/codeai-metricsd/deploy
EXAMPLES = $(sort $(wildcard $(DEPLOY)/examples/*))

programs = $(patsubst $1/%.c,$B/tests/%,$(wildcard $1/$2.c))
UNIT	= $(call programs,tests/unit,test_*) $B/tests/test_hot_called
TORTURE	= $(filter-out %/plugin %/fault,$(call programs,tests/torture,*))
MODEL	= $B/tests/model
TOOLS	= $(TORTURE) $(MODEL) $B/tests/prefork $B/tests/server $B/tests/pool \
	$B/tests/series $B/tests/libpq $B/tests/plugin.so $B/tests/fault.so $B/tests/numbers

.DELETE_ON_ERROR:

.PHONY: all
all: $(LIB) $(SO) $(CLI) $(DAEMON) ## library and programs

# Library

$B/lib/%.c.o: lib/%.c
	@mkdir -p $(@D)
	$(SAY) CC $<
	$Q$(LIB_COMPILE) -c -o $@ $<

# The shared library is never unmapped, and its sections may rely on it.
$B/lib/write/hot.so.o: lib/write/hot.c
	@mkdir -p $(@D)
	$(SAY) CC '$< (shared)'
	$Q$(LIB_COMPILE) -DCMX_STAYS_LOADED -c -o $@ $<

$B/checked/lib/%.c.o: lib/%.c
	@mkdir -p $(@D)
	$(SAY) CC '$< (checked)'
	$Q$(LIB_COMPILE) -DCMXI_CHECKED -c -o $@ $<

$B/lib/%.S.o: lib/%.S lib/schema/codeai.schema.json
	@mkdir -p $(@D)
	$(SAY) AS $<
	$Q$(CC) -c -o $@ $<

$B/checked/lib/%.S.o: $B/lib/%.S.o
	@mkdir -p $(@D)
	$Qcp $< $@

$(LIB): $(LIB_OBJ)
$(CHECKED): $(LIB_SRC:%=$B/checked/%.o)
$(LIB) $(CHECKED):
	$(SAY) AR $@
	$Qrm -f $@ && $(AR) rcs $@ $^

# nodelete: the kernel may look at a section of ours after dlclose().
$(SO): $(SO_OBJ) lib/libcodeai-metrics.map
	$(SAY) LD $@
	$Q$(LINK) -shared -Wl,-soname,$(SONAME) -Wl,-z,nodelete \
	    -Wl,--version-script=lib/libcodeai-metrics.map -o $@ $(SO_OBJ) \
	    $(LIB_LIBS)
	$Qln -sf $(SONAME) $B/libcodeai-metrics.so

# Programs

$B/cmd/%.c.o: cmd/%.c
	@mkdir -p $(@D)
	$(SAY) CC $<
	$Q$(COMPILE) -Icmd -fPIE -c -o $@ $<

# The files of the page at /.
PAGE	= $(wildcard cmd/codeai-metricsd/live/page/*)
$B/cmd/%.S.o: cmd/%.S $(PAGE)
	@mkdir -p $(@D)
	$(SAY) AS $<
	$Q$(CC) -c -o $@ $<

$(CLI): USES = ncursesw
$(CLI): $(call objects,codeai-metrics) $(call objects,watch) $(LIB)
$(DAEMON): $(call objects,codeai-metricsd) $(call objects,watch) $(LIB)
$(DAEMON): USES = libmicrohttpd libdeflate gnutls yaml-0.1 libcrypt
$(CLI) $(DAEMON):
	$(SAY) LD $@
	$Q$(LINK) -pie -pthread -o $@ $^ $(LIB_LIBS) \
	    $(if $(USES),$(call PKGLIBS,$(USES)))

# Tests: a program of one file each; USES are packages.

define test-program
	@mkdir -p $(@D)
	$(SAY) TEST $@
	$Q$(COMPILE) $(TEST_FLAGS) $(if $(USES),$(call PKG,$(USES))) -pthread \
	    -o $@ $< $(filter %.o,$^) $(filter %.a,$^) $(if $(USES),$(call PKGLIBS,$(USES))) \
	    $(LIB_LIBS)
endef

$(UNIT) $B/tests/libpq: TEST_FLAGS = -Ilib -Itests/support -DCMXI_CHECKED
$B/tests/test_hot_called: TEST_FLAGS += -DCMX_NO_INLINE
$(UNIT): USES = cmocka
# What the adapters adapt.
$B/tests/test_sqlite3: USES = cmocka sqlite3
$B/tests/test_microhttpd: USES = cmocka libmicrohttpd
$B/tests/libpq: USES = cmocka libpq
$B/tests/prefork $B/tests/server $B/tests/pool: USES = libmicrohttpd sqlite3

# A part of the daemon.
SANDBOX	= $(addprefix $B/cmd/codeai-metricsd/,sandbox.c.o syscall_filter.c.o \
	log.c.o clock.c.o)
$B/tests/test_sandbox: TEST_FLAGS += -Icmd/codeai-metricsd
$B/tests/test_sandbox: $(SANDBOX)

$B/tests/test_tally: TEST_FLAGS += -Icmd
$B/tests/test_tally: $(call objects,watch)

SUPPORT	= tests/support/test.h tests/support/metrics.h
$B/tests/test_hot_called: tests/unit/test_hot.c $(SUPPORT) $(CHECKED)
	$(test-program)
$B/tests/test_%: tests/unit/test_%.c $(SUPPORT) $(CHECKED)
	$(test-program)
$B/tests/libpq: tests/integration/libpq.c $(SUPPORT) $(CHECKED)
	$(test-program)
$B/tests/prefork: tests/demo/prefork.c $(LIB)
	$(test-program)
$B/tests/series: tests/integration/series.c $(LIB)
	$(test-program)
$B/tests/%: tests/examples/%.c $(LIB)
	$(test-program)
# All of the library: the debuggers among them look for its functions.
$(TORTURE): TEST_FLAGS = -Ilib -rdynamic -Wl,--whole-archive $(LIB) \
	-Wl,--no-whole-archive
LINT	= $(patsubst %,$B/%.o,$(wildcard cmd/codeai-metrics/lint/*.c))
$B/tests/bitflips: TEST_FLAGS = -Ilib -Icmd/codeai-metrics -Itests/support
$B/tests/bitflips: $(LINT)
$B/tests/%: tests/torture/%.c tests/torture/common.h $(LIB)
	$(test-program)

$B/tests/%.so: tests/torture/%.c
	@mkdir -p $(@D)
	$(SAY) TEST $@
	$Q$(COMPILE) -fPIC -shared -o $@ $<

$B/tests/numbers: tests/torture/numbers.cc $(LIB)
	@mkdir -p $(@D)
	$(SAY) TEST $@
	$Q$(CXX) -std=c++17 -Ilib $(CFLAGS) $(SAN) -Wall -Wextra -o $@ $< \
	    $(LIB) $(LIB_LIBS)

# The model of tests/model: the library compiled as for ThreadSanitizer, whose
# functions the model has, with its calls of the kernel renamed.
MODEL_FLAGS = -O2 -g -fno-builtin -fno-pie -fno-stack-protector \
	-U_FORTIFY_SOURCE -D__thread= -DCMX_NO_INLINE -DCMX_NO_RSEQ -DCMXI_MODEL
MODEL_LIB = $(filter %.c.o,$(LIB_SRC:%=$B/model/%.o))
MODEL_OBJ = $(patsubst %,$B/model/%.o,$(sort \
	$(wildcard tests/model/*.c tests/model/scenario/*.c)))

$B/model/lib/%.c.o: lib/%.c
	@mkdir -p $(@D)
	$(SAY) CC '$< (model)'
	$Q$(CC) -std=gnu11 $(CPPFLAGS) $(MODEL_FLAGS) -Ilib -fsanitize=thread \
	    --param tsan-instrument-func-entry-exit=0 -Wno-tsan \
	    -Wno-attributes -c -o $@ $<

$B/model/library.o: $(MODEL_LIB) $B/lib/schema/codeai_schema.S.o \
    tests/model/symbols
	$(SAY) LD $@
	$Qld -r -o $@ $(MODEL_LIB) $B/lib/schema/codeai_schema.S.o
	$Qobjcopy --redefine-syms=tests/model/symbols \
	    --rename-section .data=library_data \
	    --rename-section .bss=library_bss $@

$B/model/tests/%.c.o: tests/%.c
	@mkdir -p $(@D)
	$(SAY) CC $<
	$Q$(CC) -std=gnu11 $(CPPFLAGS) $(WARN) -O2 -g -fno-pie -Ilib \
	    -DCMX_NO_INLINE -DCMX_NO_RSEQ -c -o $@ $<

$(MODEL): $(MODEL_OBJ) $B/model/library.o
	@mkdir -p $(@D)
	$(SAY) LD $@
	$Q$(CC) -no-pie -o $@ $^ $(LIB_LIBS)

# The fuzzers of tests/fuzz: the library and parts of the programs by clang.
FUZZ	= $(patsubst tests/fuzz/%.c,$B/fuzz/%,$(wildcard tests/fuzz/*.c))
FUZZ_COMPILE = clang -std=gnu11 $(CPPFLAGS) -O1 -g -Ilib -Icmd -DCMX_NO_INLINE \
	-fno-omit-frame-pointer -fno-sanitize-recover=undefined
FUZZ_LIB = $(filter-out %codeai_schema.S.o,$(LIB_SRC:%=$B/fuzz/%.o)) \
	$B/lib/schema/codeai_schema.S.o
fuzz-cmd = $(addprefix $B/fuzz/cmd/,$(addsuffix .c.o,$1))
$B/fuzz/exposition $B/fuzz/segment: $(patsubst %,$B/fuzz/%.o,$(wildcard \
	cmd/codeai-metrics/lint/*.c))
$B/fuzz/series: $(call fuzz-cmd,codeai-metrics/arguments \
	codeai-metrics/identifier codeai-metrics/selector \
	codeai-metrics/expression watch/series_key watch/groups)
$B/fuzz/request: $(patsubst %,$B/fuzz/%.o,$(filter-out %/main.c,$(wildcard \
	cmd/watch/*.c cmd/codeai-metricsd/*.c cmd/codeai-metricsd/*/*.c))) \
	$B/cmd/codeai-metricsd/live/page.S.o
$B/fuzz/webconfig: $(patsubst %,$B/fuzz/%.o,$(wildcard \
	cmd/codeai-metricsd/web/*.c)) $(call fuzz-cmd,codeai-metricsd/log \
	codeai-metricsd/clock)
$B/fuzz/webconfig: USES = gnutls yaml-0.1 libcrypt
$B/fuzz/request: USES = libmicrohttpd libdeflate gnutls yaml-0.1 libcrypt

$B/fuzz/%.c.o: %.c
	@mkdir -p $(@D)
	$(SAY) FUZZ $<
	$Q$(FUZZ_COMPILE) -fsanitize=fuzzer-no-link,address,undefined \
	    -c -o $@ $<

$B/fuzz/libcodeai-metrics.a: $(FUZZ_LIB)
	$(SAY) AR $@
	$Qrm -f $@ && $(AR) rcs $@ $^

$B/fuzz/%: tests/fuzz/%.c $B/fuzz/libcodeai-metrics.a
	$(SAY) FUZZ $@
	$Q$(FUZZ_COMPILE) -fsanitize=fuzzer,address,undefined \
	    -Icmd/codeai-metrics -Icmd/codeai-metricsd \
	    -Itests/support -MF $@.d -o $@ $< \
	    $(filter %.o,$^) $(filter %.a,$^) -pthread $(LIB_LIBS) \
	    $(if $(USES),$(call PKGLIBS,$(USES)))

.PHONY: fuzz fuzzers
fuzzers: $(FUZZ)
fuzz: ## what reads strangers' bytes, fuzzed: F=segment SECONDS=60
	@tests/support/deps fuzz
	@$(MAKE) --no-print-directory -j2 $(if $F,$B/fuzz/$F,$(FUZZ))
	@B=$B FUZZ_SECONDS='$(SECONDS)' tests/fuzz/run $(F)

.PHONY: build-tests
build-tests: all $(UNIT) $(TOOLS)

.PHONY: check
check: deps ## install what is missing, build, run all tests
	@$(MAKE) --no-print-directory build-tests
	@B=$B tests/run $(T)

.PHONY: check-asan
check-asan: ## the tests under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory B=build/asan build-tests \
	    CFLAGS="-O1 -g -fno-omit-frame-pointer" \
	    SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
	@B=build/asan SANITIZED=1 tests/run $(or $(T),unit cli integration)

.PHONY: check-valgrind
check-valgrind: build-tests ## the unit tests under valgrind
	@B=$B VALGRIND=1 tests/run $(or $(T),unit)

.PHONY: check-compilers
check-compilers: ## no warning by gcc, clang and gcc for arm64
	@tests/support/deps compilers
	@tests/support/compilers

.PHONY: check-kernel
check-kernel: build-tests ## the tests on Debian 12's own kernel, under qemu
	@B=$B tests/kernel/run

.PHONY: torture
torture: build-tests ## the long storms: kills, reads, lives, death at every step
	@B=$B LONG=1 tests/integration/torture
	@B=$B LONG=1 tests/integration/lives
	@B=$B LONG=1 tests/integration/enemy
	@B=$B LONG=1 tests/integration/faults

.PHONY: coverage
coverage: build-tests ## the lines and branches of segment/, write/ and read/ that tests run
	@tests/support/coverage

.PHONY: soak
soak: build-tests ## workers, kills, applies and scrapes without a pause: MINUTES=60
	@B=$B MINUTES=$(or $(MINUTES),60) tests/integration/soak

.PHONY: model
model: $(MODEL) ## every schedule of the real code: S=name BOUND= KILLS= WEAK= MODE=dpor
	@S='$(S)' BOUND='$(BOUND)' KILLS='$(KILLS)' WEAK='$(WEAK)' \
	    MODE='$(MODE)' SECONDS='$(SECONDS)' REPLAY='$(REPLAY)' $(MODEL)

.PHONY: mutants
mutants: build-tests ## break the code in each of many places, and see a test fail
	@tests/mutants/run $(M)

.PHONY: lint
lint: all $(CHECKED) $(MODEL) ## the guards: rooms, guarantees, pairs, ABI, exports, format, man
	@B=$B tests/run lint

.PHONY: format
format: ## let clang-format have its way
	clang-format -i $$(git ls-files '*.c' '*.h')

.PHONY: man-lint
man-lint: all ## mandoc's opinion of the manual
	@B=$B tests/check/man

.PHONY: abi
abi: all ## write the list of the ABI anew, after a decision
	@B=$B ABI_UPDATE=1 tests/check/abi
	@B=$B ABI_UPDATE=1 tests/check/exports

.PHONY: bench bench-quick bench-scrape bench-kit bench-processes bench-web bench-eyes
bench: all ## measure this library beside its peers
	@B=$B tests/bench/run
bench-quick: all ## the same in less than a minute
	@B=$B QUICK=1 tests/bench/run
bench-scrape: all ## scrapes of 10^3 to 10^6 series in each format, beside client_golang
	@B=$B tests/bench/run-scrape
bench-processes: all ## what the next process pays beside 0 to 2,000 live ones
	@B=$B tests/bench/run-processes
bench-web: all ## scrapes over TLS and with a password, beside node_exporter
	@B=$B tests/bench/run-web
bench-eyes: all $B/tests/series ## what looking costs at 100,000 series: the page, top, varnishstat
	@B=$B tests/bench/run-eyes
bench-kit: all ## what the adapters cost a server and a database
	@B=$B tests/bench/run-kit

.PHONY: demo
demo: deps ## a prefork server under load, scraped by a real Prometheus
	@$(MAKE) --no-print-directory all $B/tests/prefork
	@B=$B KEEP=$(KEEP) tests/demo/run

.PHONY: deps build-deps
deps: ## install the packages of build, tests and demo (as root; else say which)
	@tests/support/deps
build-deps: ## install only what "make" and "make install" need
	@tests/support/deps build

# Installation

.PHONY: install
install: all ## into $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(LIBDIR)/pkgconfig \
	    $(DESTDIR)$(INCLUDEDIR)/codeai/private $(DESTDIR)$(DATADIR)
	install -m 755 $(CLI) $(DAEMON) $(DESTDIR)$(BINDIR)
	install -m 644 $(LIB) $(DESTDIR)$(LIBDIR)
	install -m 755 $(SO) $(DESTDIR)$(LIBDIR)/$(SOFILE)
	ln -sf $(SOFILE) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libcodeai-metrics.so
	sed -e 's|@PREFIX@|$(PREFIX)|; s|@INCLUDEDIR@|$(INCLUDEDIR)|' \
	    -e 's|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' \
	    lib/codeai-metrics.pc.in \
	    >$(DESTDIR)$(LIBDIR)/pkgconfig/codeai-metrics.pc
	install -m 644 $(HEADERS) $(DESTDIR)$(INCLUDEDIR)/codeai
	install -m 644 $(PRIVATE) $(DESTDIR)$(INCLUDEDIR)/codeai/private
	install -m 644 lib/schema/codeai.schema.json $(DESTDIR)$(DATADIR)
	$(CLI) rules >$(DESTDIR)$(DATADIR)/codeai.rules.yml
	$(CLI) dashboard >$(DESTDIR)$(DATADIR)/codeai.dashboard.json
	for program in codeai-metrics codeai-metricsd; do \
	    install -D -m 644 cmd/$$program/completion.bash \
		$(DESTDIR)$(COMPLETIONS)/$$program && \
	    install -D -m 644 cmd/$$program/completion.zsh \
		$(DESTDIR)$(ZSH)/_$$program && \
	    install -D -m 644 cmd/$$program/completion.fish \
		$(DESTDIR)$(FISH)/$$program.fish || exit 1; \
	done
	install -d $(DESTDIR)$(SYSTEMD) $(DESTDIR)$(DOCDIR)/examples
	sed 's|@BINDIR@|$(BINDIR)|' $(DEPLOY)/codeai-metricsd.service.in \
	    >$(DESTDIR)$(SYSTEMD)/codeai-metricsd.service
	install -m 644 $(DEPLOY)/codeai-metricsd.socket $(DESTDIR)$(SYSTEMD)
	install -D -m 644 $(DEPLOY)/sysusers.conf \
	    $(DESTDIR)$(SYSUSERS)/codeai-metricsd.conf
	install -D -m 644 $(DEPLOY)/tmpfiles.conf \
	    $(DESTDIR)$(TMPFILES)/codeai-metricsd.conf
	install -m 644 $(EXAMPLES) $(DESTDIR)$(DOCDIR)/examples
	for page in $(MAN); do \
	    install -D -m 644 $$page \
		$(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; \
	done
	[ -n "$(DESTDIR)" ] || [ "$$(id -u)" -ne 0 ] || ldconfig

.PHONY: uninstall
uninstall: ## what install put there
	rm -f $(DESTDIR)$(BINDIR)/codeai-metrics \
	    $(DESTDIR)$(BINDIR)/codeai-metricsd \
	    $(DESTDIR)$(LIBDIR)/libcodeai-metrics.* \
	    $(DESTDIR)$(LIBDIR)/pkgconfig/codeai-metrics.pc \
	    $(HEADERS:include/%=$(DESTDIR)$(INCLUDEDIR)/%) \
	    $(PRIVATE:include/%=$(DESTDIR)$(INCLUDEDIR)/%) \
	    $(DESTDIR)$(COMPLETIONS)/codeai-metrics \
	    $(DESTDIR)$(COMPLETIONS)/codeai-metricsd \
	    $(DESTDIR)$(ZSH)/_codeai-metrics $(DESTDIR)$(ZSH)/_codeai-metricsd \
	    $(DESTDIR)$(FISH)/codeai-metrics.fish \
	    $(DESTDIR)$(FISH)/codeai-metricsd.fish \
	    $(DESTDIR)$(SYSTEMD)/codeai-metricsd.service \
	    $(DESTDIR)$(SYSTEMD)/codeai-metricsd.socket \
	    $(DESTDIR)$(SYSUSERS)/codeai-metricsd.conf \
	    $(DESTDIR)$(TMPFILES)/codeai-metricsd.conf \
	    $(EXAMPLES:$(DEPLOY)/examples/%=$(DESTDIR)$(DOCDIR)/examples/%)
	for page in $(MAN); do \
	    rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}; \
	done
	rm -rf $(DESTDIR)$(DATADIR)
	-rmdir $(DESTDIR)$(DOCDIR)/examples $(DESTDIR)$(DOCDIR)
	-rmdir $(DESTDIR)$(INCLUDEDIR)/codeai/private \
	    $(DESTDIR)$(INCLUDEDIR)/codeai

# Packages: a source tree under build/, with the top level and cmd/debian.
TREE	= $B/deb/codeai-metrics-$(VERSION)
.PHONY: deb
deb: ## packages for Debian, in build/deb
	@tests/support/deps deb
	rm -rf $B/deb && mkdir -p $(TREE)
	cp -a Makefile README.md cmd include lib man tests $(TREE)
	tar -C $B/deb -cJf $B/deb/codeai-metrics_$(VERSION).orig.tar.xz \
	    codeai-metrics-$(VERSION)
	cp -a cmd/debian $(TREE)/debian
	cp $(DEPLOY)/sysusers.conf $(TREE)/debian/codeai-metricsd.sysusers
	cp $(DEPLOY)/tmpfiles.conf $(TREE)/debian/codeai-metricsd.tmpfiles
	cp $(DEPLOY)/default $(TREE)/debian/codeai-metricsd.default
	cd $(TREE) && dpkg-buildpackage -us -uc -j2 $(DEB_FLAGS)

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' \
	    Makefile
	@echo '  variables: PREFIX DESTDIR CC CFLAGS LDFLAGS V=1 KEEP=1 T="unit cli" M=slot'

-include $(wildcard $(addprefix $B/,*/*.d */*/*.d */*/*/*.d */*/*/*/*.d))
