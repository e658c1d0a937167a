# A thin wrapper of the presets of CMakePresets.json. `make help` lists the targets.

PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
MAKEFLAGS += --no-print-directory
PRESETS := release dev chaos asan tsan analyze tidy fuzz
TRACE ?= tests/data/thumbnails
# Ends with make, and so do all tests.
CTEST := exec setpriv --pdeathsig KILL ctest

.DEFAULT_GOAL := release
.NOTPARALLEL:
.PHONY: help deps build-deps ci-deps dev-deps demo try dashboards dashboards-check dashboards-picture export-chaos test fuzz-ci kafka otlp-test prometheus-test kubernetes-test kubernetes-pods \
	kubernetes-keda bench image packages packages-test platforms format \
	format-check install uninstall clean $(PRESETS) \
	$(PRESETS:%=build-%)

help:
	@echo 'make            build/release/bin/spanmill'
	@echo 'make demo       install build dependencies, build, and report the recording in tests/data'
	@echo 'make try        run a pool, an exporter, and Prometheus here, with the recording at current times'
	@echo 'make test       install dependencies, build, and run all tests, also with asan'
	@echo '                (TESTED="release asan tsan fuzz": the presets)'
	@echo 'make fuzz-ci    a minute of each fuzzer (FUZZ_SECONDS=60)'
	@echo 'make dev|asan|tsan|fuzz   build that preset and run its tests'
	@echo 'make otlp-test  spans and metrics in a real Jaeger and Collector, built once (with go)'
	@echo 'make prometheus-test  remote write 2.0 into a real Prometheus 3, built once (with go)'
	@echo 'make kubernetes-test  apply the manifests to a real API server, built once (with go)'
	@echo 'make kubernetes-pods  run the base and change its definitions on a real kubelet, built once (with go)'
	@echo 'make kubernetes-keda  run the overlay production there, with KEDA and a broker with TLS (KEDA is built once, too)'
	@echo 'make chaos      kill all processes at every point, repeatedly, over a real broker:'
	@echo '                results stay correct (SEEDS=20 SEED=first, KILLS=11 per seed)'
	@echo 'make export-chaos   kill the exporter 20 times and a real Prometheus 5 times: totals stay correct'
	@echo 'make analyze|tidy         build with gcc -fanalyzer, with clang-tidy'
	@echo 'make bench      run benchmarks (TRACE=session folder; SPANMILL_RECORDINGS=folder of larger ones)'
	@echo 'make image      a container image of all programs (buildah, mmdebstrap; IMAGE=name)'
	@echo 'make dashboards write the Grafana dashboards to build/grafana/dashboards (docs/GRAFANA.md)'
	@echo 'make dashboards-check|dashboards-picture   check them strictly (go); draw them (npm, chromium)'
	@echo 'make format     clang-format over all sources'
	@echo 'make install    install to PREFIX ($(PREFIX)); make uninstall removes it'
	@echo 'make packages   write Debian packages to build/packages; packages-test: install, upgrade,'
	@echo '                remove, and purge them in a fresh Debian 12 (mmdebstrap)'
	@echo 'make platforms  build, test, and package in other releases of Debian (RELEASES="trixie testing")'
	@echo 'make deps       install Debian packages for build and tests; build-deps: only for the build;'
	@echo '                ci-deps: for .ci/run, too; dev-deps: for all presets'
	@echo 'make clean      remove build/'

deps:
	@tools/install-deps.sh

ci-deps:
	@tools/install-deps.sh --ci

dev-deps:
	@tools/install-deps.sh --dev

# Once configured, CMake knows when to reconfigure, except when a preset has changed.
build/%/build.ninja: CMakePresets.json
	@cmake --preset $* --log-level=WARNING
	@touch $@

$(PRESETS:%=build-%): build-%: build/%/build.ninja
	@cmake --build --preset $* --parallel $(JOBS)

# Tests must be built: a missing dependency is an error then.
tests-of-%:
	@grep -qs '^SPANMILL_TESTS:[A-Z]*=ON$$' build/$*/CMakeCache.txt && \
		[ build/$*/build.ninja -nt CMakePresets.json ] || { \
		cmake --preset $* --log-level=WARNING -DSPANMILL_TESTS=ON && touch build/$*/build.ninja; }

release: build-release
analyze: build-analyze
tidy: build-tidy
dev asan tsan fuzz: %: build-%
	@$(MAKE) kafka
	@$(CTEST) --preset $* --parallel $(JOBS)

build-deps:
	@tools/install-deps.sh --build

demo: build-deps
	@$(MAKE) build/release/build.ninja
	@cmake --build --preset release --parallel $(JOBS) --target spanmill
	build/release/bin/spanmill report tests/data/thumbnails --phases tests/data/thumbnails/phases.yaml

# The tests of all builds in one run of ctest, so that its last lines count them all. What the last
# run took comes first: ctest begins with the longest.
TESTED ?= release asan
test: deps kafka
	@$(MAKE) $(TESTED:%=tests-of-%)
	@$(MAKE) $(TESTED:%=build-%)
	@mkdir -p build/all
	@printf 'subdirs(%s)\n' '$(TESTED:%="../%")' >build/all/CTestTestfile.cmake
	@$(CTEST) --test-dir build/all --parallel $(JOBS) --output-on-failure --no-tests=error

FUZZ_SECONDS ?= 60
fuzz-ci:
	@cmake --preset fuzz --log-level=WARNING -DSPANMILL_FUZZ_SECONDS=$(FUZZ_SECONDS)
	@$(MAKE) fuzz

kafka:
	@tools/kafka/install.sh build/kafka

# Takes at most an hour. Each seed is printed; SEED=... begins with that one.
SEEDS ?= 20
KILLS ?= 11
chaos: kafka
	@$(MAKE) build-chaos
	@PROGRAMS=$(CURDIR)/build/chaos/bin KAFKA_JARS=$(CURDIR)/build/kafka \
		python3 tests/pool/chaos.py --seeds $(SEEDS) --kills $(KILLS) $(SEED:%=--seed %)

# Against a real Jaeger and a real OpenTelemetry Collector, which are built once (ten minutes, with go).
otlp-test: kafka
	@tools/otel/install.sh build/otel
	@$(MAKE) build-dev
	@$(CTEST) --preset dev -R '^export/(jaeger|collector)$$' --output-on-failure

# Against a real Prometheus with remote write 2.0, which is built once (some minutes, with go).
prometheus-test: kafka
	@tools/prometheus/install.sh build/prometheus
	@$(MAKE) build-dev
	@$(CTEST) --preset dev -R '^export/prometheus$$' --output-on-failure

# Against a real API server, which is built once (ten minutes, with go).
kubernetes-test:
	@sh tests/deploy/apiserver.sh

# On a real kubelet, as root; it is built once, likewise (half an hour).
kubernetes-pods: build-release kafka
	@sh tests/deploy/pods.sh

# There, too, with KEDA, which is built once (20 minutes more).
kubernetes-keda: build-release kafka
	@sh tests/deploy/keda.sh

PROGRAMS := spanmill spanmill-agent spanmill-mapper spanmill-reducer spanmill-export

# Ends with Ctrl-C, and leaves nothing behind. Tests are not built, so that a new user waits less.
try: deps kafka
	@$(MAKE) build/release/build.ninja
	@cmake --build --preset release --parallel $(JOBS) --target $(PROGRAMS)
	@exec tools/try/run.py

# Some minutes; the seed is printed.
export-chaos: kafka
	@$(MAKE) build-dev
	@rm -rf build/export-chaos && KAFKA_JARS=$(CURDIR)/build/kafka tests/kafka/broker.sh start build/export-chaos
	@PROGRAMS=$(CURDIR)/build/dev/bin BROKER_FOLDER=build/export-chaos python3 -B tests/export/export_chaos.py; \
		code=$$?; tests/kafka/broker.sh stop build/export-chaos; exit $$code

dashboards:
	@deploy/grafana/dashboards.py build/grafana/dashboards

# By Grafana's foundation SDK (go).
dashboards-check: dashboards
	@cd tools/picture/strict && go run . $(CURDIR)/build/grafana/dashboards/*.json

# With Grafana's components in chromium (npm); docs/images has its output.
dashboards-picture: kafka
	@$(MAKE) build-dev
	@rm -rf build/picture-broker && KAFKA_JARS=$(CURDIR)/build/kafka tests/kafka/broker.sh start build/picture-broker
	@PROGRAMS=$(CURDIR)/build/dev/bin BROKER_FOLDER=build/picture-broker \
		python3 -B tools/picture/picture.py build/picture; \
		code=$$?; tests/kafka/broker.sh stop build/picture-broker; exit $$code

bench: build-release
	@bench/run.sh $(TRACE)

image:
	@deploy/image.sh $(IMAGE)

format:
	@git ls-files -z '*.c' '*.h' | xargs -0 clang-format-14 -i

format-check:
	@git ls-files -z '*.c' '*.h' | xargs -0 clang-format-14 --dry-run -Werror

install: build-release
	@cmake --install build/release --prefix $(PREFIX)

# Removes the files of the last `make install`.
uninstall:
	@cmake -D MANIFEST=build/release/install_manifest.txt -P cmake/Uninstall.cmake

packages: build-release
	@tools/packages.sh

packages-test: packages
	@tests/deploy/fresh_packages.sh build/packages

# An hour per release the first time, later some minutes; as root.
platforms: kafka
	@tools/platforms.sh $(RELEASES)

clean:
	@rm -rf build
