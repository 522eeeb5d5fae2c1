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

# ---- a draft: the model itself is always right ----------------------------------------------------------
write --temperature 0 --draft "$stories/stories260K.bin" --draft-tokens 3 --stats >"$dir/text" 2>"$dir/err" || fail "--draft: $(cat "$dir/err")"
cmp -s "$dir/text" "$expected" || fail "a draft changes the text"
grep -qE '^guessed +1[0-9][0-9] tokens, 1[0-9][0-9] right' "$dir/err" || fail "--draft: $(grep guessed "$dir/err")"
write --draft "$stories/stories260K.bin" --draft-tokens 3 -n 100 --seed 2 >"$dir/a"
write --draft "$stories/stories260K.bin" --draft-tokens 3 -n 100 --seed 2 --threads 1 >"$dir/b"
cmp -s "$dir/a" "$dir/b" || fail "a draft and one seed, two texts"

# ---- saved sessions: in two parts as in one ------------------------------------------------------------
write "Once upon a time" --temperature 0 -n 60 --save "$dir/session" >"$dir/a" || fail "--save"
write --session "$dir/session" --temperature 0 -n 80 >"$dir/b" 2>"$dir/err" || fail "--session: $(cat "$dir/err")"
{ head -c -1 "$dir/a" && cat "$dir/b"; } >"$dir/two"
write "Once upon a time" --temperature 0 -n 140 | cmp -s - "$dir/two" || fail "a session goes on with another text"
write "Once upon a time, there was a cat" --session "$dir/session" --temperature 0 -n 30 --stats >"$dir/a" 2>"$dir/err"
write "Once upon a time, there was a cat" --temperature 0 -n 30 | cmp -s - "$dir/a" || fail "a session changes the text"
grep -qE '^session +[1-9][0-9]? of these tokens' "$dir/err" || fail "nothing of a session is used: $(cat "$dir/err")"

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

# ---- samplers: off is as if nothing was said, on changes the text ---------------------------------------
text="Once upon a time, there was a little dog. The little dog was a little dog."
plain()
{
    write "$text" --only-new -n 40 --seed 5 "$@" 2>&1
}
plain --top-k 0 --top-p 1 --min-p 0 >"$dir/plain"
for off in "--typical 1" "--xtc-probability 0" "--repeat-penalty 1" "--presence-penalty 0" "--frequency-penalty 0" \
    "--repeat-penalty 1.9 --repeat-last-n 0" "--dry-multiplier 0" "--dry-multiplier 9 --dry-penalty-last-n 0" \
    "--dry-multiplier 9 --dry-allowed-length 100" "--logit-bias 300+0" "--mirostat 0" "--temperature 0.8"; do
    plain --top-k 0 --top-p 1 --min-p 0 $off | cmp -s - "$dir/plain" || fail "$off is not off"
done
for on in "--top-k 2" "--top-p 0.3" "--min-p 0.5" "--typical 0.2" "--xtc-probability 1 --xtc-threshold 0.01" \
    "--repeat-penalty 1.9" "--presence-penalty 3" "--frequency-penalty 3" "--dry-multiplier 9" "--logit-bias .-inf" \
    "--temperature 0.2"; do
    plain --top-k 0 --top-p 1 --min-p 0 $on | cmp -s - "$dir/plain" && fail "$on changes nothing"
done
plain --mirostat 2 >"$dir/a"
plain --mirostat 2 --mirostat-ent 5 --mirostat-lr 0.1 | cmp -s - "$dir/a" || fail "mirostat's defaults"
plain --mirostat 2 --mirostat-ent 0.5 | cmp -s - "$dir/a" && fail "--mirostat-ent changes nothing"
plain --mirostat 2 --mirostat-ent 1 --mirostat-lr 0.9 >"$dir/b"
plain --mirostat 2 --mirostat-ent 1 | cmp -s - "$dir/b" && fail "--mirostat-lr changes nothing"
plain --logit-bias .-inf | grep -qF . && fail "--logit-bias -inf: a full stop was written"
plain --logit-bias 430+1e9 -n 3 >"$dir/a"
plain --logit-bias 430+2e9 -n 9 >"$dir/b"
[ "$(sed 's/^ *//' "$dir/b")" = "$(sed 's/^ *\(.*\)$/\1\1\1/' "$dir/a")" ] || fail "--logit-bias by number: $(cat "$dir/a" "$dir/b")"
# DRY, at temperature 0: a text that repeats itself goes on repeating, but not with it; not over what breaks it.
repeats="The dog ran to the big red tree. The cat ran to the big red tree. The dog ran to the big red"
plain="$(write "$repeats" --only-new -n 1 --temperature 0)"
[ "$plain" = " t" ] || fail "nothing repeats itself: $plain"
for dry in "" "--dry-base 1" "--dry-allowed-length 5" "--dry-penalty-last-n 30" "--dry-sequence-breaker none" \
    "--dry-sequence-breaker . --dry-sequence-breaker \n"; do
    [ "$(write "$repeats" --only-new -n 1 --temperature 0 --dry-multiplier 50 $dry)" = "$plain" ] && fail "DRY $dry repeats"
done
for dry in "--dry-allowed-length 40" "--dry-penalty-last-n 5" "--dry-sequence-breaker d"; do
    [ "$(write "$repeats" --only-new -n 1 --temperature 0 --dry-multiplier 50 $dry)" = "$plain" ] || fail "DRY $dry does not"
done

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
refused "it can be f16, bf16, f32, q8_0" write hello $m $t --kv q4
refused "heads of a multiple of 32, not 8" write hello $m $t --kv q8_0
refused "takes the place of --top-k" write hello $m $t --mirostat 2 --top-k 3
refused "takes the place of --xtc-probability" write hello $m $t --mirostat 2 --xtc-probability 0.1
refused "--mirostat needs a --temperature" write hello $m $t --mirostat 2 --temperature 0
refused "--mirostat-ent needs --mirostat" write hello $m $t --mirostat-ent 3
refused "it can be 0, 2" write hello $m $t --mirostat 1
refused "--dry-base needs --dry-multiplier" write hello $m $t --dry-base 2
refused "--xtc-threshold needs" write hello $m $t --xtc-threshold 0.2
refused "--repeat-last-n needs" write hello $m $t --repeat-last-n 3
refused "no token has this text" write hello $m $t --dry-multiplier 1 --dry-sequence-breaker "no such thing"
refused "is not one token" write hello $m $t --logit-bias "no such thing-3"
refused "not TOKEN+BIAS" write hello $m $t --logit-bias 12
refused "not TOKEN+BIAS" write hello $m $t --logit-bias 12+inf
refused "the vocabulary has 512 tokens" write hello $m $t --logit-bias 512-3
refused "not a number from 0.0001 to 0.5" write hello $m $t --xtc-probability 0.1 --xtc-threshold 0.6
refused "--tokens x: not a whole number" write hello $m $t -n x
refused "one of --schema" write hello $m $t --regex a --schema b
refused "nothing.json: cannot read" write hello $m $t --schema nothing.json
refused "--regex: " write hello $m $t --regex '(a'
refused "tokens" write hello $m $t --regex '[0-9]{40}' -n 5
refused "--keep needs --shift" write hello $m $t --keep 3
refused "--draft-tokens needs --draft" write hello $m $t --draft-tokens 3
refused "one of --lookup and --draft" write hello $m $t --draft x --lookup 3
refused "nothing.gguf: cannot read" write hello $m $t --draft "$dir/nothing.gguf"
refused "--save /no/such/folder/s: cannot be written" write hello $m $t --save /no/such/folder/s
refused "nothing: cannot read" write hello $m $t --session "$dir/nothing"
refused "comes without a tokenizer" write $m --session "$dir/session"
refused "not a saved session" write hello $m $t --session "$expected"
refused "are f16, those of the model f32" write hello $m $t --session "$dir/session" --kv f32
printf x | dd of="$dir/session" bs=1 seek=3000 conv=notrunc 2>/dev/null
refused "damaged: its checksum is another" write hello $m $t --session "$dir/session"
refused "is another" write one two $m $t
refused "No such file" write hello $m $t --lora "$dir/nothing.gguf:0.5"
refused "does not begin with" write hello $m $t --lora "$stories/tok512.bin"
refused "cannot read" write hello --model "$dir/nothing.bin"
head -c 4000 "$stories/stories260K.bin" >"$dir/short.bin"
refused "its size does not follow" write hello --model "$dir/short.bin" $t
refused "neither GGUF nor" write hello --model "$expected"
write "$long" --shift -n 5 >"$dir/text" 2>&1 || fail "a long text is not shifted: $(cat "$dir/text")"
exit $failed
