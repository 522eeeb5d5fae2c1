#!/bin/bash
# The program as a user meets it: help, errors, a short training, interruption, reports.
# usage: cli_test.sh PROGRAM
set -u
. "$(dirname "$0")/program.sh"

# ---- a small data set: four bytes of header fields, big-endian ------------------------------------
field()
{
    printf "\\x$(printf %02x $(($1 >> 24 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))"
    printf "\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 & 255)))"
}

pictures() # count
{
    printf '\0\0\10\3'
    field "$1"
    field 12
    field 12
    seq 1 20000 | head -c $(($1 * 144))
}

labels() # count
{
    printf '\0\0\10\1'
    field "$1"
    for ((i = 0; i < $1 / 10; i++)); do printf '\0\1\2\3\4\5\6\7\10\11'; done
}

mkdir "$dir/data"
pictures 400 >"$dir/data/train-images-idx3-ubyte"
labels 400 >"$dir/data/train-labels-idx1-ubyte"
pictures 60 | gzip >"$dir/data/t10k-images-idx3-ubyte.gz"
labels 60 | gzip >"$dir/data/t10k-labels-idx1-ubyte.gz"
train=(train convnet --data "$dir/data" --batch 16)

# ---- help and errors ---------------------------------------------------------------------------------
for verb in train "train convnet" "train alexnet" "train gpt" "train tokenizer" see write embed tokenize info convert \
    bench "bench kernels" "bench perplexity" pull version; do
    # shellcheck disable=SC2086
    "$swell" help $verb | grep -q '^example' || fail "help of $verb has no example"
    "$swell" $verb --help | grep -q "^usage: swell $verb" || fail "$verb --help prints no usage"
done
refused "no verb 'sing'" sing
refused "train what" train
refused "'gpt5' cannot be trained" train gpt5
refused "unknown option '--fast'" train convnet --fast
refused "unknown option '--fast'" bench convnet --fast
refused "unknown option '-f'" bench convnet -f
refused "--batch ten" "${train[@]}" --batch ten
refused "--epochs -1" "${train[@]}" --epochs -1
refused "--rate needs a value" "${train[@]}" --rate
refused "exclude each other" "${train[@]}" --epochs 1 --seconds 1
refused "--resume needs --epochs" "${train[@]}" --resume x
refused "No such file" train convnet --data "$dir/nowhere"
refused "--batch 512: there are only 400" train convnet --data "$dir/data" --batch 512
refused "neither a network" info resnet9000
refused "No such file" info "$dir/nothing.safetensors"
refused "name one model" info alexnet convnet
"$swell" info | grep -q "^alexnet  .*2012" || fail "info without a name lists the networks"
refused "No such file" info "$dir/nothing.onnx"
refused "--training is for networks that are built in" bench "$dir/nothing.onnx" --training
refused "--turns excludes" bench convnet --turns --json
refused "--recompute most" info convnet --recompute most
SWELL_CPU=pentium refused "SWELL_CPU is 'pentium'" info convnet
"$swell" help bench kernels | grep -q '^example' || fail "help of bench kernels has no example"
"$swell" bench kernels --help | grep -q '^usage: swell bench kernels' || fail "bench kernels --help"
refused "--only: there is no group 'gem'" bench kernels --only gem,gemm
refused "no row is called that" bench kernels --name 'a kernel of tomorrow'
refused "--gemm 8x8" bench kernels --gemm 8x8
refused "--rounds 0" bench kernels --rounds 0
refused "--cpu pentium" bench kernels --cpu pentium
refused "what is 'gemm'" bench kernels gemm
printf '\0\0\10\3abc' >"$dir/data/broken"
mkdir "$dir/bad"
cp "$dir"/data/t* "$dir/bad"
head -c 1000 "$dir/data/train-images-idx3-ubyte" >"$dir/bad/train-images-idx3-ubyte"
refused "bytes of data follow" train convnet --data "$dir/bad"

# ---- tokens ------------------------------------------------------------------------------------------------
printf '[UNK]\n[CLS]\n[SEP]\nhello\n##s\nworld\n' >"$dir/vocab.txt"
tokens=(tokenize --model "$dir/vocab.txt")
[ "$(printf 'Hellos World x' | "$swell" "${tokens[@]}" --begin)" = "1 3 4 5 0 2" ] || fail "tokenize"
[ "$(echo "[1, 3, 4]" | "$swell" "${tokens[@]}" --decode)" = hellos ] || fail "tokenize --decode"
[ "$(echo "1 3" | "$swell" "${tokens[@]}" --decode --special)" = "[CLS]hello" ] || fail "tokenize --decode --special"
[ "$(printf 'hello hello' | "$swell" "${tokens[@]}" --count)" = 2 ] || fail "tokenize --count"
[ "$(printf '[SEP]' | "$swell" "${tokens[@]}" --special)" = 2 ] || fail "tokenize --special"
printf hello | "$swell" "${tokens[@]}" --json |
    grep -qxF '{"kind":"bert","vocabulary":6,"bytes":5,"count":1,"ids":[3],"tokens":["hello"]}' || fail "tokenize --json"
echo 6 | "$swell" "${tokens[@]}" --decode 2>&1 | grep -q "id 6: the vocabulary has 6" || fail "tokenize took id 6"
echo x | "$swell" "${tokens[@]}" --decode 2>&1 | grep -q "'x' is no id" || fail "tokenize took x for an id"
refused "--model M: whose tokens" tokenize
refused "--decode gives text" "${tokens[@]}" --decode --count
refused "'hello': text comes on standard input" "${tokens[@]}" hello
refused "No such file" tokenize --model "$dir/nothing.json"
refused "no tokenizer: neither" tokenize --model "$swell"
refused "neither tokenizer.json nor vocab.txt" tokenize --model "$dir/data"
printf 'to be or not to be, that is the question: to be or to do\n' >"$dir/hamlet.txt"
learn=(train tokenizer --data "$dir/hamlet.txt" --vocabulary 262 --out "$dir/hamlet.json")
"$swell" "${learn[@]}" 2>/dev/null | grep -q '^262 tokens from 57 B in 1 documents' || fail "train tokenizer"
"$swell" tokenize --model "$dir/hamlet.json" <"$dir/hamlet.txt" | "$swell" tokenize --model "$dir/hamlet.json" --decode |
    cmp -s - "$dir/hamlet.txt" || fail "a learnt vocabulary does not give the text back"
[ "$(printf '<|endoftext|>' | "$swell" tokenize --model "$dir/hamlet.json" --special)" = 261 ] || fail "train tokenizer: the special token"
"$swell" "${learn[@]}" --special '<a>' --special '<b>' --pattern cl100k --json 2>/dev/null | grep -q '^{"vocabulary":262,"merges":4,' ||
    fail "train tokenizer --json"
refused "--vocabulary 257: 256 bytes and 2 special tokens are more" "${learn[@]}" --vocabulary 257 --special a --special b
refused "--special a: twice" "${learn[@]}" --special a --special a
refused "pattern 'gpt-9' is not known" "${learn[@]}" --pattern gpt-9
refused "are needed" train tokenizer --vocabulary 300
printf '{"model":{"type":"Unigram","vocab":[]}}' >"$dir/unigram.json"
refused "model 'Unigram' is not known" tokenize --model "$dir/unigram.json"

# ---- a training run is a function of its seed, not of threads -----------------------------------------
"$swell" "${train[@]}" --epochs 2 --threads 1 --out "$dir/one.safetensors" --curve "$dir/c.svg" \
    >"$dir/one" 2>"$dir/err" || fail "training: $(cat "$dir/err")"
grep -q 'accuracy on 60 test pictures' "$dir/one" || fail "no accuracy: $(cat "$dir/one")"
grep -q '</svg>' "$dir/c.svg" || fail "no curve"
"$swell" "${train[@]}" --epochs 2 --threads 3 --out "$dir/three.safetensors" --json >"$dir/three" ||
    fail "training on three threads"
cmp -s "$dir/one.safetensors" "$dir/three.safetensors" || fail "three threads gave other weights"
tail -1 "$dir/three" | grep -q '"test_accuracy":' || fail "--json ended with: $(tail -1 "$dir/three")"
"$swell" "${train[@]}" --epochs 2 --seed 2 --out "$dir/two.safetensors" >/dev/null 2>&1
cmp -s "$dir/one.safetensors" "$dir/two.safetensors" && fail "another seed gave the same weights"

# ---- interrupted and resumed ends where the undisturbed run ends ---------------------------------------
long=("${train[@]}" --epochs 60 --threads 1)
"$swell" "${long[@]}" --out "$dir/whole.safetensors" >/dev/null 2>&1 || fail "a longer training"
"$swell" "${long[@]}" --checkpoint "$dir/run.safetensors" >/dev/null 2>"$dir/err" &
sleep 0.4
kill -INT $!
wait $!
[ $? = 130 ] || fail "Ctrl-C did not end with 130"
grep -q 'interrupted after' "$dir/err" || fail "Ctrl-C: $(cat "$dir/err")"
"$swell" "${long[@]}" --resume "$dir/run.safetensors" --out "$dir/resumed.safetensors" >/dev/null \
    2>"$dir/err" || fail "resume: $(cat "$dir/err")"
cmp -s "$dir/whole.safetensors" "$dir/resumed.safetensors" || fail "the resumed run has other weights"
refused "first 8 bytes" "${train[@]}" --epochs 1 --resume "$dir/data/broken"

# ---- reports ---------------------------------------------------------------------------------------------
"$swell" info "$dir/one.safetensors" | grep -q 'conv1.weight  *f32  *(32,1,3,3)' || fail "info of a file"
"$swell" convert "$dir/one.safetensors" "$dir/halves.safetensors" --half >"$dir/out" || fail "convert --half"
"$swell" info "$dir/halves.safetensors" | grep -q 'conv1.weight  *f16  *(32,1,3,3)' || fail "info of weights of two bytes"
"$swell" info convnet --plan --batch 4 | grep -q 'conv2d' || fail "info --plan"
"$swell" info alexnet --json | grep -q '"numbers": 60965224' || fail "info --json"
"$swell" bench convnet --runs 2 --profile --trace "$dir/t.json" | grep -q 'GFLOP/s' || fail "bench"
grep -q traceEvents "$dir/t.json" || fail "bench --trace"
"$swell" bench convnet --runs 1 --json | grep -q '^{"name":"convnet","batch":1,' || fail "bench --json"
"$swell" bench convnet --runs 1 --training --bf16 | grep -q 'convnet, batch 1, training: median' || fail "bench --training"
"$swell" bench convnet --batch 6 --at-once 4 --runs 1 | grep -q 'convnet, batch 6 (4 at once): median' || fail "bench --at-once"
refused "this runs whole batches only" bench convnet --batch 6 --at-once 4 --training
refused "--at-once 7: the batch has fewer" bench convnet --batch 6 --at-once 7
refused "--at-once 4: a profile is of equal parts" bench convnet --batch 6 --at-once 4 --profile
printf '0\n0.01\n' | "$swell" bench convnet --turns >"$dir/turns" || fail "bench --turns"
grep -q '^{"setting":".*","first":\[' "$dir/turns" && [ "$(wc -l <"$dir/turns")" = 3 ] || fail "bench --turns: $(cat "$dir/turns")"
echo soon | "$swell" bench convnet --turns >/dev/null 2>"$dir/err" && fail "bench --turns took a word"
onnx=$(dirname "$0")/../fuzz/corpus/onnx
"$swell" info "$onnx/conv_norm.onnx" | grep -q '^input ' || fail "info of an ONNX file"
"$swell" info "$onnx/conv_norm.onnx" --plan | grep -q 'conv2d' || fail "info --plan of an ONNX file"
"$swell" bench "$onnx/conv_norm.onnx" --runs 1 --json | grep -q '"batch":1,' || fail "bench of an ONNX file"
for good in plain legacy views; do
    "$swell" info "$onnx/../torch/$good.pth" | grep -q ' tensors, ' || fail "info of $good.pth"
done
# Broken and hostile files, each with one line: cycles, missing inputs, gigantic shapes, pickles that run code.
for file in "$onnx"/*.onnx "$onnx"/../torch/*.pth; do
    timeout 60 "$swell" info "$file" --json >/dev/null 2>"$dir/err"
    status=$?
    [ $status = 0 ] && continue
    sed -i '/^==[0-9]*==WARNING: AddressSanitizer failed to allocate/d' "$dir/err" # its own word, not ours
    [ $status = 1 ] && [ "$(wc -l <"$dir/err")" = 1 ] && grep -q "^swell info: $file: " "$dir/err" ||
        fail "info $file ended with $status: $(cat "$dir/err")"
done
refused "it reads 'b', which no node before it makes: a cycle" info "$onnx/cycle.onnx"
refused "it reads 'nobody', which nothing makes" info "$onnx/missing.onnx"
refused "absurdly large" info "$onnx/giant_tensor.onnx"
refused "giant_shape.onnx: " info "$onnx/giant_shape.onnx"
refused "wants to call 'posix.system'; nothing is called from a file" info "$onnx/../torch/evil.pth"
"$swell" bench kernels --list | grep -q 'gemm NN *f32 *4096x4096x4096' || fail "bench kernels --list"
kernel=(bench kernels --only gemm --name "gemm NT f32 256x256x256" --rounds 1)
"$swell" "${kernel[@]}" --roofline "$dir/roof.svg" 2>"$dir/err" | grep -q '^gemm NT .* GFLOP/s .* %$' || fail "bench kernels"
grep -q 'gemm NT f32' "$dir/roof.svg" && grep -q '</svg>' "$dir/roof.svg" || fail "bench kernels --roofline"
grep -q 'make bench' "$dir/err" || fail "bench kernels without peers says: $(cat "$dir/err")"
"$swell" "${kernel[@]}" --json 2>/dev/null | tr -d '\n' >"$dir/rows" || fail "bench kernels --json"
grep -qE '^\[\{"name":"gemm NT","dtype":"f32","isa":"[a-z0-9]+","shape":"256x256x256",.*"peer":null,.*\}\]$' \
    "$dir/rows" || fail "bench kernels --json: $(cat "$dir/rows")"
"$swell" "${kernel[@]}" --peers "$dir/data/broken" >/dev/null 2>"$dir/err" && fail "a broken module"
grep -q -- '--peers' "$dir/err" || fail "a broken module: $(cat "$dir/err")"
# ---- language models ---------------------------------------------------------------------------------

gguf=$onnx/../gguf
cp "$gguf/good_v3" "$dir/m.gguf"
"$swell" info "$dir/m.gguf" --context 10 >"$dir/out" || fail "info of a GGUF file"
grep -q '^blk.0.attn_q.weight  *q8_0  *(3,32)$' "$dir/out" && grep -q '^general.architecture: llama$' "$dir/out" ||
    fail "info of a GGUF file says $(cat "$dir/out")"
"$swell" info "$dir/m.gguf" --json | grep -q '"numbers": 356' || fail "info --json of a GGUF file"
refused "--context: for language models" info alexnet --context 5
refused "a language model has no plan here" info "$dir/m.gguf" --plan
for type in f16 q8_0 q4_0 iq4_nl; do
    "$swell" convert "$dir/m.gguf" "$dir/q.gguf" --type $type 2>"$dir/err" || fail "convert --type $type: $(cat "$dir/err")"
    "$swell" info "$dir/q.gguf" | grep -q "^blk.0.attn_q.weight  *$type  *(3,32)$" || fail "convert --type $type makes other types"
done
refused "no such type" convert "$dir/m.gguf" "$dir/q.gguf" --type q9_9
refused "which type" convert "$dir/m.gguf" "$dir/q.gguf"
refused "not for language models" convert "$dir/m.gguf" "$dir/q.gguf" --type q8_0 --int8
refused "type f16 says that" convert "$dir/m.gguf" "$dir/q.gguf" --type q8_0 --half
refused "what becomes a .gguf is a folder" convert "$dir/one.safetensors" "$dir/q.gguf"
refused "a folder can have --half" convert "$dir/m.gguf" "$dir/q" --type q8_0
refused "for language models in GGUF" convert "$dir/one.safetensors" "$dir/q.safetensors" --type q8_0
refused "has 2 importances for rows of 32" convert "$dir/m.gguf" "$dir/q.gguf" --type q4_0 --imatrix "$gguf/../imatrix/two"
refused "importances of none of the tensors" convert "$dir/m.gguf" "$dir/q.gguf" --type q4_0 --imatrix "$gguf/../imatrix/gguf"
refused "written as .gguf, or as a folder" convert "$dir/m.gguf" "$dir/q.onnx" --type q8_0
cp "$gguf/beyond" "$dir/bad.gguf"
refused "bad.gguf: offset " info "$dir/bad.gguf"
refused "bad.gguf: offset " convert "$dir/bad.gguf" "$dir/q.gguf" --type q8_0

# ---- convert -----------------------------------------------------------------------------------------
out() # a file name for this test, not there yet
{
    mkdir -p "$dir/to"
    rm -f "$dir"/to/*
    echo "$dir/to/$1"
}
nothing() { [ -z "$(ls "$dir/to")" ] || fail "convert left $(ls "$dir/to")"; }
"$swell" convert "$dir/one.safetensors" "$(out a.onnx)" || fail "convert to ONNX"
"$swell" info "$dir/to/a.onnx" >"$dir/info" || fail "info of a converted model"
grep -q '^input *images' "$dir/info" && grep -q '^output *probabilities' "$dir/info" || fail "convert: $(cat "$dir/info")"
"$swell" convert "$dir/to/a.onnx" "$dir/to/b.onnx" --half || fail "convert to f16"
[ "$(stat -c %s "$dir/to/b.onnx")" -lt $(($(stat -c %s "$dir/to/a.onnx") * 6 / 10)) ] || fail "convert --half makes it not smaller"
"$swell" convert "$dir/to/a.onnx" "$dir/to/c.safetensors" || fail "convert from ONNX to safetensors"
"$swell" convert "$dir/to/c.safetensors" "$dir/to/d.onnx" || fail "convert from ONNX to safetensors and back"
cmp -s "$dir/to/a.onnx" "$dir/to/d.onnx" || fail "convert to safetensors and back gives another model"
"$swell" convert "$dir/one.safetensors" "$dir/to/e.safetensors" --half --network convnet || fail "convert --network"
"$swell" convert "$onnx/../torch/plain.pth" "$dir/to/f.safetensors" || fail "convert from .pth"
"$swell" convert "$dir/one.safetensors" "$(out g.onnx)" --int8 --calibrate "$onnx/../picture" >"$dir/bytes" 2>"$dir/err" ||
    fail "convert --int8: $(cat "$dir/err")"
grep -q 'layers on bytes; the first answer is that of f32 on' "$dir/bytes" || fail "convert --int8 says $(cat "$dir/bytes")"
grep -q 'left out' "$dir/err" || fail "convert --int8 says nothing of broken pictures"
"$swell" info "$dir/to/g.onnx" --plan >/dev/null || fail "info of a model in bytes"
to=$(out x.onnx)
refused "name the file to read and the file to write" convert "$to"
refused "must end in .onnx or .safetensors" convert "$dir/one.safetensors" "$dir/to/x.pth"
refused "must end in .onnx, .safetensors, .pth or .pt" convert "$dir/one.txt" "$to"
refused "cannot read: No such file" convert "$dir/nowhere.safetensors" "$to"
refused "nothing is called from a file" convert "$onnx/../torch/evil.pth" "$to"
refused "no network that is built in" convert "$onnx/../torch/plain.pth" "$to"
refused "its tensors are not those of 'alexnet'" convert "$dir/one.safetensors" "$to" --network alexnet
refused "--network nonet: no such network" convert "$dir/one.safetensors" "$to" --network nonet
refused "--network: an ONNX file brings its own" convert "$onnx/conv_norm.onnx" "$to" --network alexnet
refused "--int8 needs pictures" convert "$dir/one.safetensors" "$to" --int8
refused "--int8 and --half: choose one" convert "$dir/one.safetensors" "$to" --int8 --half --calibrate "$dir"
refused "bytes are written as .onnx only" convert "$dir/one.safetensors" "$dir/to/x.safetensors" --int8 --calibrate "$dir"
refused "--images goes with --int8" convert "$dir/one.safetensors" "$to" --images 3
refused "--method best: not mse" convert "$dir/one.safetensors" "$to" --int8 --calibrate "$dir" --method best
refused "no pictures" convert "$dir/one.safetensors" "$to" --int8 --calibrate "$onnx"
refused "cannot be read as a folder" convert "$dir/one.safetensors" "$to" --int8 --calibrate "$dir/nowhere"
refused "cannot write" convert "$dir/one.safetensors" "$dir/nowhere/x.onnx"
for broken in cycle unknown_op giant_shape; do refused "$broken.onnx: " convert "$onnx/$broken.onnx" "$to"; done
nothing

"$swell" version | grep -q '^swell ' || fail "version"
"$swell" version >/dev/full 2>/dev/null && fail "a full disk went unnoticed"

[ $failed = 0 ] && echo "the program does what it says"
exit $failed
