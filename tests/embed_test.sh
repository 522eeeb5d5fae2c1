#!/bin/bash
# swell embed: the same vectors in every form of output and in any company, and what it refuses.  The model is random:
# what its vectors must be, conformance/embeddings.sh and unit_embedder know.
# usage: embed_test.sh PROGRAM EMBEDDING_RANDOM SHARED
set -u
. "$(dirname "$0")/program.sh"
vocabulary=$3/data/tokenizers/ggml-vocab-bert-bge.gguf
if [ ! -f "$vocabulary" ]; then
    echo "no $vocabulary: skipped"
    exit 77
fi
m=$dir/bert.gguf
"$2" bert f16 2 "$vocabulary" "$m" || exit 1

# ---- one vector, many ways -------------------------------------------------------------------------------
printf 'a red car\r\na scarlet automobile\n\nsoup' >"$dir/lines"
"$swell" embed --model "$m" --json <"$dir/lines" >"$dir/stdin" 2>"$dir/err" || fail "lines: $(cat "$dir/err")"
[ "$(wc -l <"$dir/stdin")" = 4 ] || fail "four lines are not four vectors"
grep -q '^{"index": 2, "tokens": 2, ' "$dir/stdin" || fail "an empty line is not [CLS] [SEP]"
for how in "--file $dir/lines" "--file $dir/lines --threads 1" "--file $dir/lines --pooling cls" "- --threads 3"; do
    # shellcheck disable=SC2086
    "$swell" embed --model "$m" --json $how <"$dir/lines" | cmp -s - "$dir/stdin" || fail "$how: other vectors"
done
"$swell" embed soup --model "$m" --json | sed 's/"index": 0/"index": 3/' | cmp -s - <(tail -1 "$dir/stdin") ||
    fail "a text alone has another vector"
"$swell" embed soup --model "$m" --json --raw | cmp -s - <("$swell" embed soup --model "$m" --json) && fail "--raw changes nothing"
"$swell" embed soup --model "$m" --json --pooling mean | cmp -s - <("$swell" embed soup --model "$m" --json) &&
    fail "--pooling changes nothing"
seq 300 | sed 's/^/text number /' >"$dir/many"
"$swell" embed --model "$m" --file "$dir/many" --json 2>/dev/null | tail -1 | sed 's/"index": 299/"index": 0/' |
    cmp -s - <("$swell" embed "text number 300" --model "$m" --json) || fail "the last of 300 has another vector"
awk -F'[][]' 'NR == 4 { n = split($2, x, ", "); for (i = 1; i <= n; i++) s += x[i] * x[i]; exit !(n == 256 && s > 0.999999 && s < 1.000001) }' \
    "$dir/stdin" || fail "a vector is not of length 1"

# ---- other forms ---------------------------------------------------------------------------------------
"$swell" embed soup --model "$m" | grep -qE '^\[( ?-?[0-9.]+, ){6}\.\.\.\] soup$' || fail "$("$swell" embed soup --model "$m")"
"$swell" embed "red car" --model "$m" --pooling none | grep -q '\] \[CLS\]$' || fail "no vector of [CLS]"
"$swell" embed "red car" --model "$m" --pooling none --json | grep -q '"tokens": 4, "embedding": \[\[.*\], \[.*\]\]}' || fail "--pooling none --json"
"$swell" embed --file "$dir/lines" --model "$m" --out "$dir/v.npy" | grep -q '4 vectors of 256 numbers' || fail "--out says nothing"
[ "$(stat -c %s "$dir/v.npy")" = $((128 + 4 * 256 * 4)) ] || fail "v.npy has another size"
head -c 128 "$dir/v.npy" | grep -aq "'shape': (4, 256)" || fail "v.npy has another shape"
"$swell" embed --file "$dir/lines" --model "$m" --similarity >"$dir/table"
grep -qE '^  1\.000 .*  1 a red car$' "$dir/table" || fail "the table: $(cat "$dir/table")"
"$swell" embed --file "$dir/lines" --model "$m" --similarity --json | grep -q '^\[1\.000000, ' || fail "--similarity --json"

# ---- what a model is; quantised -----------------------------------------------------------------------------
"$swell" info "$m" | grep -q 'an encoder .*256 numbers, pooling cls' || fail "info knows no pooling"
"$swell" info "$m" --json | grep -q '"pooling": "cls"' || fail "info --json knows no pooling"
"$swell" convert "$m" "$dir/q8.gguf" --type q8_0 2>/dev/null || fail "convert"
"$swell" embed soup --model "$dir/q8.gguf" --json >/dev/null || fail "a model that was quantised"

# ---- what it refuses -----------------------------------------------------------------------------------
long=$(printf 'word %.0s' {1..600})
refused "name a model" embed soup
refused "cls, mean, last or none" embed soup --model "$m" --pooling max
refused "text 2: a text of 602 tokens, the context has room for 512: shorten it, or --truncate" embed a "$long" --model "$m"
"$swell" embed "$long" --model "$m" --truncate --json | grep -q '"tokens": 512,' || fail "--truncate"
refused "made for 512" embed a --model "$m" --context 513
refused "a text too" embed a --file "$dir/lines" --model "$m"
refused "is of texts" embed a b --model "$m" --similarity --pooling none
refused "nothing.txt: cannot read" embed --file "$dir/nothing.txt" --model "$m"
refused "cannot write" embed a --model "$m" --out "$dir/nowhere/v.npy"
refused "it embeds (swell embed)" write a --model "$m"
: >"$dir/empty"
refused "no text" embed --file "$dir/empty" --model "$m"
"$2" pool 4 "$m" "$dir/rank.gguf" && refused "its pooling 'rank' is not known" embed a --model "$dir/rank.gguf"
exit $failed
