# For people: two words each.  CMake does the work; packagers use it directly (CONTRIBUTING.md).
#
# On a fresh Debian 12 with a compiler, make and git, `make run` and `make test` install what is
# missing (scripts/install-dependencies), build, and go.

BUILD       := build/release
CMAKE_FLAGS ?=
INSTALL     := scripts/install-dependencies

.DEFAULT_GOAL := help
.PHONY: help run test bench tune build format check tidy clean

help:
	@echo "make run      train a small network on Fashion-MNIST for a minute, then use it"
	@echo "make test     build and run all tests"
	@echo "make bench    measure Swell beside OpenBLAS, oneDNN, ONNX Runtime, PyTorch and darknet"
	@echo "make tune     measure which convolution is fastest where, and write the table"
	@echo "make build    build the program: $(BUILD)/swell"
	@echo "make format   put all C files into the house form (clang-format)"
	@echo "make check    the quick checks of .ci/run: format, includes, headers, names, words"
	@echo "make tidy     clang-tidy over the library"
	@echo "make clean    remove build/"

run:
	@$(INSTALL) build data
	@cmake --preset release -DSWELL_TESTS=OFF -DSWELL_BENCH=OFF $(CMAKE_FLAGS) --log-level=WARNING >/dev/null
	@cmake --build $(BUILD) --target swell_program
	@$(BUILD)/swell train convnet

build:
	@$(INSTALL) build
	@cmake --preset release -DSWELL_TESTS=OFF -DSWELL_BENCH=OFF $(CMAKE_FLAGS) --log-level=WARNING >/dev/null
	@cmake --build $(BUILD)

test:
	@$(INSTALL) build test data
	@cmake --preset release -DSWELL_TESTS=ON -DSWELL_BENCH=OFF $(CMAKE_FLAGS) --log-level=WARNING >/dev/null
	@cmake --build $(BUILD)
	@scripts/run-tests $(BUILD)

bench:
	@$(INSTALL) build bench peers
	@cmake --preset release -DSWELL_TESTS=OFF -DSWELL_BENCH=ON $(CMAKE_FLAGS) --log-level=WARNING >/dev/null
	@cmake --build $(BUILD)
	@$(BUILD)/swell bench kernels --rounds 3 --peers $(BUILD)/bench/libswell_peers.so \
		--roofline $(BUILD)/roofline.svg
	@echo "the roofline of this machine: $(BUILD)/roofline.svg"
	@bench/networks/networks.py
	@bench/networks/pipeline.py

tune:
	@$(INSTALL) build bench
	@cmake --preset release -DSWELL_TESTS=OFF -DSWELL_BENCH=ON $(CMAKE_FLAGS) --log-level=WARNING >/dev/null
	@cmake --build $(BUILD) --target conv_tune
	@$(BUILD)/bench/conv_tune src/graph/ops/conv_choice_table.c

format:
	@$(INSTALL) check
	@scripts/check-format --fix

check:
	@$(INSTALL) build check
	@scripts/check-format
	@scripts/check-includes
	@scripts/check-headers
	@scripts/check-names
	@scripts/check-words

tidy:
	@$(INSTALL) build test tidy
	@cmake --preset release -DSWELL_TESTS=ON $(CMAKE_FLAGS) --log-level=WARNING >/dev/null
	@clang-tidy -p $(BUILD) --quiet $$(git ls-files 'src/*.c')

clean:
	@rm -rf build
