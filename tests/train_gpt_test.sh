#!/bin/bash
# swell train gpt as a user meets it: a text that must be learned, the same bits for any threads, after an
# interruption and after a kill, models read back and trained further, documents, prompts, packed
# tokens, files for others, refusals.
# usage: train_gpt_test.sh PROGRAM
set -u
. "$(dirname "$0")/program.sh"

trained() # arguments ...
{
    "$swell" train gpt "$@" >"$dir/out" 2>"$dir/err" </dev/null || fail "'$*' said: $(cat "$dir/err")"
}

# A number of the last record.
result() # name
{
    tail -1 "$dir/out" | sed -n "s/.*\"$1\":\([-0-9.e+]*\).*/\1/p"
}

same() # file, file, what
{
    cmp -s "$1" "$2" || fail "other bits $3"
}

less() # a, b, what
{
    awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a + 0 < b + 0) }' || fail "$3: $1 is not below $2"
}

# ---- a text of rules: after a digit comes the next one, five times, and then a letter of its own -------------
LC_ALL=C awk 'BEGIN { srand(5); for (i = 0; i < 1500; i++) { d = int(rand() * 10)
    for (k = 0; k < 5; k++) printf "%d", (d + k) % 10; printf "%c ", 97 + d } }' >"$dir/rules.txt"
tiny=(--layers 2 --width 32 --heads 2 --context 16 --batch 8 --rate 0.01 --warmup 5)
trained --data "$dir/rules.txt" "${tiny[@]}" --steps 150 --json --val-every 50 --curve "$dir/c.svg" \
    --log "$dir/log" --out "$dir/a.safetensors" --sample-every 150 --sample-tokens 20
loss=$(result held_out_loss)
# What is certain costs nothing: five of seven characters; the first digit costs log(10) / 7 = 0.33, the rest of a
# window before it has seen one at most as much again.
less "$loss" 0.8 "loss on rules"
less "$(result bits_per_byte)" 1.2 "bits per byte"
[ "$(result held_out_tokens)" = 1049 ] || fail "$(result held_out_tokens) held-out tokens, not a tenth less one"
grep -q '"step":100,"held_out_loss":' "$dir/log" || fail "no held-out loss on the way"
grep -q 'held-out loss' "$dir/c.svg" && grep -q '</svg>' "$dir/c.svg" || fail "the curve: $(head -3 "$dir/c.svg")"
head -c 300 "$dir/a.safetensors" | grep -q '"format":"pt"' || fail "transformers would not read it"
head -c 3000 "$dir/a.safetensors" | grep -q '"transformer.h.1.attn.c_attn.weight":{"dtype":"F32","shape":\[32,96\]' ||
    fail "the names are not those of GPT2LMHeadModel"

# ---- the same bits: threads, interruption, kill ---------------------------------------------------------------
run=(--data "$dir/rules.txt" "${tiny[@]}" --dropout 0.1 --accumulate 2 --steps 40 --threads 1)
trained "${run[@]}" --out "$dir/one.safetensors"
trained "${run[@]}" --threads 3 --out "$dir/three.safetensors"
same "$dir/one.safetensors" "$dir/three.safetensors" "with three threads"
for signal in INT KILL; do
    rm -f "$dir/check"
    "$swell" train gpt "${run[@]}" --checkpoint "$dir/check" --every 1 >"$dir/out" 2>"$dir/err" &
    pid=$!
    for _ in $(seq 1000); do [ -s "$dir/check" ] && break; sleep 0.02; done
    kill -$signal $pid 2>/dev/null
    wait $pid 2>/dev/null
    trained "${run[@]}" --resume "$dir/check" --out "$dir/resumed.safetensors"
    same "$dir/one.safetensors" "$dir/resumed.safetensors" "after $signal"
done
refused "begun with dropout 0.1" train gpt "${run[@]}" --dropout 0.3 --resume "$dir/check"
# A constant rate does not know its end: such a run can be made longer.
constant=(--data "$dir/rules.txt" "${tiny[@]}" --schedule constant)
trained "${constant[@]}" --steps 10 --checkpoint "$dir/shorter"
trained "${constant[@]}" --steps 16 --resume "$dir/shorter" --out "$dir/longer.safetensors"
trained "${constant[@]}" --steps 16 --out "$dir/at-once.safetensors"
same "$dir/longer.safetensors" "$dir/at-once.safetensors" "in a run made longer"
refused "begun with steps 40, not steps 50" train gpt "${run[@]}" --steps 50 --resume "$dir/check"
refused "--resume and --seconds exclude" train gpt --data "$dir/rules.txt" --seconds 1 --resume "$dir/check"

# ---- GGUF: written, read, trained further, adapters ---------------------------------------------------------------
small=(--data "$dir/rules.txt" --context 16 --json)
trained "${small[@]}" "${tiny[@]}" --steps 60 --out "$dir/m.gguf"
loss=$(result held_out_loss)
trained "${small[@]}" --from "$dir/m.gguf" --steps 0
[ "$(result held_out_loss)" = "$loss" ] || fail "read back, a loss of $(result held_out_loss), not $loss"
trained "${small[@]}" --from "$dir/m.gguf" --steps 40 --rate 0.003 --out "$dir/further.gguf"
less "$(result held_out_loss)" "$loss" "loss after further training"
trained "${small[@]}" --from "$dir/m.gguf" --steps 40 --lora 4 --rate 0.01 --out "$dir/adapter.gguf"
less "$(result held_out_loss)" "$loss" "loss with adapters"
mkdir -p "$dir/peft" # the same numbers for PEFT
trained "${small[@]}" --from "$dir/m.gguf" --steps 40 --lora 4 --rate 0.01 --out "$dir/peft/adapter_model.safetensors"
grep -q '"lora_alpha": 8' "$dir/peft/adapter_config.json" || fail "PEFT: $(cat "$dir/peft/adapter_config.json")"
for adapter in adapter.gguf peft; do
    "$swell" write 01 --model "$dir/m.gguf" --lora "$dir/$adapter" -n 12 --temperature 1 --seed 3 >"$dir/$adapter.text" 2>"$dir/err" ||
        fail "$adapter: $(cat "$dir/err")"
done
same "$dir/adapter.gguf.text" "$dir/peft.text" "with the adapter of PEFT"
less "$(stat -c %s "$dir/adapter.gguf")" "$(stat -c %s "$dir/m.gguf")" "bytes of adapters"
"$swell" write 01 --model "$dir/m.gguf" --lora "$dir/adapter.gguf" -n 4 --temperature 0 >"$dir/out" 2>"$dir/err" ||
    fail "adapters: $(cat "$dir/err")"
[ "$("$swell" write 'b 01' --model "$dir/further.gguf" -n 3 --temperature 0 2>"$dir/err")" = 'b 01234' ] ||
    fail "further trained, it does not count: $(cat "$dir/err")"
trained "${small[@]}" "${tiny[@]}" --network llama --steps 20 --half --out "$dir/l.gguf"
"$swell" write 01 --model "$dir/l.gguf" -n 3 --temperature 0 >"$dir/out" 2>"$dir/err" || fail "llama: $(cat "$dir/err")"
for _ in $(seq 60); do printf 'Où est l’été? 😀 '; done >"$dir/accents.txt"
# Importances measured on a text: other quanta than without.
"$swell" convert "$dir/m.gguf" "$dir/plain.gguf" --type q4_0 --pure 2>"$dir/err" || fail "q4_0: $(cat "$dir/err")"
"$swell" convert "$dir/m.gguf" "$dir/tuned.gguf" --type q4_0 --pure --calibrate "$dir/rules.txt" 2>"$dir/err" || fail "calibrated: $(cat "$dir/err")"
cmp -s "$dir/plain.gguf" "$dir/tuned.gguf" && fail "--calibrate changes nothing"
"$swell" write 01 --model "$dir/tuned.gguf" -n 3 --temperature 0 >"$dir/out" 2>"$dir/err" || fail "calibrated: $(cat "$dir/err")"
refused "less than a window" convert "$dir/m.gguf" "$dir/x.gguf" --type q4_0 --calibrate <(printf 0123)
refused "choose one" convert "$dir/m.gguf" "$dir/x.gguf" --type q4_0 --calibrate "$dir/rules.txt" --imatrix x
refused "No such file" convert "$dir/m.gguf" "$dir/x.gguf" --type q4_0 --calibrate "$dir/nothing"
trained --data "$dir/accents.txt" "${tiny[@]}" --steps 60 --out "$dir/accents.gguf"
[ "$("$swell" write 'Où est l’é' --model "$dir/accents.gguf" -n 5 --temperature 0 2>"$dir/err")" = 'Où est l’été? 😀' ] ||
    fail "characters of several bytes: $(cat "$dir/err")"
# A vocabulary learnt from the text goes into the file: the same ids, before and after.
"$swell" train tokenizer --data "$dir/rules.txt" --vocabulary 300 --out "$dir/tokens.json" >"$dir/out" 2>"$dir/err" ||
    fail "train tokenizer: $(cat "$dir/err")"
trained "${small[@]}" "${tiny[@]}" --tokenizer "$dir/tokens.json" --steps 20 --out "$dir/t.gguf"
for model in tokens.json t.gguf; do
    "$swell" tokenize --model "$dir/$model" <"$dir/accents.txt" >"$dir/$model.ids" 2>"$dir/err" || fail "$(cat "$dir/err")"
done
same "$dir/tokens.json.ids" "$dir/t.gguf.ids" "in the ids of a vocabulary in GGUF"
"$swell" write 01 --model "$dir/t.gguf" -n 3 --temperature 0 >"$dir/out" 2>"$dir/err" || fail "its own: $(cat "$dir/err")"
# A folder as transformers has it, and what convert makes of it.
for network in gpt2 llama; do
    mkdir -p "$dir/folder"
    trained "${small[@]}" "${tiny[@]}" --tokenizer "$dir/tokens.json" --network $network --steps 20 --out "$dir/folder/model.safetensors"
    loss=$(result held_out_loss)
    "$swell" convert "$dir/folder" "$dir/folder.gguf" || fail "convert a folder"
    "$swell" convert "$dir/folder/model.safetensors" "$dir/small.gguf" --type q8_0 2>"$dir/err" || fail "convert a folder to q8_0: $(cat "$dir/err")"
    ls "$dir"/*whole* 2>/dev/null && fail "convert left what it made between"
    rm -rf "$dir/back" && "$swell" convert "$dir/folder.gguf" "$dir/back" || fail "convert to a folder"
    for file in model.safetensors config.json tokenizer.json tokenizer_config.json; do
        same "$dir/folder/$file" "$dir/back/$file" "in $file of a folder that comes back ($network)"
    done
    for model in folder.gguf folder; do
        trained "${small[@]}" --from "$dir/$model" --steps 0
        awk -v a="$(result held_out_loss)" -v b="$loss" 'BEGIN { exit !(a - b < 1e-5 && b - a < 1e-5) }' ||
            fail "$network, $model: a loss of $(result held_out_loss), not $loss"
    done
    [ "$("$swell" write 01 --model "$dir/small.gguf" -n 4 --temperature 0 2>"$dir/err")" != "" ] || fail "q8_0: $(cat "$dir/err")"
done
trained "${small[@]}" --from "$dir/folder" --steps 5 --out "$dir/from-folder.gguf" # llama's rows in the order of GGUF
loss=$(result held_out_loss)
trained "${small[@]}" --from "$dir/from-folder.gguf" --steps 0
awk -v a="$(result held_out_loss)" -v b="$loss" 'BEGIN { exit !(a - b < 1e-5 && b - a < 1e-5) }' ||
    fail "trained from a folder, read back: a loss of $(result held_out_loss), not $loss"
sed 's/"add_prefix_space":false/"add_prefix_space":true/' "$dir/tokens.json" >"$dir/prefix.json"
refused "GGUF cannot say a space before a text" train gpt "${small[@]}" --tokenizer "$dir/prefix.json" --steps 1 --out "$dir/x.gguf"
refused "no option for it besides" train gpt "${small[@]}" --from "$dir/m.gguf" --steps 1 --layers 3
refused "--context 17: $dir/m.gguf was made for 16" train gpt "${small[@]}" --from "$dir/m.gguf" --steps 1 --context 17
refused "is not among" train gpt --data "$dir/accents.txt" --val "$dir/rules.txt" --steps 1 --context 16
refused "adapters go into a .gguf, or DIR/adapter_model" train gpt "${small[@]}" --from "$dir/m.gguf" --steps 1 --lora 4 --out "$dir/x.safetensors"
refused "--lora needs --from" train gpt "${small[@]}" --steps 1 --lora 4

# ---- documents, folders, prompts --------------------------------------------------------------------------------
mkdir -p "$dir/texts/more" "$dir/empty"
for i in 1 2 3; do head -c $((1000 * i)) "$dir/rules.txt" >"$dir/texts/more/$i.txt"; done
printf 'a<|endoftext|>\nb\n<|endoftext|>c' >"$dir/texts/marks.txt"
echo '{"text":"0123 é","id":7}' >"$dir/texts/lines.jsonl"
trained --data "$dir/texts" "${tiny[@]}" --warmup 1 --steps 3 --document-mask --json --network llama --kv-heads 1 --untied \
    --val-fraction 0 --out "$dir/llama.safetensors" --half
head -c 4000 "$dir/llama.safetensors" | grep -q '"model.layers.1.self_attn.k_proj.weight":{"dtype":"F16","shape":\[16,32\]' ||
    fail "the names are not those of LlamaForCausalLM"
# Completions are a function of the prompt, prompts are noise: only completions are learnt and measured.
LC_ALL=C awk 'BEGIN { srand(6); for (i = 0; i < 400; i++) { d = int(rand() * 10)
    printf "{\"prompt\":\"%d%d?\",\"completion\":\"%d\"}\n", int(rand() * 10), d, 9 - d } }' >"$dir/asked.jsonl"
trained --data "$dir/asked.jsonl" "${tiny[@]}" --document-mask --steps 150 --json
less "$(result held_out_loss)" 0.1 "loss of completions"
trained --data "$dir/asked.jsonl" "${tiny[@]}" --val "$dir/asked.jsonl" --optimizer muon --rate 0.02 --bf16 --steps 100 --json
less "$(result held_out_loss)" 0.3 "loss of completions, Muon"

# ---- packed tokens ------------------------------------------------------------------------------------------------
LC_ALL=C awk 'BEGIN { for (i = 0; i < 400; i++) printf "%c@", 1 + i % 50 }' | tr '@' '\0' >"$dir/row.bin"
trained --data "$dir/row.bin" --vocabulary 60 "${tiny[@]}" --steps 60 --json
less "$(result held_out_loss)" 1 "loss of packed tokens"
tail -1 "$dir/out" | grep -q bits_per_byte && fail "bits per byte of what is no text"
refused "token 49 is 50, in a vocabulary of 50" train gpt --data "$dir/row.bin" --vocabulary 50 --steps 1
refused "need --tokenizer FILE or --vocabulary" train gpt --data "$dir/row.bin" --steps 1
head -c 799 "$dir/row.bin" >"$dir/odd.bin"
refused "are no tokens of 2 bytes" train gpt --data "$dir/odd.bin" --vocabulary 60 --steps 1

# ---- refusals --------------------------------------------------------------------------------------------------------
rules=(train gpt --data "$dir/rules.txt")
refused "--data is missing" train gpt --steps 1
refused "--steps is missing" "${rules[@]}"
refused "No such file" train gpt --data "$dir/none" --steps 1
refused "no .txt, .md or .jsonl file" train gpt --data "$dir/empty" --steps 1
refused "a width of 32 is not divided by 3 heads" "${rules[@]}" --steps 1 --width 32 --heads 3
refused "tokens to train on; --context 65536 needs more" "${rules[@]}" --steps 1 --context 65536
refused "--out x.bin: the name must end in" "${rules[@]}" --steps 1 --out x.bin
refused "cannot be written" "${rules[@]}" --steps 1 --out "$dir/none/x.safetensors"
refused "--every needs --checkpoint" "${rules[@]}" --steps 1 --every 1
refused "--kv-heads needs --network llama" "${rules[@]}" --steps 1 --kv-heads 1
refused "--warmup 9 is more than --steps" "${rules[@]}" --steps 1 --warmup 9
refused "--prompt: characters that the training text has not" "${rules[@]}" --steps 2 --sample-every 1 --prompt '#' --json
refused "--optimizer x: it can be sgd, adam, adamw, muon" "${rules[@]}" --steps 1 --optimizer x
printf 'abc\377def' >"$dir/latin.txt"
refused "latin.txt: line 1: byte 3 of the document is not UTF-8" train gpt --data "$dir/latin.txt" --steps 1
printf 'xyz!' >"$dir/other.txt"
refused "other.txt: line 1: byte 0" "${rules[@]}" --val "$dir/other.txt" --steps 1
for bad in 'no json' '[1]' '{"text":1}' '{"prompt":"a"}' '{"text":"a","prompt":"b"}'; do
    printf '{"text":"good"}\n\n%s\n' "$bad" >"$dir/bad.jsonl"
    refused "bad.jsonl: line 3" train gpt --data "$dir/bad.jsonl" --steps 1
done

[ $failed = 0 ] && echo "train_gpt_test: all as expected"
exit $failed
