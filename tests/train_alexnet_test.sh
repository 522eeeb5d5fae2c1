#!/bin/bash
# swell train alexnet as a user meets it: two classes that must be learned, photos of many sizes with bad
# ones among them, the same bits for any threads and after an interruption, fine-tuning, refusals.
# usage: train_alexnet_test.sh PROGRAM FOLDER-OF-PICTURES
set -u
. "$(dirname "$0")/program.sh"
corpus=$2

trained() # arguments ...
{
    "$swell" train alexnet "$@" >"$dir/out" 2>"$dir/err" </dev/null || fail "'$*' said: $(cat "$dir/err")"
}

# Bytes of a tensor of a safetensors file.
tensor() # file, name
{
    local size header from to
    size=$(od -An -tu8 -N8 "$1" | tr -d ' ')
    header=$(tail -c +9 "$1" | head -c "$size")
    read -r from to < <(sed -E "s/.*\"$2\":\{[^}]*\"data_offsets\":\[([0-9]+),([0-9]+)\].*/\1 \2/" <<<"$header")
    tail -c +$((9 + size + from)) "$1" | head -c $((to - from)) | md5sum
}

# ---- two classes: stripes along and across, of all brightnesses --------------------------------------------
records() # count, first seed
{
    LC_ALL=C awk -v n="$1" -v seed="$2" 'BEGIN {
        srand(seed)
        for (i = 0; i < n; i++) {
            label = int(rand() * 2); dark = int(rand() * 100) + 1; bright = dark + 100; phase = int(rand() * 8)
            printf "%s", label ? "\001" : "@"
            for (c = 0; c < 3; c++) for (y = 0; y < 32; y++) for (x = 0; x < 32; x++)
                printf "%c", ((label ? x : y) + phase) % 8 < 4 ? dark : bright
        }
    }' | tr '@' '\0'
}
mkdir "$dir/two"
# awk writes no zero bytes: '@' stands for the label 0, and where it is a pixel it becomes black, which harms nobody.
records 200 1 >"$dir/two/data_batch_1.bin"
records 60 2 >"$dir/two/test_batch.bin"
[ "$(stat -c %s "$dir/two/data_batch_1.bin")" = $((200 * 3073)) ] || fail "the test cannot make its data"
convnet=(--network convnet --optimizer adamw --rate 0.003 --schedule cosine --decay 0.01)
trained --data "$dir/two" "${convnet[@]}" --batch 20 --epochs 4 --mirror random --pad 2 --out "$dir/two.safetensors" \
    --log "$dir/log" --curve "$dir/c.svg" --confusion "$dir/confusion.json" --crops 6
accuracy=$(sed -n 's/.*"test_accuracy":\([0-9.]*\).*/\1/p' "$dir/log")
awk -v a="$accuracy" 'BEGIN { exit !(a >= 0.95) }' || fail "stripes are told apart at $accuracy"
grep -q '"crops":6,"crops_accuracy":' "$dir/log" || fail "no accuracy by six views"
grep -q '"epoch":1,"step":10,"validation_loss":' "$dir/log" || fail "no record of an epoch"
grep -q '"read_work_seconds":' "$dir/log" || fail "no times of reading"
grep -q 'validation accuracy' "$dir/c.svg" && grep -q '</svg>' "$dir/c.svg" || fail "the curve: $(head -3 "$dir/c.svg")"
sum=$(tr -d '\n' <"$dir/confusion.json" | sed 's/.*"confusion"://' | tr -c '0-9' '\n' | awk '{ n += $1 } END { print n }')
[ "$sum" = 60 ] || fail "the confusion matrix holds $sum pictures, not 60"
"$swell" train alexnet --data "$dir/two" --from "$dir/two.safetensors" --epochs 0 --json 2>"$dir/err" |
    tail -1 | grep -q "\"test_accuracy\":$accuracy" || fail "read back, another accuracy than $accuracy: $(cat "$dir/err")"
trained --data "$dir/two" --from "$dir/two.safetensors" --epochs 0 --half --out "$dir/half.safetensors"
[ "$(stat -c %s "$dir/half.safetensors")" -lt $(($(stat -c %s "$dir/two.safetensors") * 6 / 10)) ] || fail "--half is not half"
"$swell" train alexnet --data "$dir/two" --from "$dir/half.safetensors" --epochs 0 --json 2>/dev/null |
    tail -1 | grep -q '"test_accuracy":0.9\|"test_accuracy":1' || fail "weights of f16 are worse"
head -c 2000 "$dir/two.safetensors" | grep -q '"network":"convnet"' || fail "the file does not name its network"
head -c 2000 "$dir/two.safetensors" | grep -q 'airplane' || fail "the file has no labels"

# ---- photos: many sizes, bad ones among them ------------------------------------------------------------------
mkdir -p "$dir/photos/train/a" "$dir/photos/train/b" "$dir/photos/val/a" "$dir/photos/val/b"
for i in 1 2 3; do
    cp "$corpus/plain.png" "$dir/photos/train/a/plain$i.png"
    cp "$corpus/turned$i.jpg" "$dir/photos/train/a"
    cp "$corpus/lossy.webp" "$dir/photos/train/b/lossy$i.webp"
    cp "$corpus/turned6.png" "$dir/photos/train/b/turned$i.png"
    cp "$corpus/grey.jpg" "$dir/photos/train/b/grey$i.jpg"
done
cp "$corpus/cmyk.jpg" "$corpus/huge.png" "$dir/photos/train/a"
LC_ALL=C sed 's/Exif/Exix/' "$corpus/turned6.jpg" >"$dir/photos/train/b/sideways.jpg" # 16 x 24, the others 24 x 16: so they stay files
cp "$corpus/progressive.jpg" "$dir/photos/val/a"
cp "$corpus/turned7.jpg" "$dir/photos/val/b"
echo "no picture" >"$dir/photos/train/a/text.jpg"
: >"$dir/photos/train/b/empty.png"
printf 'path,label\ntrain/a/plain1.png,a\nval/b/turned7.jpg,b\n' >"$dir/photos/list.csv"
photos=(--data "$dir/photos" --network resnet20 --short-side 40 --recipe today --batch 8 --mirror alternate --pad 3
    --cutout 8 --mixup 0.3 --jitter 0.1 --ema 0.9 --label-smoothing 0.1)
trained "${photos[@]}" --epochs 2 --threads 1 --out "$dir/one.safetensors"
grep -q '3 pictures could not be read' "$dir/out" || fail "bad pictures are not counted: $(cat "$dir/out")"
[ "$(grep -c 'left out$' "$dir/err")" = 3 ] || fail "not three warnings: $(cat "$dir/err")"
grep -q 'huge.png: ' "$dir/err" || fail "huge.png is not named"
trained "${photos[@]}" --epochs 2 --threads 3 --out "$dir/three.safetensors"
cmp -s "$dir/one.safetensors" "$dir/three.safetensors" || fail "three threads gave other weights"
trained "${photos[@]}" --epochs 2 --seed 2 --out "$dir/two.seed"
cmp -s "$dir/one.safetensors" "$dir/two.seed" && fail "another seed gave the same weights"
trained --data "$dir/photos/list.csv" --val "$dir/photos/val" --network resnet20 --batch 2 --epochs 1

# ---- interrupted and resumed ends where the undisturbed run ends ------------------------------------------------
plateau=("${photos[@]}" --schedule plateau --patience 1 --threads 1 --epochs 6)
trained "${plateau[@]}" --out "$dir/whole.safetensors"
"$swell" train alexnet "${plateau[@]}" --checkpoint "$dir/run.safetensors" --every 1 >/dev/null 2>"$dir/err" &
for ((i = 0; i < 300; i++)); do
    [ -s "$dir/run.safetensors" ] && break
    sleep 0.02
done
sleep 0.1
kill -INT $! 2>/dev/null
wait $!
[ $? = 130 ] || echo "note: the run was over before it could be interrupted"
trained "${plateau[@]}" --resume "$dir/run.safetensors" --out "$dir/resumed.safetensors"
cmp -s "$dir/whole.safetensors" "$dir/resumed.safetensors" || fail "the resumed run has other weights"
"$swell" train alexnet "${plateau[@]}" --seed 3 --resume "$dir/run.safetensors" >"$dir/out" 2>"$dir/err" &&
    fail "resumed with another seed"
tail -1 "$dir/err" | grep -q 'begun with seed 1, not seed 3' || fail "another seed: $(tail -1 "$dir/err")"

# ---- fine-tuning: a new last layer, and the rest frozen -----------------------------------------------------------
trained --data "$dir/photos" --from "$dir/two.safetensors" --epochs 1 --freeze --crop 32 --short-side 36 --batch 4 --out "$dir/tuned.safetensors"
grep -q '2 of 14 weights\|12 of 14 weights taken; the last layer is new' "$dir/err" || fail "fine-tuning said: $(cat "$dir/err")"
for name in conv1.weight conv2.norm.running_mean fc1.bias; do
    [ "$(tensor "$dir/two.safetensors" $name)" = "$(tensor "$dir/tuned.safetensors" $name)" ] || fail "$name was frozen and moved"
done
tuning=(--data "$dir/photos" --crop 32 --short-side 36 --batch 4 --epochs 2)
trained "${tuning[@]}" --from "$dir/two.safetensors" --checkpoint "$dir/run.safetensors" --out "$dir/tuned.safetensors"
trained "${tuning[@]}" --from "$dir/two.safetensors" --resume "$dir/run.safetensors" --out "$dir/again.safetensors"
cmp -s "$dir/tuned.safetensors" "$dir/again.safetensors" || fail "fine-tuning resumed has other weights"
refused "'resnet20' needs" train alexnet --data "$dir/two" --from "$dir/two.safetensors" --network resnet20 --epochs 1
refused "a header of" train alexnet --data "$dir/photos" --from "$dir/photos/list.csv" --epochs 1

# ---- refused ------------------------------------------------------------------------------------------------------------
data=(train alexnet --data "$dir/two" --network convnet --epochs 1)
refused "--data is missing" train alexnet --epochs 1
refused "--epochs is missing" train alexnet --data "$dir/two"
refused "there is no 'vgg'" train alexnet --data "$dir/two" --network vgg --epochs 1
refused "--optimizer lion: it can be sgd, adam, adamw, muon" "${data[@]}" --optimizer lion
refused "there are alexnet, " "${data[@]}" --network none
refused "--out $dir/nowhere/x.safetensors: cannot be written: No such file" "${data[@]}" --out "$dir/nowhere/x.safetensors"
refused "--curve $dir: cannot be written: a folder" "${data[@]}" --curve "$dir"
refused "--crops 7" "${data[@]}" --crops 7
refused "--crops 10: the crop is as large" "${data[@]}" --crops 10
refused "--pad 32: pictures have 32" "${data[@]}" --pad 32
refused "--cutout 33" "${data[@]}" --cutout 33
refused "--short-side" "${data[@]}" --short-side 20 --crop 24
refused "takes 227 x 227" train alexnet --data "$dir/two" --epochs 1 --crop 100
refused "takes grey pictures" "${data[@]}" --jitter 0.1
refused "--schedule step needs --steps-at" "${data[@]}" --schedule step
refused "--steps-at needs --schedule step" "${data[@]}" --steps-at 1
refused "rising epochs" "${data[@]}" --steps-at 3,2
refused "--nesterov is for" "${data[@]}" --nesterov --optimizer adamw
refused "--half needs --out" "${data[@]}" --half
refused "--freeze needs --from" "${data[@]}" --freeze
refused "pictures to measure on" "${data[@]}" --val-fraction 0 --schedule plateau --data "$dir/two/data_batch_1.bin"
refused "--batch 512: there are only 200" "${data[@]}" --batch 512
refused "No such file" train alexnet --data "$dir/nowhere" --epochs 1
mkdir -p "$dir/bad/a" "$dir/bad/b"
cp "$corpus/plain.png" "$dir/bad/a"
refused "b: an empty class" train alexnet --data "$dir/bad" --epochs 1
cp "$corpus/other.gif" "$dir/bad/a/plain.png"
cp "$corpus/other.gif" "$dir/bad/b/other.png"
"$swell" train alexnet --data "$dir/bad" --network resnet20 --batch 2 --epochs 1 --val-fraction 0 --schedule constant >/dev/null 2>"$dir/err" &&
    fail "trained on no pictures"
tail -1 "$dir/err" | grep -q 'no picture of 2 can be read' || fail "no pictures: $(cat "$dir/err")"

[ $failed = 0 ] && echo "swell train alexnet does what it says"
exit $failed
