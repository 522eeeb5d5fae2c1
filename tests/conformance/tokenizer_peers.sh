#!/bin/bash
# tokenizer_peers.sh SWELL SHARED: the ids of a megabyte of many scripts, code, emoji and broken UTF-8 are those of
# npm's tiktoken (r50k, cl100k, o200k), llama-tokenizer-js and @huggingface/tokenizers; and the bytes come back.
#
# A GGUF that swell train gpt writes with each of these tokenizers has the same ids, in llama.cpp too where
# node-llama-cpp is in $SWELL_LLAMACPP (default /tmp/llamacpp).
#
# The packages lie in a folder with node_modules that $SWELL_TOKENIZERS names (npm install --prefix /tmp/tokenizers
# tiktoken llama-tokenizer-js @huggingface/tokenizers: the default); exit 77 where one is absent.
set -uo pipefail

modules=${SWELL_TOKENIZERS:-/tmp/tokenizers}/node_modules
for package in tiktoken llama-tokenizer-js @huggingface/tokenizers; do
    if ! command -v node >/dev/null || [ ! -d "$modules/$package" ]; then
        echo "skipped: no node, or no $package in $modules"
        exit 77
    fi
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
node "$(dirname "$0")/tokenizer_peers.mjs" "$1" "$2" "$modules" "$work"
