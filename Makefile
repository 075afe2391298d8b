# era5fast: what a developer does every day.  `make` shows the targets; every one can be run from a fresh clone.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test browser threads soak build c-test c-build c-run fuzz fuzz-run asan asan-reader tsan check tidy tidy-run coverage c-coverage man stubs format bench docs wheel bare orders prefix floors clean

PY := .venv/bin/python
ROUNDS ?= 100
JOBS ?= $(shell getconf _NPROCESSORS_ONLN)
-include build/prefix.mk

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.* ## /\1 /p' Makefile | awk '{ name = $$1; $$1 = ""; printf "  make %-11s%s\n", name, $$0 }'

demo: ## set up, then the whole road from a request to a map of heatwaves, offline (ARGS="--help")
	@.ci/setup demo
	@.venv/bin/era5fast demo $(ARGS)

test: ## set up, then all tests: C, Python, examples in docstrings and README (ARGS="-k name")
	@.ci/setup
	@$(in_parallel) c-run
	@.venv/bin/pytest -n $(JOBS) --dist loadfile --ignore tests/test_c_core.py $(ARGS) # which are those of the line before

browser: docs ## the explorer's page and all pages of the site in a real Chromium: desktop, phone, dark (needs Chromium)
	@.ci/setup
	@.venv/bin/pytest -q -o python_files='*_in_browser.py' tests/browser $(ARGS)

threads: ## a hundred rounds of every way of reading from many threads (ROUNDS=100)
	@.ci/setup
	@E5_THREAD_ROUNDS=$(ROUNDS) .venv/bin/pytest -q tests/test_threads.py

soak: ## ROUNDS=200 sudden deaths of writers, eight writers for a minute, CPython's tests of pools 50 times
	@.ci/setup
	@E5_STORE_KILLS=$(if $(filter file,$(origin ROUNDS)),200,$(ROUNDS)) E5_STORE_SECONDS=60 .venv/bin/pytest -q tests/test_store.py
	@E5_POOL_ROUNDS=50 .venv/bin/pytest -q tests/test_pool.py -k own_tests

chunks: ## 500 random ways of cutting data into chunks, the same bits for each
	@.ci/setup
	@CHUNKED_EXAMPLES=500 .venv/bin/pytest -q tests/test_chunked.py -k any_chunks

build: ## set up and build the extension in place, only what has changed
	@.ci/setup

c-test: ## the C tests alone, without an interpreter
	@$(in_parallel) c-run

asan: ## C tests, then the Python tests that touch C, under address and undefined-behaviour sanitizers
	@$(in_parallel) c-run VARIANT=asan
	@.ci/setup
	@E5_SANITIZE=address,undefined $(PY) setup.py -q build --build-lib build/asan/python
	@ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 LSAN_OPTIONS=suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0 PYTHONMALLOC=malloc \
	    $(call pytest_with,asan,libasan.so libubsan.so libstdc++.so.6)

asan-reader: ## C tests of the reader, with damaged and hostile files, under the address sanitizer
	@$(in_parallel) c-run VARIANT=asan ROOMS="base model pool io" CORE=build/c/asan/reader.a TESTS="$(READER)"

tsan: ## C tests, then the Python tests that touch C, under the thread sanitizer
	@$(in_parallel) c-run VARIANT=tsan
	@.ci/setup
	@E5_SANITIZE=thread $(PY) setup.py -q build --build-lib build/tsan/python
	@TSAN_OPTIONS=allocator_may_return_null=1:suppressions=$(CURDIR)/tests/tsan.supp $(call pytest_with,tsan,libtsan.so libstdc++.so.6)

fuzz: ## feed nonsense to all that reads what comes from outside, FUZZ_SECONDS=20 each (needs clang)
	@$(in_parallel) fuzz-run VARIANT=fuzz CC=$(FUZZ_CC)

check: ## format, lint, types, the rules of the house
	@.ci/setup dev
	.venv/bin/clang-format --dry-run -Werror $(c_files)
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	@$(PY) -m mypy.stubtest --concise --mypy-config-file pyproject.toml era5fast._core era5fast.diagnostics era5fast.pointwise
	@.venv/bin/pytest -q tests/test_codebase.py

tidy: ## clang-tidy over the core and its binding, some five minutes (CHECKS="clang-analyzer-*" for others)
	@.ci/setup dev
	@$(in_parallel) tidy-run VARIANT=tidy

coverage: ## which lines of C and Python the tests reach, into build/coverage, some 25 minutes (ARGS="-k name")
	@.ci/setup
	@.ci/setup dev
	@$(call forget_counts,build/c/coverage build/native)
	-@$(in_parallel) c-run VARIANT=coverage
	@E5_SANITIZE=coverage $(PY) setup.py -q build --build-lib build/coverage/python
	-@PYTHONPATH=$(CURDIR)/build/coverage/python E5_CORE=$(CURDIR)/build/coverage/python .venv/bin/pytest -n $(JOBS) --dist loadfile \
	    --cov=era5fast --cov-report=term:skip-covered --cov-report=html:build/coverage/html-python tests $(ARGS)
	@echo "--- the core, by the C tests alone"
	@$(call reached,c-alone) build/c/coverage
	@$(PY) tests/coverage_of_errors.py build/coverage/c-alone.json
	@echo "--- the core and csrc/python, by all tests"
	@$(call reached,c) --html-details build/coverage/c.html build/c/coverage build/native
	@$(PY) tests/coverage_of_errors.py build/coverage/c.json

c-coverage: ## which lines of the core the C tests alone reach, three minutes
	@.ci/setup dev
	@$(call forget_counts,build/c/coverage)
	-@$(in_parallel) c-run VARIANT=coverage
	@mkdir -p build/coverage
	@$(call reached,c-alone) build/c/coverage
	@$(PY) tests/coverage_of_errors.py build/coverage/c-alone.json

man: ## man/era5fast.1, from the commands themselves
	@.ci/setup
	@$(PY) -m era5fast.cli_manual >man/era5fast.1

stubs: ## the stubs that are made from tables: names of the package, diagnostics, pointwise functions
	@.ci/setup
	@for name in diagnostics pointwise; do $(PY) -m era5fast.$$name >build/stub && cp build/stub era5fast/$$name.pyi; done
	@PYTHONPATH=. $(PY) .ci/write-stub >build/stub && cp build/stub era5fast/__init__.pyi

format: ## lay out C and Python as `make check` wants it
	@.ci/setup dev
	.venv/bin/clang-format -i $(c_files)
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

bench: ## our time against named peers, as ratios
	@.ci/setup bench
	@for file in tests/benchmarks/bench_*.py; do $(PY) $$file $(ARGS) || exit; done

docs: ## the pages, into build/docs
	@.ci/setup dev
	@if [ -f docs/conf.py ]; then .venv/bin/sphinx-build -q -W --keep-going docs build/docs; else echo "docs/conf.py is missing"; exit 1; fi

wheel: ## source archive and wheels that bring their libraries into dist/, for each CPython found (ARGS="python3.13")
	@.ci/setup
	@$(PY) wheels/make.py $(ARGS)

bare: ## the wheels of `make wheel` in a Debian with Python and nothing else (as root; needs debootstrap; ARGS="3.12")
	@.ci/setup
	@$(PY) tests/packaging/bare.py $(ARGS)

orders: ## importing beside netCDF4, h5py, rasterio, pyogrio and sqlite3 in all 720 orders (ARGS="--python ENV/bin/python")
	@.ci/setup
	@$(PY) tests/packaging/orders.py $(ARGS)

prefix: ## build and use in a stand-in for a conda environment: its libraries, and no others
	@.ci/setup
	@$(PY) tests/packaging/in_prefix.py

floors: ## tests with the lowest versions that pyproject.toml allows, on the wheel of the oldest Python
	@.ci/setup
	@$(PY) tests/packaging/floors.py $(ARGS)

clean: ## remove everything that was built; .venv stays
	rm -rf build dist docs/generated *.egg-info era5fast/_core*.so .mypy_cache .pytest_cache .ruff_cache
	find era5fast csrc tests -name __pycache__ -prune -exec rm -rf {} +

# --- Python under sanitizers: $(call pytest_with,variant,runtime libraries).  The tests make sure that they met the
# instrumented module, which lies in a folder of its own (tests/conftest.py); what sanitizers print is not captured.

runtime = $(foreach library,$(1),$(shell $(CC) -print-file-name=$(library)))
pytest_with = LD_PRELOAD="$(call runtime,$(2))" PYTHONPATH=build/$(1)/python E5_CORE=build/$(1)/python \
    .venv/bin/pytest -o addopts="-ra --strict-markers --capture=sys" -m native -p no:cacheprovider tests $(ARGS)

# --- Coverage: counts add up from run to run, so they begin anew; fewer than 90 % of the lines are an error.

forget_counts = mkdir -p $(1) && find $(1) -name '*.gcda' -delete
reached = .venv/bin/gcovr --root . --filter csrc/ --gcov-ignore-parse-errors --print-summary --fail-under-line 90 \
    --txt build/coverage/$(1).txt --json build/coverage/$(1).json

# --- C tests: the core as a static library, one program per tests/c/test_*.c, all in build/c/$(VARIANT)

in_parallel = $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(JOBS))
c_files := $(sort $(shell find csrc tests/c tests/fuzz -name '*.[ch]'))

VARIANT ?= plain
FLAGS_plain := -O3
FLAGS_asan := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined -Wno-format-truncation
FLAGS_fuzz := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined \
    -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
FLAGS_coverage := -O1 --coverage -fprofile-update=atomic -DE5_COUNTED
FLAGS_tsan := -O1 -fno-omit-frame-pointer -fsanitize=thread

ROOMS := base model pool net io diag events kernels db drive
OUT := build/c/$(VARIANT)
CORE := $(OUT)/core.a
core_sources := $(foreach room,$(ROOMS),$(wildcard csrc/$(room)/*.c csrc/$(room)/*/*.c))
core_objects := $(core_sources:%.c=$(OUT)/%.o)
READER := ahead archive_files chunk_cache claims csv dataset filter h5* join library_faults ncfile pick shuffle slab tables unpack
TESTS ?= *
programs := $(patsubst tests/c/%.c,$(OUT)/%,$(wildcard $(TESTS:%=tests/c/test_%.c)))

ifneq ($(filter c-build c-run fuzz-run tidy-run,$(MAKECMDGOALS)),)
LIBRARIES := netcdf $(shell pkg-config --exists hdf5 && echo hdf5 || echo hdf5-serial) libcurl sqlite3 libdeflate zlib jansson libcrypto
C_FLAGS := -std=c11 -D_GNU_SOURCE -g -fno-math-errno -fno-trapping-math -ffp-contract=off -fvisibility=hidden -Wall -Wextra \
    -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wno-missing-field-initializers \
    $(if $(filter 1,$(E5_WERROR)),-Werror) $(FLAGS_$(VARIANT)) -Icsrc -Itests/c $(shell pkg-config --cflags $(LIBRARIES)) $(CFLAGS)
C_LIBS := $(LDFLAGS) $(shell pkg-config --libs $(LIBRARIES)) -lm -lpthread
endif

c-run: c-build
	@.ci/run-c-tests $(programs)

c-build: $(CORE) $(programs)

$(OUT)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(CC) $(C_FLAGS) -MMD -MP -c $< -o $@

# The rooms themselves are prerequisites, so that a source that was removed leaves the library too.
$(CORE): $(core_objects) $(addprefix csrc/,$(ROOMS))
	@rm -f $@
	@$(AR) rcs $@ $(filter %.o,$^)

$(OUT)/test_%: $(OUT)/tests/c/test_%.o $(CORE)
	@$(CC) $(FLAGS_$(VARIANT)) $^ $(C_LIBS) -o $@

# --- clang-tidy: one stamp per source, so that only what has changed is looked at again.  What knows Python needs the
# headers of Python and NumPy as well, with the version of NumPy's that csrc/build.py names.

CHECKS ?=
checks_named = --checks='-*,$(CHECKS)'
binding_sources := $(wildcard csrc/python/*.c)
tidy-run: $(patsubst %.c,$(OUT)/%.tidy,$(core_sources) $(binding_sources))

ifneq ($(filter tidy-run,$(MAKECMDGOALS)),)
binding_flags := $(shell $(PY) -c "import sys, sysconfig, numpy; sys.path.insert(0, 'csrc'); import build; \
    print('-isystem', numpy.get_include(), '-isystem', sysconfig.get_path('include'), '-DNPY_TARGET_VERSION=' + build.NUMPY_API, \
        '-DNPY_NO_DEPRECATED_API=' + build.NUMPY_API)")
$(OUT)/csrc/python/%.tidy: C_FLAGS += $(binding_flags)
endif

$(OUT)/%.tidy: %.c .clang-tidy
	@mkdir -p $(@D)
	@.venv/bin/clang-tidy --quiet $(if $(CHECKS),$(checks_named)) $< -- $(filter-out -Werror,$(C_FLAGS)) 2>/dev/null
	@touch $@

# --- Fuzzing: one program per tests/fuzz/fuzz_*.c, with seeds in tests/fuzz/corpus/*.  What they find out is kept in
# build/c/fuzz/corpus for the next run; an input that breaks something is left in build/c/fuzz.

FUZZ_SECONDS ?= 20
FUZZ_CC ?= $(firstword $(foreach name,clang $(addprefix clang-,22 21 20 19 18 17 16 15),$(shell command -v $(name))) clang)
fuzzers := $(patsubst tests/fuzz/%.c,$(OUT)/%,$(wildcard tests/fuzz/fuzz_*.c))

fuzz-run: $(fuzzers)
	@for program in $(fuzzers); do name=$${program##*/fuzz_}; log=$$program.log; mkdir -p $(OUT)/corpus/$$name; \
	    seeds=tests/fuzz/corpus/$$name; [ -d $$seeds ] || seeds=; \
	    ASAN_OPTIONS=allocator_may_return_null=1 $$program -max_total_time=$(FUZZ_SECONDS) -timeout=10 -verbosity=0 \
	        -max_len=20000 -print_final_stats=1 -artifact_prefix=$(OUT)/$$name- $(OUT)/corpus/$$name $$seeds >$$log 2>&1 \
	        || { cat $$log; exit 1; }; \
	    echo "$$name: $$(sed -n 's/^stat::number_of_executed_units: *//p' $$log) inputs, nothing found"; \
	done

$(OUT)/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/fuzz.h $(CORE)
	@$(CC) $(C_FLAGS) -Itests/fuzz -fsanitize=fuzzer $< $(CORE) $(C_LIBS) -o $@

.PRECIOUS: $(OUT)/%.o
-include $(core_objects:.o=.d) $(programs:$(OUT)/%=$(OUT)/tests/c/%.d)
