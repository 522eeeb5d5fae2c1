#!/bin/bash
# Models that lie, at the verbs a user meets them with: swell info, swell write, swell convert.  Each is refused with
# one line that names the file and what is wrong, nothing on standard output, and status 1.
# usage: hostile_test.sh PROGRAM
set -u
. "$(dirname "$0")/program.sh"
LC_ALL=C

for _ in $(seq 60); do echo "the cat sat on the mat and the dog on the log."; done >"$dir/text.txt"
"$swell" train tokenizer --data "$dir/text.txt" --vocabulary 280 --out "$dir/tokens.json" >"$dir/out" 2>"$dir/err" ||
    fail "a tokenizer: $(cat "$dir/err")"
mkdir -p "$dir/folder"
for out in good.gguf folder/model.safetensors; do
    "$swell" train gpt --data "$dir/text.txt" --tokenizer "$dir/tokens.json" --network llama --layers 1 --width 32 --heads 2 \
        --context 16 --steps 0 --out "$dir/$out" >"$dir/out" 2>"$dir/err" </dev/null || fail "a model: $(cat "$dir/err")"
done
"$swell" write the --model "$dir/good.gguf" -n 2 >"$dir/out" 2>"$dir/err" || fail "the good one: $(cat "$dir/err")"
"$swell" write the --model "$dir/folder" -n 2 >"$dir/out" 2>"$dir/err" || fail "the good folder: $(cat "$dir/err")"

# A number of so many bytes, little-endian, as printf has it.
number() # value, bytes
{
    local x=$1 i
    for ((i = 0; i < $2; i++)); do printf '\\x%02x' $((x & 255)); x=$((x >> 8)); done
}

poke() # file, offset, value, bytes
{
    printf "$(number "$3" "$4")" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# Where a text of the good file ends.
behind() # text
{
    local at
    at=$(grep -obUa -m1 -- "$1" "$dir/good.gguf" | head -1 | cut -d: -f1)
    echo $((at + ${#1}))
}

# A copy of the good file with a number changed, refused by all verbs that would read it.
lies() # what it says, offset, value, bytes
{
    cp "$dir/good.gguf" "$dir/bad.gguf"
    poke "$dir/bad.gguf" "$2" "$3" "$4"
    refused "$1" info "$dir/bad.gguf"
    refused "$1" write the --model "$dir/bad.gguf" -n 1
    refused "$1" convert "$dir/bad.gguf" "$dir/never.gguf" --type q8_0
    grep -qF "bad.gguf" "$dir/err" || fail "the file is not named: $(cat "$dir/err")"
    [ -e "$dir/never.gguf" ] && fail "a file was made of it" && rm -f "$dir/never.gguf"
}

# The same where the numbers are only wrong for the network.
misfits() # what write says, offset, value, bytes
{
    cp "$dir/good.gguf" "$dir/bad.gguf"
    poke "$dir/bad.gguf" "$2" "$3" "$4"
    refused "$1" write the --model "$dir/bad.gguf" -n 1
    grep -qF "bad.gguf" "$dir/err" || fail "the file is not named: $(cat "$dir/err")"
}

# ---- GGUF: counts, versions --------------------------------------------------------------------------------------
lies "version" 4 1 4
lies "version" 4 99 4
lies "" 8 $((1 << 62)) 8   # tensors
lies "" 8 -1 8
lies "" 8 100000 8
lies "" 16 $((1 << 62)) 8  # pairs
lies "" 16 1000 8
lies "" 16 1 8
lies "" "$(behind general.architecture)" 77 4                                      # the type of a value
lies "" $(($(behind general.architecture) + 4)) $((1 << 40)) 8                     # the length of a text
lies "" $(($(behind tokenizer.ggml.tokens) + 8)) $((1 << 40)) 8                    # how many tokens
lies "" $(($(behind tokenizer.ggml.tokens) + 4)) 9 4                               # arrays of arrays

# ---- GGUF: tensors: rank u32, dims u64, type u32, offset u64 -------------------------------------------------------
at=$(behind blk.0.ffn_up.weight)
lies "" "$at" 9 4
lies "" "$at" 0 4
lies "" $((at + 4)) $((1 << 62)) 8  # absurd dimensions
lies "" $((at + 4)) -1 8
lies "" $((at + 12)) $((1 << 50)) 8
lies "" $((at + 20)) 99 4           # an unknown type
lies "" $((at + 20)) 4 4            # one that was taken back
lies "" $((at + 24)) $((1 << 40)) 8 # behind the end
lies "" $((at + 24)) 7 8            # not aligned
misfits "blk.0.ffn_up.weight" $((at + 4)) 16 8
misfits "" "$(($(behind llama.block_count) + 4))" 7 4
misfits "" "$(($(behind llama.block_count) + 4))" 0 4
misfits "" "$(($(behind llama.embedding_length) + 4))" 2000000000 4
misfits "" "$(($(behind llama.attention.head_count) + 4))" 3 4
misfits "" "$(($(behind llama.attention.head_count) + 4))" 0 4
misfits "" "$(($(behind llama.context_length) + 4))" 0 4

size=$(stat -c %s "$dir/good.gguf")
for bytes in 0 3 4 20 24 100 1000 $((size / 2)) $((size - 1)); do
    head -c "$bytes" "$dir/good.gguf" >"$dir/bad.gguf"
    refused "bad.gguf" info "$dir/bad.gguf"
    refused "bad.gguf" write the --model "$dir/bad.gguf" -n 1
done

# ---- GGUF: files of a split model -----------------------------------------------------------------------------------
part() # file, number, count
{
    {
        printf 'GGUF\x03\x00\x00\x00'
        printf "$(number 0 8)$(number 3 8)"
        printf "$(number 8 8)split.no$(number 2 4)$(number "$2" 2)"
        printf "$(number 11 8)split.count$(number 2 4)$(number "$3" 2)"
        printf "$(number 19 8)split.tensors.count$(number 5 4)$(number 0 4)"
    } >"$dir/$1"
}
part s-00001-of-00002.gguf 0 2
refused "s-00002-of-00002.gguf" info "$dir/s-00001-of-00002.gguf" # is not there
cp "$dir/s-00001-of-00002.gguf" "$dir/s-00002-of-00002.gguf"      # a part that is the first again
refused "gguf" info "$dir/s-00001-of-00002.gguf"
refused "gguf" write the --model "$dir/s-00002-of-00002.gguf" -n 1
ln -sf s-00001-of-00002.gguf "$dir/s-00002-of-00002.gguf"
refused "gguf" info "$dir/s-00001-of-00002.gguf"
part s-00002-of-00002.gguf 1 3 # they do not agree how many there are
refused "gguf" info "$dir/s-00001-of-00002.gguf"
part s-00001-of-00002.gguf 0 65535
refused "gguf" info "$dir/s-00001-of-00002.gguf"
ln -sf loop.gguf "$dir/loop.gguf"
refused "loop.gguf" info "$dir/loop.gguf"

# ---- vocabularies -----------------------------------------------------------------------------------------------------
misfits "special token 90000 is none of the" $(($(behind tokenizer.ggml.eos_token_id) + 4)) 90000 4
misfits "tokenizer" $(($(behind tokenizer.ggml.model) + 12)) $((0x74706768)) 4 # "gpt2": another kind
misfits "" $(($(behind tokenizer.ggml.token_type) + 8)) 1 8

with_tokenizer() # what is said, a change of tokenizer.json (sed)
{
    sed "$2" "$dir/tokens.json" >"$dir/lie.json"
    cmp -s "$dir/tokens.json" "$dir/lie.json" && fail "'$2' changes nothing"
    refused "$1" write the --model "$dir/good.gguf" --tokenizer "$dir/lie.json" -n 1
    refused "$1" tokenize --model "$dir/lie.json"
}
with_tokenizer "id 9000000 in a vocabulary of" 's/"a":\([0-9]*\)/"a":9000000/'
with_tokenizer "its id is no number" 's/"a":\([0-9]*\)/"a":-1/'
with_tokenizer "both have id" 's/"a":\([0-9]*\)/"a":5/'
with_tokenizer "is no token" 's/"merges":\[/"merges":[["t","zz"],/'
with_tokenizer "is not known" 's/"type":"BPE"/"type":"Unigram"/'
with_tokenizer "offset" 's/"vocab":{/"vocab":{,/'
with_tokenizer "regular expression" 's/"pretokenizers":\[/"pretokenizers":[{"type":"Split","pattern":{"Regex":"(("}},/'

# ---- folders ------------------------------------------------------------------------------------------------------------
config() # what is said, a change of config.json (sed)
{
    cp "$dir/folder/config.json" "$dir/config.json"
    sed -i "$2" "$dir/folder/config.json"
    cmp -s "$dir/config.json" "$dir/folder/config.json" && fail "'$2' changes nothing"
    refused "$1" write the --model "$dir/folder" -n 1
    refused "$1" convert "$dir/folder" "$dir/never.gguf"
    [ -e "$dir/never.gguf" ] && fail "a file was made of it" && rm -f "$dir/never.gguf"
    mv "$dir/config.json" "$dir/folder/config.json"
}
config "hidden 1000000000" 's/"intermediate_size": 96/"intermediate_size": 1000000000/'
config "layers -1" 's/"num_hidden_layers": 1/"num_hidden_layers": -1/'
config "heads 0" 's/"num_attention_heads": 2/"num_attention_heads": 0/'
config "there is no tensor 'blk.1" 's/"num_hidden_layers": 1/"num_hidden_layers": 2/'
config "the network needs" 's/"vocab_size": /"vocab_size": 1/'
config "rope with base" 's/"rope_theta": 10000.0/"rope_theta": -1/'
config "is not known" 's/"model_type": "llama"/"model_type": "mamba"/'
config "offset" 's/^{/[{/'
config "rope scaling 'magic' is not known" 's/^{/{"rope_scaling": {"rope_type": "magic"},/'
config "has 1 numbers, not 8" \
    's/^{/{"rope_scaling": {"rope_type": "longrope", "short_factor": [1], "long_factor": [1]}, "original_max_position_embeddings": 8,/'
poke "$dir/folder/model.safetensors" 0 $((1 << 40)) 8
refused "model.safetensors" write the --model "$dir/folder" -n 1
rm "$dir/folder/model.safetensors"
refused "model.safetensors" write the --model "$dir/folder" -n 1

[ $failed = 0 ] && echo "hostile_test: all as expected"
exit $failed
