#!/bin/bash
# swell pull against a server on the loopback: whole files, parts, breaks, changes, a hub, refusals.
# usage: pull_test.sh PROGRAM SERVER
set -u
. "$(dirname "$0")/program.sh"
swell=$(readlink -f "$swell")
unset SWELL_HUB SWELL_MODELS HF_TOKEN http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

mkdir "$dir/web" "$dir/got"
coproc "$(readlink -f "$2")" "$dir/web"
server=$COPROC_PID
trap 'kill $server; rm -rf "$dir"' EXIT
read -r -u "${COPROC[0]}" port
web=http://127.0.0.1:$port
cd "$dir/got" || exit 1

seq 1 200000 >"$dir/web/numbers.gguf"
size=$(stat -c %s "$dir/web/numbers.gguf")
sum=$(sha256sum "$dir/web/numbers.gguf" | cut -d ' ' -f 1)
pull() { "$swell" pull "$@" 2>"$dir/err" >"$dir/out" || fail "pull $*: $(cat "$dir/err")"; }
same() { cmp -s "$1" "$dir/web/numbers.gguf" || fail "$2: $1 differs"; }

# ---- whole files -----------------------------------------------------------------------------------------
pull "$web/numbers.gguf?download=true"
same numbers.gguf "by URL"
grep -q 'SHA-256 not known' "$dir/out" || fail "nothing was said of the sum: $(cat "$dir/out")"
[ "$(ls)" = numbers.gguf ] || fail "left behind: $(ls)"
pull "$web/numbers.gguf" --sha256 "$sum"
grep -q 'there already, SHA-256 right' "$dir/out" || fail "fetched twice: $(cat "$dir/out")"
pull "$web/moved/moved/numbers.gguf" --out named --sha256 "${sum^^}" --json
same named "redirected"
grep -qF "{\"file\":\"named\",\"bytes\":$size,\"sha256\":\"$sum\",\"resumed\":0,\"there\":false}" "$dir/out" ||
    fail "--json: $(cat "$dir/out")"
: >"$dir/web/empty"
pull "$web/empty"
[ -f empty ] && [ ! -s empty ] || fail "an empty file"
HF_TOKEN=secret pull "$web/token/numbers.gguf" --out open
same open "with a token"
SWELL_MODELS=$dir/web pull "$web/moved/numbers.gguf" --out "$dir/got/models"
same models "--out beats SWELL_MODELS"

# ---- what breaks goes on: by itself while it gets on, and from an earlier run ------------------------------
rm -f numbers.gguf
pull "$web/break/300000/numbers.gguf" --sha256 "$sum"
same numbers.gguf "a line that breaks four times"
head -c 500000 "$dir/web/numbers.gguf" >part.gguf.part
pull "$web/numbers.gguf" --out part.gguf --sha256 "$sum" --json
same part.gguf "from an earlier run"
grep -q '"resumed":500000' "$dir/out" || fail "not resumed: $(cat "$dir/out")"
cp "$dir/web/numbers.gguf" ready.part
pull "$web/numbers.gguf" --out ready --sha256 "$sum"
same ready "all of it was there"
# Without a sum only what has the server's ETag is continued.
echo wrong >guess.part
pull "$web/numbers.gguf" --out guess
same guess "a part of unknown origin"
head -c 9 "$dir/web/numbers.gguf" >etag.part
printf '"%s-%s"' "$size" "$(stat -c %Y "$dir/web/numbers.gguf")" >etag.etag
pull "$web/numbers.gguf" --out etag --json
same etag "by its ETag"
grep -q '"resumed":9,' "$dir/out" || fail "not resumed by its ETag: $(cat "$dir/out")"
echo wrong >older.part
echo '"of yesterday"' >older.etag
pull "$web/numbers.gguf" --out older
same older "the server's file has changed"
echo wrong >plain.part
echo '"x"' >plain.etag
pull "$web/whole/numbers.gguf" --out plain
same plain "a server without parts"
[ -z "$(ls ./*.part ./*.etag 2>/dev/null)" ] || fail "left behind: $(ls)"

# ---- a hub --------------------------------------------------------------------------------------------------
export SWELL_HUB=$web
mkdir -p "$dir/web/api/models/who/"{many,one,folder,bad,parts}/revision
list() # model, objects
{
    echo "{\"id\":\"who/$1\",\"siblings\":[$2]}" >"$dir/web/api/models/who/$1/revision/main"
    mkdir -p "$dir/web/who/$1/resolve/main/sub"
}
lfs() { echo "{\"rfilename\":\"$1\",\"size\":$size,\"lfs\":{\"sha256\":\"${2:-$sum}\",\"size\":$size}}"; }
list many "$(lfs m-Q4_K_M.gguf),$(lfs m-Q8_0.gguf),$(lfs m-Q4_0.gguf),{\"rfilename\":\"README.md\"}"
list one "$(lfs 'sub/a b.gguf'),{\"rfilename\":\"config.json\"}"
list parts "$(lfs p-00001-of-00002.gguf),$(lfs p-00002-of-00002.gguf),$(lfs q-00001-of-00002.gguf)"
list folder "$(lfs model.safetensors),{\"rfilename\":\"config.json\",\"size\":3},{\"rfilename\":\"run.py\"}"
list bad "$(lfs m.gguf "$(echo | sha256sum | cut -d ' ' -f 1)")"
for f in many/resolve/main/m-{Q4_K_M,Q8_0}.gguf one/resolve/main/sub/'a b.gguf' folder/resolve/main/model.safetensors \
    bad/resolve/main/m.gguf parts/resolve/main/p-0000{1,2}-of-00002.gguf; do
    cp "$dir/web/numbers.gguf" "$dir/web/who/$f"
done
printf '{}\n' >"$dir/web/who/folder/resolve/main/config.json"
pull hf:who/many
same m-Q4_K_M.gguf "of several"
grep -q 'of 3 models the Q4_K_M' "$dir/err" || fail "the choice was not said: $(cat "$dir/err")"
pull hf:who/many:q8_0
same m-Q8_0.gguf "by a part of its name"
pull hf:who/one --out one.gguf
same one.gguf "the only one"
pull hf:who/parts:p-
same p-00001-of-00002.gguf "the first part"
same p-00002-of-00002.gguf "the second part"
mkdir models.d
pull hf:who/folder@main --out models.d
same models.d/folder/model.safetensors "a folder"
[ "$(cat models.d/folder/config.json)" = '{}' ] || fail "config.json"
[ "$(ls models.d/folder | wc -l)" = 2 ] || fail "too much: $(ls models.d/folder)"
refused "SHA-256 is $sum, not" pull hf:who/bad --json
[ ! -e m.gguf ] && [ ! -e m.gguf.part ] || fail "a wrong file was kept"
refused "3 models: name one with ':NAME' behind it: m-Q4_K_M.gguf, m-Q8_0.gguf, m-Q4_0.gguf" pull hf:who/many:m-
refused "there is no such file; there are m-Q4_K_M.gguf" pull hf:who/many:Q2_K
refused "there is no such file (HTTP 404)" pull hf:who/nobody
refused "not hf:owner/name" pull hf:who
refused "not hf:owner/name" pull hf:who/../many
refused "not hf:owner/name" pull hf:who/many:../../x
refused "--sha256 is of one file, here are 2" pull hf:who/parts:p- --sha256 "$sum"
list one "$(lfs '../../../evil.gguf')"
refused "no plain path" pull hf:who/one
echo '[' >"$dir/web/api/models/who/one/revision/main"
refused "at byte" pull hf:who/one
echo '{"siblings":7}' >"$dir/web/api/models/who/one/revision/main"
refused "no list of files" pull hf:who/one

# ---- refusals --------------------------------------------------------------------------------------------------
refused "what to fetch" pull
refused "unknown option '--fast'" pull --fast "$web/numbers.gguf"
refused "neither hf:OWNER/NAME nor an http" pull file:///etc/passwd
refused "ends in no file's name" pull "$web"
refused "ends in no file's name" pull "$web/..%2fx"
refused "not 64 hexadecimal digits" pull "$web/numbers.gguf" --sha256 12
refused "there is no such file (HTTP 404)" pull "$web/nothing"
refused "set HF_TOKEN" pull "$web/token/numbers.gguf" --out closed
HF_TOKEN=guess refused "the token of \$HF_TOKEN does not open it" pull "$web/token/numbers.gguf" --out closed
refused "fewer requests" pull "$web/status/429/numbers.gguf" --out closed
refused "the server refused (HTTP 418)" pull "$web/status/418/numbers.gguf" --out closed
refused "is there and is another file" pull "$web/empty" --sha256 "$sum" --json
refused "No such file or directory" pull "$web/empty" --out nowhere/x
[ ! -e closed.part ] || fail "a part of nothing was kept"

[ $failed = 0 ] && echo "pull: whole files, parts, a hub, refusals"
exit $failed
