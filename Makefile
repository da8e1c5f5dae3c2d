# wskeep. `make help` lists what can be made.

BUILD   ?= build
# release, or one of the test builds: check (checkers and faults compiled in), asan, tsan, cov, fuzz (clang's). Each has
# its own tree.
VARIANT ?= release
OUT     := $(if $(filter release,$(VARIANT)),$(BUILD),$(BUILD)/$(VARIANT))

# As many jobs as cores unless -j says otherwise; a make inside inherits them.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || echo 1)
endif

# ---- what it needs ---------------------------------------------------------------------------------------------------

PACKAGES_BUILD = gcc libc6-dev make pkg-config libuv1-dev node-llhttp libwslay-dev libssl-dev libcjson-dev
PACKAGES_TEST  = libcmocka-dev python3 python3-pytest gunicorn python3-uvicorn python3-fastapi \
                 python3-websockets python3-wsproto python3-aiohttp node-ws chromium chromium-driver \
                 prometheus python3-yaml docker-compose node-typescript systemd curl iproute2 python3-seccomp \
                 mandoc man-db
PACKAGES_BENCH = nginx-light haproxy wrk python3 iproute2 curl
PACKAGES_CHECK = clang clang-tidy clang-format
PACKAGES_FUZZ  = clang libclang-rt-14-dev python3
PACKAGES_IMAGE = mmdebstrap python3 python3-pytest

PKG_CONFIG ?= pkg-config
MODULES    := libuv libssl libcrypto libcjson
pkg         = $(shell $(PKG_CONFIG) $(1) 2>/dev/null)

# llhttp comes as a library, or as the C files that Debian's node-llhttp carries.
ifneq ($(call pkg,--modversion libllhttp),)
MODULES        += libllhttp
else
LLHTTP_SOURCE  := /usr/share/llhttp
LLHTTP_INCLUDE := $(dir $(firstword $(wildcard /usr/include/llhttp/llhttp.h /usr/share/include/llhttp/llhttp.h)))
LLHTTP_OBJECTS := $(if $(LLHTTP_INCLUDE),$(patsubst %,$(OUT)/obj/llhttp/%.o,api http llhttp))
endif

# ---- flags -----------------------------------------------------------------------------------------------------------

TESTED        := -DWSKEEP_CHECK -DWSKEEP_FAULTS
# What is shipped is hardened; test/supply/test_hardened.py reads it from the program. Of the instructions outside of the
# kernel it costs about 1 % of those of an echoed message, 2 % of those of a session from its handshake to its end. Not
# -fcf-protection, which costs another 2 %: Linux holds no program to where its jumps may land, and Debian's start files lack
# the mark for shadow stacks.
HARDENED      := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection
FLAGS_release := -O2 $(HARDENED)
FLAGS_check   := -O2 $(HARDENED) $(TESTED)
FLAGS_asan    := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all $(TESTED)
FLAGS_tsan    := -O1 -fno-omit-frame-pointer -fsanitize=thread $(TESTED)
FLAGS_cov     := -O0 --coverage -fprofile-update=atomic $(TESTED)
FLAGS_fuzz    := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all $(TESTED)

CFLAGS   ?= -g
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wdate-time $(if $(filter true,$(CI)),-Werror)
INCLUDES := -Iinclude $(addprefix -isystem ,$(LLHTTP_INCLUDE)) $(patsubst -I%,-isystem %,$(call pkg,--cflags $(MODULES)))
# One word list for compiling and linking: the sanitizers and --coverage are needed at both.
# Where it was built leaves no trace: the same source gives the same bytes.
FLAGS    := -std=gnu11 -fPIE "-ffile-prefix-map=$(CURDIR)=." $(FLAGS_$(VARIANT))
LINK     := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
LIBS     := $(call pkg,--libs $(MODULES)) -lwslay -lpthread

COMPILE   = $(CC) -D_GNU_SOURCE $(INCLUDES) $(CPPFLAGS) $(FLAGS) $(CFLAGS)

# Its version and the day of that: of a tarball as the file there says, else as git does, whoever runs make.
GIT      := GIT_OPTIONAL_LOCKS=0 git -c safe.directory="$$(pwd -P)"
RELEASE  := $(or $(file <.version),$(shell { $(GIT) describe --tags --match 'v[0-9]*' --always --dirty && \
                 $(GIT) log -1 --format=%cs; } 2>/dev/null))
VERSION  := $(or $(patsubst v%,%,$(firstword $(RELEASE))),unknown)
DATE     := $(or $(lastword $(RELEASE)),1970-01-01)

# ---- files -----------------------------------------------------------------------------------------------------------

find      = $(sort $(shell find $(1) -name '*.$(2)' 2>/dev/null))
object    = $(patsubst %.c,$(OUT)/obj/%.o,$(1))

SOURCES   := $(call find,proxy,c)
HEADERS   := $(call find,include,h)
DEMO      := $(wildcard deploy/demo/*.c)
UNIT      := $(call find,test/unit,c)
LOOP_LIB  := $(call find,test/loop/lib,c)
LOOP      := $(filter-out $(LOOP_LIB),$(call find,test/loop,c))
REPLAY    := test/fuzz/replay.c
HARNESSES := $(filter-out $(REPLAY),$(call find,test/fuzz,c))
LOAD      := $(call find,test/load,c)
C_FILES   := $(call find,proxy include deploy test,[ch])

# Under TSan only what has threads: the exhaustive tests of pure code and of what lives on one loop take minutes there.
ifeq ($(VARIANT),tsan)
UNIT      := $(shell grep -l thread_create /dev/null $(UNIT))
LOOP      := $(filter-out test/loop/session/% test/loop/http/%,$(LOOP))
endif
PROGRAMS  := $(patsubst test/%.c,%,$(UNIT) $(LOOP) $(HARNESSES))

# The one definition is given to those files alone that use it, so that a new commit does not rebuild the rest.
VERSIONED := $(if $(SOURCES),$(shell grep -lw WSKEEP_VERSION $(SOURCES)))

# One short line a file; V=1 shows the commands.
short = $(if $(V),,@echo '  $(1)' $@;)

# ---- building --------------------------------------------------------------------------------------------------------

.DEFAULT_GOAL := all
.PHONY: all help run install uninstall dist image check apps format-check tidy layers test test-build tests unit-tests loop-tests fuzz-tests load-tools unit loop e2e supply asan tsan cov clean reference \
        bench chaos fuzz fuzz-merge image-test deps deps-test deps-bench deps-check deps-fuzz deps-image FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(OUT)/wskeep $(OUT)/demo-backend ## build/wskeep and build/demo-backend (the default)

$(OUT)/wskeep: $(call object,proxy/main.c) $(OUT)/libwskeep.a $(LLHTTP_OBJECTS)
	$(call short,LINK)$(CC) $(FLAGS) $(LDFLAGS) $(LINK) -o $@ $^ $(LIBS)

$(OUT)/libwskeep.a: $(call object,$(filter-out proxy/main.c,$(SOURCES))) $(OUT)/sources.stamp
	@rm -f $@
	$(call short,AR)$(AR) rcsD $@ $(filter %.o,$^)

$(OUT)/obj/%.o: %.c $(OUT)/flags.stamp | $(BUILD)/needs.stamp
	@mkdir -p $(@D)
	$(call short,CC)$(COMPILE) $(WARNINGS) -MMD -MP -c -o $@ $<

$(OUT)/obj/llhttp/%.o: $(LLHTTP_SOURCE)/%.c $(OUT)/flags.stamp
	@mkdir -p $(@D)
	$(call short,CC)$(COMPILE) -DLLHTTP_STRICT_MODE=1 -w -c -o $@ $<

$(call object,$(VERSIONED)): private CPPFLAGS += -DWSKEEP_VERSION='"$(VERSION)"'
$(call object,$(VERSIONED)): $(OUT)/version.stamp

# A stamp changes only when its text does: what depends on it is made again exactly then.
STAMP_flags   = $(COMPILE) $(WARNINGS)
STAMP_sources = $(SOURCES)
STAMP_version = $(VERSION)
STAMP_tests   = $(PROGRAMS)
$(patsubst %,$(OUT)/%.stamp,flags sources version tests share): $(OUT)/%.stamp: FORCE
	@mkdir -p $(@D)
	@echo '$(STAMP_$*)' | cmp -s - $@ || echo '$(STAMP_$*)' >$@

$(BUILD)/needs.stamp:
	@deploy/packages --headers '$(CC)' '$(PKG_CONFIG)' '$(LLHTTP_INCLUDE)' $(MODULES)
	@mkdir -p $(@D) && touch $@

$(OUT)/demo-backend: $(call object,$(DEMO))
	$(call short,LINK)$(CC) $(FLAGS) $(LDFLAGS) $(LINK) -o $@ $^ $(LIBS)

# The page as the initialiser of a byte array.
$(OUT)/obj/deploy/demo/page.inc: deploy/demo/page.html
	@mkdir -p $(@D)
	$(call short,HEX)od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g' >$@
$(call object,$(DEMO)): private CPPFLAGS += -I$(OUT)/obj/deploy/demo
$(call object,$(DEMO)): | $(OUT)/obj/deploy/demo/page.inc

$(call object,$(UNIT) $(LOOP) $(LOOP_LIB) $(HARNESSES) $(REPLAY)): private CPPFLAGS += -Itest

$(OUT)/unit/%: $(OUT)/obj/test/unit/%.o $(OUT)/libwskeep.a $(LLHTTP_OBJECTS)
	@mkdir -p $(@D)
	$(call short,LINK)$(CC) $(FLAGS) $(LDFLAGS) $(LINK) -o $@ $^ $(LIBS) -lcmocka

$(OUT)/loop/%: $(OUT)/obj/test/loop/%.o $(call object,$(LOOP_LIB)) $(OUT)/libwskeep.a $(LLHTTP_OBJECTS)
	@mkdir -p $(@D)
	$(call short,LINK)$(CC) $(FLAGS) $(LDFLAGS) $(LINK) -o $@ $^ $(LIBS) -lcmocka

# A harness runs by libFuzzer, or on the files of its corpus alone.
$(OUT)/fuzz/%: $(OUT)/obj/test/fuzz/%.o $(if $(filter fuzz,$(VARIANT)),,$(call object,$(REPLAY))) $(OUT)/libwskeep.a $(LLHTTP_OBJECTS)
	@mkdir -p $(@D)
	$(call short,LINK)$(CC) $(FLAGS) $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer) $(LDFLAGS) $(LINK) -o $@ $(filter %.o,$^) $(OUT)/libwskeep.a $(LIBS)

# A whole session has the peers and the model of the loop tests, which assert by cmocka.
$(OUT)/fuzz/session: $(call object,$(LOOP_LIB))
$(OUT)/fuzz/session: private LIBS += -lcmocka
# Which way these go is not what libFuzzer is to look for; with it a run takes twice as long, half of that for the wheel's
# checker, which looks at each of its slots.
ifeq ($(VARIANT),fuzz)
$(call object,$(LOOP_LIB) proxy/base/timer.c): private CFLAGS += -fno-sanitize=fuzzer-no-link
endif

# The load tools use base/ alone: a witness may not share the parsers of what it watches.
$(call object,$(LOAD)): private CPPFLAGS += -Itest/load

load-tools: $(addprefix $(OUT)/load/,load backend relay)
$(OUT)/load/load: $(call object,$(filter test/load/client/%,$(LOAD)))
$(OUT)/load/backend: $(call object,$(filter test/load/backend/%,$(LOAD)))
$(OUT)/load/relay: $(call object,test/load/relay.c)
$(OUT)/load/%: $(call object,$(filter test/load/lib/%,$(LOAD))) $(OUT)/libwskeep.a
	@mkdir -p $(@D)
	$(call short,LINK)$(CC) $(FLAGS) $(LDFLAGS) $(LINK) -o $@ $(filter %.o,$^) $(OUT)/libwskeep.a $(LIBS)

-include $(wildcard $(patsubst %.o,%.d,$(call object,$(SOURCES) $(DEMO) $(UNIT) $(LOOP) $(LOOP_LIB) $(LOAD) $(HARNESSES) $(REPLAY))))

# ---- running ---------------------------------------------------------------------------------------------------------

LISTEN    ?= 127.0.0.1:8080
DEMO_PORT ?= 8000

run: deps ## run wskeep before the demo backend, or BACKEND=host:port; LISTEN=host:port, DEMO_PORT=n
	+@$(MAKE) --no-print-directory all
	@BACKEND='$(BACKEND)' LISTEN='$(LISTEN)' DEMO_PORT='$(DEMO_PORT)' deploy/demo/run $(BUILD)

# ---- installing ------------------------------------------------------------------------------------------------------

PREFIX     ?= /usr/local
bindir     ?= $(PREFIX)/bin
sysconfdir ?= $(patsubst /usr/etc,/etc,$(PREFIX)/etc)
mandir     ?= $(PREFIX)/share/man
docdir     ?= $(PREFIX)/share/doc/wskeep
unitdir    ?= $(PREFIX)/lib/systemd/system
INSTALL    ?= install
CONF        = $(sysconfdir)/wskeep/wskeep.conf
EXAMPLES   := $(wildcard conf/*.conf)
SHARED     := $(addprefix $(OUT)/share/,wskeep.1 wskeep.conf.5 wskeep.service)

# The manuals and the unit are written for a system's own tree.
STAMP_share = s|@VERSION@|$(VERSION)|; s|@DATE@|$(DATE)|; s|/usr/bin/wskeep|$(bindir)/wskeep|; \
              s|/etc/wskeep/wskeep.conf|$(CONF)|; s|/usr/share/doc/wskeep|$(docdir)|
$(OUT)/share/%: deploy/man/% $(OUT)/share.stamp
	$(call short,FILL)sed -e '$(STAMP_share)' $< >$@
$(OUT)/share/%: deploy/systemd/% $(OUT)/share.stamp
	$(call short,FILL)sed -e '$(STAMP_share)' $< >$@
$(OUT)/share/wskeep.conf.5: conf/README.md deploy/man/conf.awk $(OUT)/share.stamp
	$(call short,FILL)awk -f deploy/man/conf.awk $< >$@ && sed -i -e '$(STAMP_share)' $@
$(SHARED): | $(OUT)/share
$(OUT)/share:
	@mkdir -p $@

install: $(OUT)/wskeep $(SHARED) ## into PREFIX=/usr/local below DESTDIR; a conf file that is there stays as it is
	$(INSTALL) -D -m 755 -t '$(DESTDIR)$(bindir)' $(OUT)/wskeep
	$(INSTALL) -D -m 644 -t '$(DESTDIR)$(mandir)/man1' $(OUT)/share/wskeep.1
	$(INSTALL) -D -m 644 -t '$(DESTDIR)$(mandir)/man5' $(OUT)/share/wskeep.conf.5
	$(INSTALL) -D -m 644 -t '$(DESTDIR)$(unitdir)' $(OUT)/share/wskeep.service
	$(INSTALL) -D -m 644 -t '$(DESTDIR)$(docdir)/examples' $(EXAMPLES)
	@test -e '$(DESTDIR)$(CONF)' || $(INSTALL) -D -m 644 conf/wskeep.conf '$(DESTDIR)$(CONF)'

uninstall: ## what `make install` put there, but for a conf file that was changed
	rm -f '$(DESTDIR)$(bindir)/wskeep' '$(DESTDIR)$(unitdir)/wskeep.service'
	rm -f '$(DESTDIR)$(mandir)/man1/wskeep.1' '$(DESTDIR)$(mandir)/man5/wskeep.conf.5'
	rm -f $(patsubst conf/%,'$(DESTDIR)$(docdir)/examples/%',$(EXAMPLES))
	@! cmp -s conf/wskeep.conf '$(DESTDIR)$(CONF)' || rm '$(DESTDIR)$(CONF)'
	@rmdir '$(DESTDIR)$(docdir)/examples' '$(DESTDIR)$(docdir)' '$(DESTDIR)$(sysconfdir)/wskeep' 2>/dev/null || true
	@! test -e '$(DESTDIR)$(CONF)' || echo 'left, because it was changed: $(DESTDIR)$(CONF)'

# Of the files that git knows, as they are here; where they are not committed the version says so.
dist: NAME = wskeep-$(VERSION)
dist: ## build/wskeep-VERSION.tar.gz, the same bytes wherever it is made
	@mkdir -p $(BUILD)
	@tree=$$($(GIT) stash create) && $(GIT) -c tar.umask=022 archive -o $(BUILD)/$(NAME).tar \
	    --add-virtual-file='$(NAME)/.version:$(VERSION) $(DATE)' --prefix=$(NAME)/ "$${tree:-HEAD}"
	@gzip -9nf $(BUILD)/$(NAME).tar
	@echo '  DIST $(BUILD)/$(NAME).tar.gz'

ENGINE ?= docker
IMAGE  ?= wskeep

image: ## the container image IMAGE=wskeep, by docker or ENGINE=podman
	$(ENGINE) build -f deploy/docker/Dockerfile --build-arg VERSION='$(VERSION)' -t '$(IMAGE)' .

# ---- checking --------------------------------------------------------------------------------------------------------

variant = +@$(MAKE) --no-print-directory VARIANT=$(1) $(2)

tests: unit-tests loop-tests $(if $(filter asan,$(VARIANT)),fuzz-tests load-tools) $(OUT)/wskeep
unit-tests: $(addprefix $(OUT)/,$(filter unit/%,$(PROGRAMS))) $(OUT)/tests.stamp
loop-tests: $(addprefix $(OUT)/,$(filter loop/%,$(PROGRAMS))) $(OUT)/tests.stamp
fuzz-tests: $(addprefix $(OUT)/,$(filter fuzz/%,$(PROGRAMS))) $(OUT)/tests.stamp

test: test-build ## every test: unit, loop and e2e, e2e under faults (SEED=n), unit and loop under sanitizers
	@SEED='$(SEED)' test/run $(BUILD)

# npm's packages, in the versions of the lock file. `src` is a link, so that the scripts find them beside it.
$(BUILD)/apps/installed.stamp: test/apps/package.json test/apps/package-lock.json
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@command -v npm >/dev/null || deploy/packages npm
	$(call short,NPM)npm ci --prefix $(@D) --omit=optional --ignore-scripts --no-audit --no-fund --silent
	@ln -sfn $(abspath test/apps) $(@D)/src
	@touch $@

apps: $(BUILD)/apps/installed.stamp ## install what the applications in test/apps need, from npm

test-build: deps-test
	+@$(MAKE) --no-print-directory all apps
	$(call variant,check,tests)
	$(call variant,asan,tests)
	$(call variant,tsan,tests)

unit: ## the unit tests
	$(call variant,check,unit-tests)
	@test/run $(BUILD) check:unit

loop: ## the tests on a real event loop
	$(call variant,check,loop-tests)
	@test/run $(BUILD) check:loop

e2e: ## the end-to-end tests; ARGS='-k name' goes to pytest, SEED=n puts them under faults
	+@$(MAKE) --no-print-directory all apps
	$(call variant,check,$(BUILD)/check/wskeep)
	@SEED='$(SEED)' test/run $(BUILD) check:$(if $(SEED),faults,e2e) $(ARGS)

supply: deps-test ## what is shipped: hardened, reproducible, the tarball, installing
	+@$(MAKE) --no-print-directory all
	@test/run $(BUILD) check:supply $(ARGS)

asan: ## unit, loop and e2e tests, load tools, and the fuzzers' corpora, under ASan and UBSan
	+@$(MAKE) --no-print-directory all apps
	$(call variant,asan,tests)
	@test/run $(BUILD) asan:unit asan:loop asan:fuzz asan:load asan:e2e $(ARGS)

tsan: ## unit, loop and e2e tests under TSan
	+@$(MAKE) --no-print-directory all apps
	$(call variant,tsan,tests)
	@test/run $(BUILD) tsan:unit tsan:loop tsan:e2e $(ARGS)

cov: ## lines and branches that unit, loop and e2e tests run, and what of wire/ and session/ they do not
	+@$(MAKE) --no-print-directory all apps
	$(call variant,cov,tests)
	@find $(BUILD)/cov -name '*.gcda' -delete
	@test/run $(BUILD) cov:unit cov:loop cov:e2e; status=$$?; test/coverage $(BUILD)/cov; exit $$status

fuzz: deps-fuzz ## libFuzzer on each harness; FUZZ=frame,conf (all), SECONDS=n for each (60), JOBS=n side by side
	$(call variant,fuzz,CC=clang fuzz-tests)
	@test/fuzz/run $(if $(SECONDS),--seconds $(SECONDS)) $(if $(JOBS),--jobs $(JOBS)) $(BUILD) $(FUZZ)

fuzz-merge: deps-fuzz ## add to test/fuzz/corpus what `make fuzz` has found anew; FUZZ=name,…
	$(call variant,fuzz,CC=clang fuzz-tests)
	@test/fuzz/run --merge $(BUILD) $(FUZZ)

check: deps-check ## format, clang-tidy, layers, unit tests
	+@$(MAKE) --no-print-directory format-check layers tidy
	+@$(MAKE) --no-print-directory unit

format-check:
	clang-format --dry-run -Werror $(C_FILES)

layers: ## who may include whom
	@test/layers

tidy: $(patsubst %.c,$(OUT)/tidy/%.ok,$(SOURCES) $(DEMO))

$(OUT)/tidy/%.ok: %.c $(HEADERS) .clang-tidy $(OUT)/obj/deploy/demo/page.inc
	@mkdir -p $(@D)
	$(call short,TIDY)clang-tidy --quiet --warnings-as-errors='*' $< -- -D_GNU_SOURCE -DWSKEEP_VERSION='""' $(TESTED) -std=gnu11 \
	    $(INCLUDES) -I$(OUT)/obj/deploy/demo 2>$@.log || { cat $@.log; exit 1; }
	@touch $@

deps: ## install what building needs
	@deploy/packages $(PACKAGES_BUILD)

deps-test: ## install what building and testing need
	@deploy/packages $(PACKAGES_BUILD) $(PACKAGES_TEST)

deps-bench: ## install what `make bench` needs
	@deploy/packages $(PACKAGES_BUILD) $(PACKAGES_BENCH)

deps-check: ## install what `make check` needs
	@deploy/packages $(PACKAGES_BUILD) libcmocka-dev python3 $(PACKAGES_CHECK)

bench: deps-bench ## beside nginx and HAProxy; ROWS=a,c (all), ROUNDS=n, SECONDS=n, PEERS=relay,nginx4k
	+@$(MAKE) --no-print-directory all load-tools
	@test/load/bench.py --build $(BUILD) $(if $(ROWS),--rows $(ROWS)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	    $(if $(SECONDS),--seconds $(SECONDS)) $(if $(PEERS),--peers $(PEERS))

chaos: deps-test ## what befalls a backend, in rounds; ROUNDS=n (20), ONLY=kill,down,herd MODES=echo,answer (all), CLIENTS=n, WS=wsproto, DOWN=s
	+@$(MAKE) --no-print-directory all
	@test/chaos/run $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(ONLY),--only $(ONLY)) $(if $(MODES),--modes $(MODES)) \
	    $(if $(CLIENTS),--clients $(CLIENTS)) $(if $(WS),--ws $(WS)) $(if $(DOWN),--down $(DOWN))

deps-fuzz: ## install what `make fuzz` needs
	@deploy/packages $(PACKAGES_BUILD) libcmocka-dev $(PACKAGES_FUZZ)

deps-image: ## install what `make image-test` needs: podman too, where no docker runs
	@deploy/packages $(PACKAGES_IMAGE) $(if $(shell docker info >/dev/null 2>&1 && echo yes),,podman runc)

image-test: ## build the image and judge it while it runs; BASE=image to build from; 77 where there is no engine
	-+@$(MAKE) --no-print-directory deps-image
	@BASE='$(BASE)' VERSION='$(VERSION)' PYTHONDONTWRITEBYTECODE=1 test/image/run $(BUILD)

reference: ## write conf/README.md, conf/wskeep.conf and deploy/monitoring/metrics.md from their tables
	$(call variant,check,$(BUILD)/check/unit/config/reference $(BUILD)/check/wskeep)
	@$(BUILD)/check/unit/config/reference --write
	@cd test/e2e && WSKEEP=$(abspath $(BUILD)/check/wskeep) python3 -B -m parts.exposition

clean: ## remove everything that was built
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.* ## \(.*\)/\1\t\2/p' Makefile | expand -t 12
