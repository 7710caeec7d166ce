# codeai-metrics: shared-memory Prometheus metrics for multi-process servers.
# "make help" lists the targets.

PREFIX	?= /usr/local
BINDIR	?= $(PREFIX)/bin
SBINDIR	?= $(PREFIX)/sbin
LIBDIR	?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR	?= $(PREFIX)/share/man
DATADIR	?= $(PREFIX)/share/codeai-metrics
COMPLETIONS ?= $(PREFIX)/share/bash-completion/completions
DESTDIR	?=

CC	?= cc
CXX	?= c++
CFLAGS	?= -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
LDFLAGS	?= -Wl,-z,relro,-z,now
WARN	= -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wcast-qual -Wwrite-strings \
	-Wno-format-truncation $(WERROR)
B	?= build
V	?= 0
Q	= $(if $(filter 1,$V),,@)

VERSION	= 0.1.0
SONAME	= libcodeai-metrics.so.0

# Only what needs a package asks for it: "make deps" must run without any.
PKG	= $(shell pkg-config --cflags $1)
PKGLIBS	= $(shell pkg-config --libs $1)
LIB_LIBS = $(call PKGLIBS,libbsd jansson) -lm

CPPFLAGS += -Iinclude -Ilib -D_GNU_SOURCE -MMD -MP
COMPILE	= $(CC) -std=gnu11 $(CPPFLAGS) $(WARN) $(CFLAGS) $(SAN)
LINK	= $(CC) $(CFLAGS) $(SAN) $(LDFLAGS)

LIB_SRC	= $(sort $(wildcard lib/*/*.c lib/*/*.S))
LIB_OBJ	= $(addprefix $B/,$(addsuffix .o,$(LIB_SRC)))
SO_OBJ	= $(LIB_OBJ:$B/lib/write/hot.c.o=$B/lib/write/hot.so.o)
LIB	= $B/libcodeai-metrics.a
# The same with the contracts of base/require.h, for the unit tests.
CHECKED_OBJ = $(LIB_OBJ:$B/lib/%=$B/checked/lib/%)
CHECKED	= $B/checked/libcodeai-metrics.a
SO	= $B/$(SONAME)
CLI_OBJ	= $(patsubst %,$B/%.o,$(sort $(wildcard cmd/codeai-metrics/*.c cmd/codeai-metrics/*/*.c)))
DAEMON_OBJ = $(patsubst %,$B/%.o,$(sort $(wildcard cmd/codeai-metricsd/*.c)))
CLI	= $B/codeai-metrics
DAEMON	= $B/codeai-metricsd
HEADERS	= $(sort $(wildcard include/codeai/*.h))
MAN	= $(sort $(wildcard man/*.[1-8]))

UNIT	= $(patsubst tests/unit/%.c,$B/tests/%,$(wildcard tests/unit/test_*.c)) \
	$B/tests/test_hot_called
TOOLS	= $B/tests/prefork $B/tests/server $B/tests/pool $B/tests/libpq \
	$B/tests/plugin.so $B/tests/numbers \
	$(patsubst \
	tests/torture/%.c,$B/tests/%,$(filter-out %/plugin.c,\
	$(wildcard tests/torture/*.c)))

.PHONY: all
all: $(LIB) $(SO) $(CLI) $(DAEMON) ## library and programs

$B/lib/%.c.o: lib/%.c
	@mkdir -p $(@D)
	$(if $Q,@echo "  CC    $<")
	$Q$(COMPILE) -DCMX_NO_INLINE -fPIC -fvisibility=hidden \
	    -ftls-model=initial-exec -c -o $@ $<

$B/checked/lib/%.c.o: lib/%.c
	@mkdir -p $(@D)
	$(if $Q,@echo "  CC    $< (checked)")
	$Q$(COMPILE) -DCMXI_CHECKED -DCMX_NO_INLINE -fPIC \
	    -fvisibility=hidden -ftls-model=initial-exec -c -o $@ $<

$B/checked/lib/%.S.o: $B/lib/%.S.o
	@mkdir -p $(@D)
	$Qcp $< $@

# The shared library is never unmapped, and its sections may rely on it.
$B/lib/write/hot.so.o: lib/write/hot.c
	$(if $Q,@echo "  CC    $< (shared)")
	$Q$(COMPILE) -DCMX_NO_INLINE -DCMX_STAYS_LOADED -fPIC \
	    -fvisibility=hidden -ftls-model=initial-exec -c -o $@ $<

$B/lib/%.S.o: lib/%.S lib/schema/codeai.schema.json
	@mkdir -p $(@D)
	$(if $Q,@echo "  AS    $<")
	$Q$(CC) -c -o $@ $<

$B/cmd/%.c.o: cmd/%.c
	@mkdir -p $(@D)
	$(if $Q,@echo "  CC    $<")
	$Q$(filter-out -Ilib,$(COMPILE)) -fPIE -c -o $@ $<

$(LIB): $(LIB_OBJ)
$(CHECKED): $(CHECKED_OBJ)
$(LIB) $(CHECKED):
	$(if $Q,@echo "  AR    $@")
	$Qrm -f $@ && $(AR) rcs $@ $^

# nodelete: the kernel may look at a section of ours after dlclose().
$(SO): $(SO_OBJ) lib/libcodeai-metrics.map
	$(if $Q,@echo "  LD    $@")
	$Q$(LINK) -shared -Wl,-soname,$(SONAME) -Wl,-z,nodelete \
	    -Wl,--version-script=lib/libcodeai-metrics.map -o $@ $(SO_OBJ) \
	    $(LIB_LIBS)
	$Qln -sf $(SONAME) $B/libcodeai-metrics.so

$(CLI): $(CLI_OBJ) $(LIB)
	$(if $Q,@echo "  LD    $@")
	$Q$(LINK) -pie -o $@ $^ $(LIB_LIBS)

$(DAEMON): $(DAEMON_OBJ) $(LIB)
	$(if $Q,@echo "  LD    $@")
	$Q$(LINK) -pie -pthread -o $@ $^ $(LIB_LIBS) \
	    $(call PKGLIBS,libmicrohttpd libdeflate)

# Tests

$B/tests/test_%: tests/unit/test_%.c tests/support/test.h tests/support/metrics.h $(CHECKED)
	@mkdir -p $(@D)
	$(if $Q,@echo "  TEST  $@")
	$Q$(COMPILE) -DCMXI_CHECKED -Itests/support -pthread -o $@ $< $(CHECKED) \
	    $(call PKGLIBS,cmocka $(NEEDS)) $(LIB_LIBS)

# What the adapters adapt.
$B/tests/test_sqlite3: NEEDS = sqlite3
$B/tests/test_microhttpd: NEEDS = libmicrohttpd

# The same updates, not inlined.
$B/tests/test_hot_called: tests/unit/test_hot.c tests/support/metrics.h $(CHECKED)
	@mkdir -p $(@D)
	$(if $Q,@echo "  TEST  $@")
	$Q$(COMPILE) -DCMXI_CHECKED -DCMX_NO_INLINE -Itests/support -pthread \
	    -o $@ $< $(CHECKED) $(call PKGLIBS,cmocka) $(LIB_LIBS)

$B/tests/prefork: tests/demo/prefork.c $(LIB)
	@mkdir -p $(@D)
	$(if $Q,@echo "  TEST  $@")
	$Q$(COMPILE) -o $@ $< $(LIB) $(LIB_LIBS) $(call PKGLIBS,sqlite3)

$B/tests/%: tests/examples/%.c $(LIB)
	@mkdir -p $(@D)
	$(if $Q,@echo "  TEST  $@")
	$Q$(COMPILE) -o $@ $< $(LIB) $(LIB_LIBS) \
	    $(call PKGLIBS,libmicrohttpd sqlite3)

$B/tests/libpq: tests/integration/libpq.c tests/support/metrics.h $(LIB)
	@mkdir -p $(@D)
	$(if $Q,@echo "  TEST  $@")
	$Q$(COMPILE) $(call PKG,libpq) -Itests/support -o $@ $< $(LIB) \
	    $(call PKGLIBS,libpq cmocka) $(LIB_LIBS)

$B/tests/plugin.so: tests/torture/plugin.c
	@mkdir -p $(@D)
	$(if $Q,@echo "  TEST  $@")
	$Q$(COMPILE) -fPIC -shared -o $@ $<

$B/tests/numbers: tests/torture/numbers.cc $(LIB)
	@mkdir -p $(@D)
	$(if $Q,@echo "  TEST  $@")
	$Q$(CXX) -std=c++17 -Ilib $(CFLAGS) $(SAN) -Wall -Wextra -o $@ $< \
	    $(LIB) $(LIB_LIBS)

$B/tests/%: tests/torture/%.c tests/torture/common.h $(LIB)
	@mkdir -p $(@D)
	$(if $Q,@echo "  TEST  $@")
	$Q$(COMPILE) -pthread -rdynamic -o $@ $< \
	    -Wl,--whole-archive $(LIB) -Wl,--no-whole-archive $(LIB_LIBS)

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

.PHONY: torture
torture: build-tests ## the long storms: kills, reads, lives, death at every step
	@B=$B LONG=1 tests/integration/torture
	@B=$B LONG=1 tests/integration/lives

.PHONY: mutants
mutants: build-tests ## break the code in each of many places, and see a test fail
	@tests/mutants/run $(M)

.PHONY: check-valgrind
check-valgrind: build-tests ## the unit tests under valgrind
	@B=$B VALGRIND=1 tests/run $(or $(T),unit)

.PHONY: lint
lint: ## the guards: layers, atomics, exports, headers, sizes, format, man
	@B=$B tests/run lint

.PHONY: format
format: ## let clang-format have its way
	clang-format -i $$(git ls-files '*.c' '*.h')

.PHONY: man-lint
man-lint: ## mandoc's opinion of the manual
	@tests/check/man

.PHONY: bench
bench: all ## measure this library beside its peers
	@B=$B tests/bench/run

.PHONY: bench-quick
bench-quick: all ## the same in less than a minute
	@B=$B QUICK=1 tests/bench/run

.PHONY: bench-scrape
bench-scrape: all ## scrapes of 10^3 to 10^6 series in each format, beside client_golang
	@B=$B tests/bench/run-scrape

.PHONY: bench-kit
bench-kit: all ## what the adapters cost a server and a database
	@B=$B tests/bench/run-kit

.PHONY: demo
demo: deps ## a prefork server under load, scraped by a real Prometheus
	@$(MAKE) --no-print-directory all $B/tests/prefork
	@B=$B KEEP=$(KEEP) tests/demo/run

.PHONY: deps
deps: ## install the packages that are missing (as root; else say which)
	@tests/support/deps

# Installation

.PHONY: install
install: all ## into $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(SBINDIR) \
	    $(DESTDIR)$(LIBDIR)/pkgconfig \
	    $(DESTDIR)$(INCLUDEDIR)/codeai/private \
	    $(DESTDIR)$(DATADIR)
	install -m 755 $(CLI) $(DESTDIR)$(BINDIR)
	install -m 755 $(DAEMON) $(DESTDIR)$(SBINDIR)
	install -m 644 $(LIB) $(DESTDIR)$(LIBDIR)
	install -m 755 $(SO) $(DESTDIR)$(LIBDIR)/$(SONAME).$(VERSION)
	ln -sf $(SONAME).$(VERSION) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libcodeai-metrics.so
	@printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$(INCLUDEDIR)' \
	    'libdir=$(LIBDIR)' '' 'Name: codeai-metrics' \
	    'Description: Prometheus metrics shared by many processes' \
	    'Version: $(VERSION)' 'Requires.private: libbsd jansson' \
	    'Libs: -L$${libdir} -lcodeai-metrics' \
	    'Cflags: -I$${includedir}' \
	    >$(DESTDIR)$(LIBDIR)/pkgconfig/codeai-metrics.pc
	install -m 644 $(HEADERS) $(DESTDIR)$(INCLUDEDIR)/codeai
	install -m 644 include/codeai/private/*.h \
	    $(DESTDIR)$(INCLUDEDIR)/codeai/private
	install -m 644 lib/schema/codeai.schema.json $(DESTDIR)$(DATADIR)
	for program in codeai-metrics codeai-metricsd; do \
	    install -D -m 644 cmd/$$program/completion.bash \
		$(DESTDIR)$(COMPLETIONS)/$$program || exit 1; \
	done
	[ -n "$(DESTDIR)" ] || [ "$$(id -u)" -ne 0 ] || ldconfig
	for page in $(MAN); do \
	    install -D -m 644 $$page \
		$(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; \
	done

.PHONY: uninstall
uninstall: ## what install put there
	rm -f $(DESTDIR)$(BINDIR)/codeai-metrics \
	    $(DESTDIR)$(SBINDIR)/codeai-metricsd \
	    $(DESTDIR)$(LIBDIR)/libcodeai-metrics.* \
	    $(DESTDIR)$(LIBDIR)/pkgconfig/codeai-metrics.pc \
	    $(addprefix $(DESTDIR)$(INCLUDEDIR)/codeai/,$(notdir $(HEADERS)))
	rm -rf $(DESTDIR)$(INCLUDEDIR)/codeai/private
	for page in $(MAN); do \
	    rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$${page##*/}; \
	done
	rm -f $(DESTDIR)$(COMPLETIONS)/codeai-metrics \
	    $(DESTDIR)$(COMPLETIONS)/codeai-metricsd
	rm -rf $(DESTDIR)$(DATADIR)
	-rmdir $(DESTDIR)$(INCLUDEDIR)/codeai

.PHONY: clean
clean: ## remove build/
	rm -rf build

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' \
	    Makefile
	@echo '  variables: PREFIX DESTDIR CC CFLAGS LDFLAGS V=1 KEEP=1 T="unit cli" M=slot'

-include $(wildcard $B/*/*.d $B/*/*/*.d $B/*/*/*/*.d $B/*/*/*/*/*.d)
