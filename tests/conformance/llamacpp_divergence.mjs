// llamacpp_divergence.mjs NODE_MODULES MODEL.gguf PROBABILITIES: llama.cpp, through node-llama-cpp, on the ids of
// a file of language_random; prints the mean Kullback-Leibler divergence of Swell's next-token probabilities from
// llama.cpp's, and llama.cpp's mean entropy, in nats.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import path from "node:path";

const [modules, ...files] = process.argv.slice(2);
const { getLlama } = await import(pathToFileURL(path.join(modules, "node-llama-cpp/dist/index.js")).href);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", progressLogs: false });

for (let at = 0; at + 1 < files.length; at += 2) {
    const [modelPath, adapter] = files[at].split("+"); // MODEL.gguf or MODEL.gguf+ADAPTER.gguf
    const bytes = readFileSync(files[at + 1]);
    const n = bytes.readInt32LE(0), v = bytes.readInt32LE(4);
    const ids = Array.from({ length: n }, (_, i) => bytes.readInt32LE(8 + 4 * i));
    const model = await llama.loadModel({ modelPath, gpuLayers: 0, useMmap: true });
    const context = await model.createContext({ contextSize: 128, batchSize: 64, threads: 2,
        lora: adapter ? { adapters: [{ filePath: adapter, scale: 1 }] } : undefined });
    const sequence = context.getSequence();
    const results = await sequence.controlledEvaluate(ids.map((id) => [id, { generateNext: { probabilities: true } }]));
    let divergence = 0, entropy = 0;
    results.forEach((result, i) => {
        for (const [token, p] of result.next.probabilities) {
            if (p <= 0) continue;
            const q = bytes.readFloatLE(8 + 4 * n + 4 * (i * v + token));
            divergence += p * Math.log(p / Math.max(q, 1e-30));
            entropy -= p * Math.log(p);
        }
    });
    console.log(path.basename(files[at + 1], ".out"), (divergence / n).toExponential(2), (entropy / n).toFixed(2));
    await context.dispose();
    await model.dispose();
}
process.exit(0);
