#!/bin/bash
# swell write with a real model: llama2.c's own text at temperature 0, whatever way it is asked for; and what it
# refuses.
# usage: write_test.sh PROGRAM SOURCE
set -u
. "$(dirname "$0")/program.sh"
shared=$2/../shared
stories=$shared/data/weights/stories260K
if [ ! -f "$stories/stories260K.bin" ]; then
    echo "no stories260K in $stories: skipped"
    exit 77
fi
expected=$shared/vectors/stories260K_greedy_256.txt

write()
{
    "$swell" write --model "$stories/stories260K.bin" --tokenizer "$stories/tok512.bin" "$@"
}

# ---- the text of llama2.c ------------------------------------------------------------------------------
for how in "" "--threads 1" "--threads 3" "--kv f32" "--lookup 8" "--chunk 7" "--context 512"; do
    write --temperature 0 $how >"$dir/text" 2>"$dir/err" || fail "'$how': $(cat "$dir/err")"
    cmp -s "$dir/text" "$expected" || fail "'$how' writes another text than llama2.c"
done
write "Once upon a time" --temperature 0 -n 200 --chunk 2 >"$dir/text"
head -c 400 "$dir/text" | cmp -s - <(head -c 400 "$expected") || fail "a text given is gone on with differently"
printf 'Once upon' | write - --temperature 0 -n 8 --only-new >"$dir/text"
head -c 7 "$dir/text" | cmp -s - <(printf ' a time') || fail "standard input: $(cat "$dir/text")"

cp "$stories/stories260K.bin" "$dir/tales.gguf"
SWELL_MODELS=$dir "$swell" write --tokenizer "$stories/tok512.bin" --temperature 0 >"$dir/text" 2>"$dir/err"
cmp -s "$dir/text" "$expected" || fail "the model of \$SWELL_MODELS: $(cat "$dir/err")"
grep -q 'that comes along' "$dir/err" || fail "no word about the model that was taken"

# ---- seeds, numbers, a full context --------------------------------------------------------------------
write --seed 3 -n 60 >"$dir/a"
write --seed 3 -n 60 --lookup 5 --threads 1 >"$dir/b"
write --seed 4 -n 60 >"$dir/c"
cmp -s "$dir/a" "$dir/b" || fail "one seed, two texts"
cmp -s "$dir/a" "$dir/c" && fail "two seeds, one text"
write --json -n 20 --temperature 0 | grep -q '"finish": "tokens"' || fail "--json says no finish"
write --stats -n 20 2>&1 >/dev/null | grep -q '^written .* 20 tokens' || fail "--stats counts no tokens"
write --context 40 --json -n 100 --ignore-end | grep -q '"finish": "context"' || fail "a full context goes on"
write --context 40 --json -n 100 --ignore-end --shift --keep 1 | grep -q '"finish": "tokens"' ||
    fail "a full context is not shifted"

# ---- text that has to fit ------------------------------------------------------------------------------
write --temperature 2 --only-new -n 24 --regex '[a-z]{3,9}(, [a-z]{2,5})*\.' >"$dir/text" 2>"$dir/err" ||
    fail "--regex: $(cat "$dir/err")"
grep -qxE '[a-z]{3,9}(, [a-z]{2,5})*\.' "$dir/text" || fail "--regex: $(cat "$dir/text")"
echo '{"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}},
       "required": ["name", "age"], "additionalProperties": false}' >"$dir/schema.json"
for seed in 1 2 3 4 5; do
    write "Lily " --temperature 2 --seed $seed --only-new -n 40 --schema "$dir/schema.json" --lookup $seed >"$dir/text"
    grep -qE '^ *\{.*"name".*"age".*-?[0-9]+.*\}$' "$dir/text" || fail "--schema: $(cat "$dir/text")"
done

# ---- how well it foresees: its own likeliest words, and the same words in another order ------------------
perplexity()
{
    "$swell" bench perplexity "$1" --model "$stories/stories260K.bin" --tokenizer "$stories/tok512.bin" --window 64 --json 2>/dev/null |
        sed -nE 's/.*"perplexity": ?([0-9.]+).*/\1/p'
}
tr ' ' '\n' <"$expected" | sort | tr '\n' ' ' >"$dir/sorted"
awk -v a="$(perplexity "$expected")" -v b="$(perplexity "$dir/sorted")" 'BEGIN { exit !(a > 1 && a < 4 && b > 10 * a) }' ||
    fail "perplexity: $(perplexity "$expected"), of sorted words $(perplexity "$dir/sorted")"

# ---- what it refuses -----------------------------------------------------------------------------------
"$swell" help write | grep -q '^example' || fail "help of write has no example"
long=$(printf 'word %.0s' {1..700})
m="--model $stories/stories260K.bin" t="--tokenizer $stories/tok512.bin"
refused "name one text" bench perplexity
refused "comes without a tokenizer" write hello $m
refused "tokens, the context 512: shorten it" write "$long" $m $t
refused "made for 512" write hello $m $t --context 513
refused "f16, bf16 or f32" write hello $m $t --kv q4
refused "one of --schema" write hello $m $t --regex a --schema b
refused "nothing.json: cannot read" write hello $m $t --schema nothing.json
refused "--regex: " write hello $m $t --regex '(a'
refused "tokens" write hello $m $t --regex '[0-9]{40}' -n 5
refused "--keep needs --shift" write hello $m $t --keep 3
refused "is another" write one two $m $t
refused "No such file" write hello $m $t --lora "$dir/nothing.gguf:0.5"
refused "does not begin with" write hello $m $t --lora "$stories/tok512.bin"
refused "cannot read" write hello --model "$dir/nothing.bin"
head -c 4000 "$stories/stories260K.bin" >"$dir/short.bin"
refused "its size does not follow" write hello --model "$dir/short.bin" $t
refused "neither GGUF nor" write hello --model "$expected"
write "$long" --shift -n 5 >"$dir/text" 2>&1 || fail "a long text is not shifted: $(cat "$dir/text")"
exit $failed
