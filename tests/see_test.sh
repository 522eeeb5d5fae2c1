#!/bin/bash
# swell see, as a user meets it: what it prints, which files it writes, what it makes of bad input.
# usage: see_test.sh PROGRAM SOURCE
set -u
. "$(dirname "$0")/program.sh"
pictures=$2/fuzz/corpus/picture

see()
{
    "$swell" see --model "$dir/model.safetensors" "$@" </dev/null
}

# ---- a model: a convnet of one step ------------------------------------------------------------------
field()
{
    printf "\\x$(printf %02x $(($1 >> 24 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))"
    printf "\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 & 255)))"
}

mkdir "$dir/data" "$dir/album" "$dir/album/more" "$dir/bad"
for part in train t10k; do
    { printf '\0\0\10\3' && field 40 && field 12 && field 12 && seq 1 20000 | head -c $((40 * 144)); } \
        >"$dir/data/$part-images-idx3-ubyte"
    { printf '\0\0\10\1' && field 40 && for i in 1 2 3 4; do printf '\0\1\2\3\4\5\6\7\10\11'; done; } \
        >"$dir/data/$part-labels-idx1-ubyte"
done
"$swell" train convnet --data "$dir/data" --batch 8 --epochs 1 --out "$dir/model.safetensors" >"$dir/out" 2>&1 ||
    fail "the model: $(cat "$dir/out")"

# ---- what it prints ------------------------------------------------------------------------------------
cp "$pictures"/{plain.png,deep.png,palette.png} "$dir/album"
cp "$pictures"/{cmyk.jpg,moving.webp} "$dir/album/more"
echo "not a picture" >"$dir/album/notes.txt"
"$swell" help see | grep -q '^example' || fail "help of see has no example"
see "$dir/album/plain.png" --top 3 >"$dir/out" 2>"$dir/err" || fail "a picture: $(cat "$dir/err")"
[ "$(wc -l <"$dir/out")" = 4 ] || fail "a picture and three classes: $(cat "$dir/out")"
head -1 "$dir/out" | grep -qF "$dir/album/plain.png" || fail "no name: $(cat "$dir/out")"
see "$dir/album" --json --top 2 >"$dir/all" 2>"$dir/err" || fail "a folder: $(cat "$dir/err")"
[ ! -s "$dir/err" ] || fail "a folder says $(cat "$dir/err")"
[ "$(sed -E 's/.*album.(.*)","top":.*/\1/' "$dir/all" | tr '\n' ' ')" = \
    "deep.png more/cmyk.jpg more/moving.webp palette.png plain.png " ] || fail "order: $(cat "$dir/all")"
grep -vqE '^\{"file":"[^"]*","top":\[\{"class":[0-9],"label":("[^"]*"|null),"p":[0-9.e-]+\},\{"class":[0-9],"label":("[^"]*"|null),"p":[0-9.e-]+\}\]\}$' \
    "$dir/all" && fail "JSON: $(cat "$dir/all")"
see "$dir/album/*.png" --json --top 2 2>&1 | cmp -s - <(grep -v more "$dir/all") || fail "a pattern"
"$swell" see - --model "$dir/model.safetensors" --json --top 2 <"$dir/album/plain.png" |
    sed 's/"file":"-"//' | cmp -s - <(grep plain "$dir/all" | sed 's/"file":"[^"]*"//') || fail "standard input"

# The same bits for any batch and any number of threads, alone and among others.
for how in "--threads 1" "--threads 3 --batch 2" "--batch 1"; do
    # shellcheck disable=SC2086  # several words
    see "$dir/album" --json --top 2 $how 2>&1 | cmp -s - "$dir/all" || fail "$how: other numbers"
done
see "$dir/album/plain.png" --json --top 2 | cmp -s - <(grep plain "$dir/all") || fail "alone: other numbers"
see "$dir/album" --json --crops 10 --batch 3 >"$dir/ten" || fail "ten crops"
see "$dir/album" --json --crops 10 --batch 100 | cmp -s - "$dir/ten" || fail "ten crops in another batch"

# Names that are no UTF-8, labels of a file.
odd=$dir/$'a"\xff\tb.png'
cp "$pictures/plain.png" "$odd"
printf 'zero\none "1"\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n\xc3\xa9t\xc3\xa9\n' >"$dir/labels"
see "$odd" --json --top 10 --labels "$dir/labels" >"$dir/out" || fail "an odd name"
grep -qF $'a\\"\xef\xbf\xbd\\u0009b.png' "$dir/out" || fail "an odd name: $(cat "$dir/out")"
grep -qF '"label":"one \"1\""' "$dir/out" && grep -qF $'\xc3\xa9t\xc3\xa9' "$dir/out" || fail "labels: $(cat "$dir/out")"
if command -v python3 >/dev/null; then
    python3 -c 'import json, sys
for line in sys.stdin.buffer: json.loads(line.decode("utf-8"))' <"$dir/out" || fail "python reads no JSON"
fi
see "$odd" --top 1 2>&1 | head -1 | grep -qP '\t' && fail "control characters reach the terminal"
see "$dir/album/plain.png" --labels fashion-mnist --top 10 | grep -q 'Ankle boot' || fail "built-in labels"

# ---- which files it writes -------------------------------------------------------------------------------
see "$dir/album" --features "$dir/f.npy" >/dev/null || fail "--features"
[ "$(stat -c %s "$dir/f.npy")" = $((128 + 5 * 128 * 4)) ] || fail "--features: $(stat -c %s "$dir/f.npy") bytes"
head -c 100 "$dir/f.npy" | grep -aq "'shape': (5, 128)" || fail "--features: $(head -c 100 "$dir/f.npy")"
see "$dir/album/plain.png" "$dir/album/more/cmyk.jpg" --neighbours "$dir/album" --nearest 2 --out "$dir/sheet.png" --json >"$dir/out" ||
    fail "--neighbours"
grep -q '"neighbours":\[{"file":".*","distance":[0-9.]*},{"file":".*","distance":[0-9.]*}\]}$' "$dir/out" || fail "neighbours: $(cat "$dir/out")"
head -1 "$dir/out" | grep -q 'neighbours.*plain.png' && fail "a picture is its own neighbour"
see "$dir/album/plain.png" --explain "$dir/why.png" --filters "$dir/filters.png" >/dev/null || fail "--explain, --filters"
see --filters "$dir/again.png" || fail "--filters alone"
cmp -s "$dir/filters.png" "$dir/again.png" || fail "--filters differ"
see "$dir/sheet.png" "$dir/why.png" "$dir/filters.png" >/dev/null 2>"$dir/err" || fail "drawings are no pictures: $(cat "$dir/err")"
see "$dir/album/plain.png" --features /nowhere/f.npy >/dev/null 2>"$dir/err" && fail "a file that cannot be written"
grep -q 'nowhere/f.npy: No such file' "$dir/err" || fail "a file that cannot be written: $(cat "$dir/err")"

# ---- bad input ----------------------------------------------------------------------------------------------
: >"$dir/bad/empty.jpg"
echo "this is text" >"$dir/bad/text.jpg"
head -c 60 "$pictures/plain.png" >"$dir/bad/short.png"
head -c 300 "$pictures/cmyk.jpg" >"$dir/bad/short.jpg"
head -c 40 "$pictures/plain.webp" >"$dir/bad/short.webp"
cp "$pictures/huge.png" "$pictures/other.gif" "$dir/bad"
one() { refused "$1" see --model "$dir/model.safetensors" "$dir/bad/$2"; }
one "an empty file" empty.jpg
one "no picture: JPEG, PNG and WebP are read" text.jpg
one "PNG: " short.png
one "JPEG: " short.jpg
one "WebP: " short.webp
one "pixels" huge.png
one "GIF; convert it" other.gif
one "No such file" nothing.jpg
cp "$pictures/plain.png" "$dir/bad/good.png"
see "$dir/bad" --json >"$dir/out" 2>"$dir/err" || fail "one good picture among bad ones"
[ "$(wc -l <"$dir/out")" = 1 ] || fail "one good picture: $(cat "$dir/out")"
[ "$(grep -c '^swell see: warning: .*; passed over$' "$dir/err")" = 7 ] || fail "warnings: $(cat "$dir/err")"
grep -q '^swell see: 7 of 8 pictures could not be read$' "$dir/err" || fail "a count: $(tail -1 "$dir/err")"
rm "$dir/bad/good.png"
see "$dir/bad" --features "$dir/none.npy" >/dev/null 2>&1 && fail "only bad pictures went well"
[ ! -e "$dir/none.npy" ] || fail "features of no picture"
ls "$dir" | grep -q 'tmp-' && fail "temporary files stay"

mkdir "$dir/empty" "$dir/loop"
cp "$pictures/plain.png" "$dir/loop"
ln -s . "$dir/loop/again"
[ "$(see "$dir/loop" --json | wc -l)" = 1 ] || fail "a folder in itself"
refused "no pictures in this folder" see "$dir/empty"
refused "no file is named like this" see "$dir/*.tiff"
refused "name a picture" see
refused "--crops 3" see x.jpg --crops 3
refused "--mean and --deviation go together" see x.jpg --mean 0.5
refused "--mean 1,2:" see x.jpg --mean 1,2
refused "--deviation: it is above 0" see x.jpg --mean 0 --deviation 0
refused "--out needs --neighbours" see x.jpg --out y.png
refused "--nearest needs --neighbours" see x.jpg --nearest 3
refused "--explain takes one picture" see x.jpg y.jpg --explain z.png
refused "not standard input" see - --explain z.png
refused "'-' twice" see - -
refused "--features needs a picture" see --filters a.png --features b.npy
refused "three numbers, but its pictures are grey" see "$dir/album/plain.png" --model "$dir/model.safetensors" --mean 1,2,3 --deviation 1
refused "8 labels for 10 classes" see x.jpg --model "$dir/model.safetensors" --labels <(seq 8)
refused "labels for 10 classes" see x.jpg --model "$dir/model.safetensors" --labels imagenet
refused "--labels $dir/nothing: No such file" see x.jpg --labels "$dir/nothing"

# Models.
refused "No such file" see x.jpg --model "$dir/nothing.onnx"
refused "of no network" see x.jpg --model "$2/fuzz/corpus/torch/plain.pth"
refused "evil.pth" see x.jpg --model "$2/fuzz/corpus/torch/evil.pth"
for bad in cycle missing giant_shape giant_tensor unknown_op opset99 text external; do
    refused "$bad.onnx" see x.jpg --model "$2/fuzz/corpus/onnx/$bad.onnx"
done
head -c 3000 "$dir/model.safetensors" >"$dir/cut.safetensors"
refused "cut.safetensors: " see x.jpg --model "$dir/cut.safetensors"
SWELL_MODELS=$dir "$swell" see "$dir/album/plain.png" --model model >/dev/null 2>&1 || fail "a model by name"
cp "$dir/model.safetensors" "$dir/cifar10.safetensors"
SWELL_MODELS=$dir "$swell" see "$dir/album/plain.png" >/dev/null 2>"$dir/err" || fail "the default model"
grep -q 'knows 10 things in 12 x 12 pixels' "$dir/err" && grep -q -- '--model FILE' "$dir/err" || fail "the default model says: $(cat "$dir/err")"

[ $failed = 0 ] && echo "swell see does what it says"
exit $failed
