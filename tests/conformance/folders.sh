#!/bin/bash
# folders.sh LANGUAGE_RANDOM SWELL: small random models of every architecture (language_random) go from GGUF to a
# folder of Hugging Face and back: the folder and the second file give the next-token probabilities of the first, to
# the bit (Llama's and Mistral's folders have rows of queries and keys in another order, so other orders of sums
# there).
set -euo pipefail
program=$1 swell=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

complain()
{
    echo "$1"
    status=1
}

for name in ${3:-$("$program" archs)}; do
    why=
    case $name in
        gpt-oss) why="gpt-oss: its folders" ;;  # experts in an order of their own
        llama3) why="cannot say the factors" ;; # random ones
    esac
    if [ -n "$why" ]; then
        "$program" write "$name" f16 "$work/first.gguf"
        "$swell" convert "$work/first.gguf" "$work/$name" 2>"$work/err" && complain "$name was written"
        grep -q "$why" "$work/err" || complain "$name: $(cat "$work/err")"
        continue
    fi
    for type in f32 f16 bf16 q8_0; do
        first=$work/first.gguf folder=$work/$name second=$work/second.gguf
        "$program" write "$name" $type "$first"
        rm -rf "$folder"
        "$swell" convert "$first" "$folder" || { status=1; continue; }
        "$swell" convert "$folder" "$second" || { status=1; continue; }
        for model in "$first" "$folder" "$second"; do "$program" run "$model" "$model.out"; done
        bound=0 # to the bit
        case $name-$type in
            *-q8_0) bound=1e-3 ;;          # blocks are f32 there: activations are not rounded to bytes
            llama-*) bound=1e-5 ;;         # sums in another order
            gemma*) bound=1e-5 ;;          # (1 + w) - 1
        esac
        if [ $bound = 0 ]; then
            cmp -s "$first.out" "$folder.out" || complain "$name $type: other probabilities of the folder"
        else
            "$program" compare "$first.out" "$folder.out" $bound || complain "$name $type: other probabilities of the folder"
        fi
        case $name-$type in
            gemma* | *-q8_0) "$program" compare "$folder.out" "$second.out" 1e-5 ;;
            *) cmp -s "$first.out" "$second.out" ;;
        esac || complain "$name $type: other probabilities after both ways"
    done
    echo "$name: both ways"
done
[ $status = 0 ] && echo "folders: all as expected"
exit $status
