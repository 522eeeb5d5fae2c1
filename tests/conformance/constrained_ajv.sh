#!/bin/bash
# constrained_ajv.sh SOURCE TEXTS: texts that random logits make under 500 random schemas, with the vocabulary of a real
# model, are valid for ajv.  Its npm packages are looked for in $SWELL_AJV (npm install --prefix /tmp/ajv ajv ajv-formats: the
# default), vocabularies in ../shared beside the checkout; exit 77 where either is absent.
set -euo pipefail

source=$1 texts=$2
folder=${SWELL_AJV:-/tmp/ajv}
tokenizer=
for place in "$source/../shared" "$source/../../shared"; do
    [ -d "$place/data/tokenizers" ] && tokenizer=$place/data/tokenizers/ggml-vocab-llama-spm.gguf
done
if [ -z "$tokenizer" ] || ! command -v node >/dev/null || [ ! -d "$folder/node_modules/ajv-formats" ]; then
    echo "skipped: no shared/data/tokenizers beside the checkout, or no ajv and ajv-formats in $folder"
    exit 77
fi
"$texts" "$tokenizer" | node "$(dirname "$0")/constrained_ajv.cjs" "$folder"
