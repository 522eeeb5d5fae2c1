// What tokenizer_peers.sh runs: makes the text, writes each peer's vocabulary in a form that swell reads, compares.
// usage: node tokenizer_peers.mjs SWELL SHARED NODE_MODULES WORK
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [swell, shared, modules, work] = process.argv.slice(2);
const require = createRequire(modules + "/x.cjs");
let failed = 0;

// ---- the text: a function of nothing -----------------------------------------------------------------------
let state = 12345n;
const random = (n) => {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  return Number(state >> 33n) % n;
};
const pick = (list) => list[random(list.length)];
const range = (from, to) => String.fromCodePoint(from + random(to - from + 1));
const times = (n, f) => Array.from({ length: n }, f).join("");

const english = ("the of and to in is was that it he for on with as his they at be this from have or by one had not but what " +
  "all were when we there can an your which their said if will each about how up out them then she many some so these would other " +
  "into has more her two like him see time could no make than first been its who now people my made over did down only way find use " +
  "I'm you're WE'VE don't he'll I'd can'T it'ſ Queen's O'Neil rock'n'roll HTTPServer camelCaseWord snake_case_word " +
  "Internationalization antidisestablishmentarianism naïve façade Zürich").split(" ");
const code = ["int main(void)\n{\n\treturn 0;\n}\n", "for (int i = 0; i < n; i++) {\r\n    a[i] += b[i] * 0x1F;\r\n}\r\n",
  "def f(x):\n    return x**2  # comment\n\n\n", "<div class=\"a\">&nbsp;</div>\n", "SELECT * FROM t WHERE a >= 10.5;\n",
  "if ((p = strchr(s, '\\n')) != NULL) *p = '\\0';\n", "https://example.org/a/b?c=d&e=%20f#g ", "{\"key\": [1, 2.5e-3, null]}\n",
  "        deep    spaces\t\ttabs \n \n  \n", "x //// y\n/*** z ***/\n", "$\\frac{1}{2}$ @user #tag 100% ~/.config "];
const scripts = [
  () => times(1 + random(9), () => range(0x430, 0x44f)), () => range(0x410, 0x42f) + times(random(8), () => range(0x430, 0x44f)),
  () => times(1 + random(9), () => range(0x3b1, 0x3c9)), () => times(1 + random(7), () => range(0x5d0, 0x5ea)),
  () => times(1 + random(7), () => range(0x621, 0x63a)), () => times(1 + random(5), () => range(0x905, 0x939) + range(0x93e, 0x94d)),
  () => times(1 + random(9), () => range(0xe01, 0xe3a)), () => times(1 + random(6), () => range(0xac00, 0xd7a3)),
  () => times(1 + random(6), () => range(0x3041, 0x3096)), () => times(1 + random(6), () => range(0x30a1, 0x30fa)),
  () => times(1 + random(12), () => range(0x4e00, 0x9fa5)), () => times(1 + random(6), () => range(0x10d0, 0x10f0)),
  () => times(1 + random(6), () => range(0x531, 0x556)), () => times(1 + random(4), () => range(0x1820, 0x1842)) + "\u180e" + range(0x1820, 0x1842),
  () => times(1 + random(5), () => range(0x1d400, 0x1d454)), () => times(1 + random(4), () => range(0x20000, 0x2a6d6)),
  () => times(1 + random(4), () => range(97, 122) + range(0x300, 0x345)), () => times(1 + random(3), () => pick(["ǅ", "ʰ", "ª", "ﬁ", "İ", "ß", "ẞ", "Å"])),
];
const emoji = () => pick([() => range(0x1f600, 0x1f64f), () => range(0x1f44a, 0x1f44f) + range(0x1f3fb, 0x1f3ff),
  () => "👩\u200d👩\u200d👧\u200d👦", () => "❤\ufe0f", () => range(0x1f1e6, 0x1f1ff) + range(0x1f1e6, 0x1f1ff), () => range(0x2190, 0x21ff)])();
const number = () => pick([() => String(random(10 ** (1 + random(9)))), () => times(1 + random(5), () => range(0x660, 0x669)),
  () => times(1 + random(4), () => range(0x966, 0x96f)), () => range(0x2160, 0x2182), () => pick(["½", "²", "⑦", "〇"])])();
const space = () => pick([" ", "  ", "   ", "\n", "\n\n", "\r\n", " \n", "\n ", "\t", "\u00a0", "\u3000", "\u2028", "\u0085", "\u200b", " \u00a0 ", "\v", "\ufeff"]);
const sign = () => pick(["...", "!!", "?!", "—", "“", "”", "«", "。", "、", "！", "(", ")", "[", "];", "::", "->", "€", "©", "§", "'", "''", "\u0001", "\u007f", "﷽"]);
const broken = () => pick([[0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x90], [0x80], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf5, 0x80, 0x80, 0x80]]);

const parts = [];
for (let size = 0; size < 1 << 20; ) {
  const kind = random(100);
  const piece = kind < 50 ? pick(english) + (random(8) ? " " : pick([", ", ". ", "! ", "\n"]))
    : kind < 54 ? pick(code) : kind < 72 ? pick(scripts)() + (random(3) ? " " : "") : kind < 78 ? emoji()
    : kind < 84 ? number() : kind < 92 ? space() : kind < 98 ? sign() : broken();
  parts.push(typeof piece === "string" ? Buffer.from(piece) : Buffer.from(piece));
  size += parts[parts.length - 1].length;
}
const bytes = Buffer.concat(parts);
const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes); // U+FFFD for what is broken: the peers take text only
writeFileSync(work + "/text", text);
writeFileSync(work + "/bytes", bytes);

// ---- asking swell ------------------------------------------------------------------------------------------
const run = (args, input) => execFileSync(swell, ["tokenize", ...args], { input, maxBuffer: 1 << 28 });
const ours = (model, input, ...args) => run(["--model", model, ...args], input).toString().trim().split(" ").map(Number);

function compare(name, model, theirs, ...args) {
  const mine = ours(model, text, ...args);
  let at = 0;
  while (at < mine.length && at < theirs.length && mine[at] === theirs[at]) at++;
  const same = mine.length === theirs.length && at === mine.length;
  console.log(`${name}: ${theirs.length} ids of ${Buffer.byteLength(text)} bytes: ${same ? "the same" : `others from id ${at} on`}`);
  if (!same) {
    const near = run(["--model", model, "--decode"], mine.slice(Math.max(0, at - 6), at).join(" "));
    console.log(`  behind ${JSON.stringify(near.toString())}: swell ${mine.slice(at, at + 6)}, theirs ${theirs.slice(at, at + 6)}`);
    failed++;
  }
  const ids = run(["--model", model], bytes);
  if (!run(["--model", model, "--decode"], ids).equals(bytes)) {
    console.log(`${name}: the bytes do not come back`);
    failed++;
  }
}

// ---- the same tokenizer in a GGUF that swell writes: its ids, and llama.cpp's where it is there -------------------
const llamacpp = `${process.env.SWELL_LLAMACPP ?? "/tmp/llamacpp"}/node_modules/node-llama-cpp/dist/index.js`;
const engine = existsSync(llamacpp) &&
  await (await import(pathToFileURL(llamacpp).href)).getLlama({ gpu: false, build: "never", logLevel: "error", progressLogs: false });
if (!engine) console.log(`no ${llamacpp}: GGUF is not compared with llama.cpp`);
writeFileSync(work + "/few.txt", "some words to be looked at ".repeat(40));

// `plain`: llama.cpp sees ASCII only, where its own expressions are not those of the vocabulary for the rest.
async function compareGguf(file, plain = false) {
  const gguf = file + ".gguf", expected = ours(file, text), seen = plain ? text.replace(/[^\x00-\x7f]/g, "") : text;
  execFileSync(swell, ["train", "gpt", "--data", work + "/few.txt", "--tokenizer", file, "--layers", "1", "--width", "8", "--heads", "1",
    "--context", "4", "--steps", "0", "--threads", "1", "--out", gguf], { stdio: ["ignore", "ignore", "inherit"] });
  compare(`GGUF of ${file.split("/").pop()}`, gguf, expected);
  if (!engine) return;
  const model = await engine.loadModel({ modelPath: gguf, gpuLayers: 0 });
  const mine = ours(gguf, seen), theirs = Array.from(model.tokenize(seen, false));
  const same = mine.length === theirs.length && mine.every((id, i) => id === theirs[i]);
  console.log(`GGUF of ${file.split("/").pop()}, llama.cpp: ${theirs.length} ids of ${Buffer.byteLength(seen)} bytes: ${same ? "the same" : "others"}`);
  failed += !same;
  await model.dispose();
}

// ---- tiktoken: rank files, and the same as tokenizer.json -------------------------------------------------------
const alphabet = (() => { // GPT-2's way to write bytes
  const to = [];
  let next = 256;
  for (let b = 0; b < 256; b++)
    to.push(String.fromCodePoint((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174 ? b : next++));
  return to;
})();

function ranksOf(encoder) {
  const ranks = [];
  for (const line of encoder.bpe_ranks.split("\n").filter(Boolean)) {
    const [, offset, ...tokens] = line.split(" ");
    tokens.forEach((token, i) => (ranks[Number(offset) + i] = token));
  }
  return ranks;
}

// The two tokens that become a token: what all smaller ranks make of its bytes.
function mergeOf(word, rankOf, limit) {
  const piece = [...word].map((c) => c);
  for (;;) {
    let best = -1, rank = limit;
    for (let i = 0; i + 1 < piece.length; i++) {
      const r = rankOf.get(piece[i] + piece[i + 1]);
      if (r !== undefined && r < rank) [best, rank] = [i, r];
    }
    if (best < 0) return piece.length === 2 ? piece : null;
    piece.splice(best, 2, piece[best] + piece[best + 1]);
  }
}

function tokenizerJson(encoder, ranks, split) {
  const vocab = {}, merges = [], rankOf = new Map();
  ranks.forEach((token, rank) => rankOf.set([...Buffer.from(token, "base64")].map((b) => alphabet[b]).join(""), rank));
  for (const [word, rank] of rankOf) {
    vocab[word] = rank;
    if ([...word].length < 2) continue;
    const pair = mergeOf(word, rankOf, rank);
    if (pair) merges.push(pair);
  }
  const added = Object.entries(encoder.special_tokens).map(([content, id]) => (
    { id, content, special: true, lstrip: false, rstrip: false, normalized: false, single_word: false }));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: !split };
  return {
    version: "1.0", truncation: null, padding: null, added_tokens: added, normalizer: null,
    pre_tokenizer: split ? { type: "Sequence", pretokenizers: [
      { type: "Split", pattern: { Regex: encoder.pat_str }, behavior: "Isolated", invert: false }, byteLevel] } : byteLevel,
    post_processor: null, decoder: byteLevel,
    model: { type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: "", end_of_word_suffix: "",
      fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab, merges },
  };
}

const { Tiktoken } = require("tiktoken/lite");
const { Tokenizer } = await import(pathToFileURL(`${modules}/@huggingface/tokenizers/dist/tokenizers.mjs`));
for (const name of ["r50k_base", "cl100k_base", "o200k_base"]) {
  const encoder = require(`tiktoken/encoders/${name}.json`);
  const ranks = ranksOf(encoder);
  const file = `${work}/${name}.tiktoken`;
  writeFileSync(file, ranks.map((token, rank) => `${token} ${rank}\n`).join(""));
  const peer = new Tiktoken(encoder.bpe_ranks, encoder.special_tokens, encoder.pat_str);
  compare(`tiktoken ${name}`, file, Array.from(peer.encode(text, [], [])));
  await compareGguf(file, name === "o200k_base"); // llama.cpp's gpt-4o knows no marks (\\p{M})
  if (name === "o200k_base") continue; // the other two show both kinds of pre-tokeniser
  const json = tokenizerJson(encoder, ranks, name !== "r50k_base");
  writeFileSync(`${work}/${name}.json`, JSON.stringify(json));
  compare(`tokenizer.json of ${name}, tiktoken`, `${work}/${name}.json`, Array.from(peer.encode(text, [], [])));
  await compareGguf(`${work}/${name}.json`);
  const hf = new Tokenizer(json, {});
  // JavaScript's \s has U+FEFF and not U+0085; White_Space elsewhere is the other way about.
  const part = text.slice(0, 60000).replace(/[\ufeff\u0085]/g, ""), mine = ours(`${work}/${name}.json`, part, "--special");
  const theirs = hf.encode(part, { add_special_tokens: false }).ids;
  const same = mine.length === theirs.length && mine.every((id, i) => id === theirs[i]);
  console.log(`tokenizer.json of ${name}, @huggingface/tokenizers: ${same ? "the same" : "others"} (${theirs.length} ids)`);
  failed += !same;
  peer.free();
}

// ---- Llama --------------------------------------------------------------------------------------------------------
const { default: llama } = await import(pathToFileURL(`${modules}/llama-tokenizer-js/llama-tokenizer.js`));

const theirs = llama.encode(text, false, true);
const vocab = Object.fromEntries(llama.vocabById.map((token, id) => [token, id]));
const merges = [...llama.merges].sort((a, b) => a[1] - b[1]).map(([pair]) => pair);
writeFileSync(`${work}/llama.json`, JSON.stringify({
  added_tokens: ["<unk>", "<s>", "</s>"].map((content, id) => ({ id, content, special: true, normalized: false })),
  normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "\u2581" },
    { type: "Replace", pattern: { String: " " }, content: "\u2581" }] },
  pre_tokenizer: null, decoder: { type: "Sequence", decoders: [{ type: "Replace", pattern: { String: "\u2581" }, content: " " },
    { type: "ByteFallback" }, { type: "Fuse" }, { type: "Strip", content: " ", start: 1, stop: 0 }] },
  model: { type: "BPE", unk_token: "<unk>", fuse_unk: true, byte_fallback: true, vocab, merges },
}));
compare("tokenizer.json of Llama, llama-tokenizer-js", `${work}/llama.json`, theirs);
await compareGguf(`${work}/llama.json`);
const gguf = `${shared}/data/tokenizers/ggml-vocab-llama-spm.gguf`;
if (existsSync(gguf)) compare("GGUF of Llama, llama-tokenizer-js", gguf, theirs);
process.exit(failed ? 1 : 0);
