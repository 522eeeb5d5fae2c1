// llamacpp_embeddings.mjs NODE_MODULES (TEXTS MODEL.gguf VECTORS.jsonl)...: llama.cpp, through node-llama-cpp, on the
// lines of TEXTS; prints, of Swell's vectors (swell embed --raw --json), the greatest root mean square difference from
// llama.cpp's as a share of their length, and how unlike llama.cpp's own vectors of two texts are, as a cosine.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import path from "node:path";

const [modules, ...files] = process.argv.slice(2);
const { getLlama } = await import(pathToFileURL(path.join(modules, "node-llama-cpp/dist/index.js")).href);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", progressLogs: false });
const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);

for (let at = 0; at + 2 < files.length; at += 3) {
    const texts = readFileSync(files[at], "utf8").split("\n").filter((line) => line !== "");
    const ours = readFileSync(files[at + 2], "utf8").trim().split("\n").map((line) => JSON.parse(line));
    const model = await llama.loadModel({ modelPath: files[at + 1], gpuLayers: 0, useMmap: true });
    const context = await model.createEmbeddingContext({ contextSize: 512, batchSize: 512, threads: 2 });
    const theirs = [];
    let worst = ours.length === texts.length ? 0 : Infinity, unlike = 1;
    for (let i = 0; i < texts.length; i++) {
        const y = (await context.getEmbeddingFor(texts[i])).vector, x = ours[i].embedding;
        if (context.calculateInputLength(texts[i]) !== ours[i].tokens) worst = Infinity; // other tokens
        const difference = x.map((v, k) => v - y[k]);
        worst = Math.max(worst, Math.sqrt(dot(difference, difference) / dot(y, y)));
        for (const other of theirs)
            unlike = Math.min(unlike, dot(y, other) / Math.sqrt(dot(y, y) * dot(other, other)));
        theirs.push(y);
    }
    console.log(path.basename(files[at + 2], ".jsonl"), worst.toExponential(2), unlike.toFixed(3));
    await context.dispose();
    await model.dispose();
}
process.exit(0);
