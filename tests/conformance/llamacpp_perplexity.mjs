// llamacpp_perplexity.mjs NODE_MODULES IDS WINDOW MODEL.gguf...: llama.cpp's perplexity, through node-llama-cpp, of the ids
// in a file, in windows side by side of which the second half counts (as swell bench perplexity has it); a line a model.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import path from "node:path";

const [modules, idsFile, size, ...models] = process.argv.slice(2);
const ids = readFileSync(idsFile, "utf8").trim().split(/\s+/).map(Number), window = Number(size);
const { getLlama } = await import(pathToFileURL(path.join(modules, "node-llama-cpp/dist/index.js")).href);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error", progressLogs: false });

for (const modelPath of models) {
    const model = await llama.loadModel({ modelPath, gpuLayers: 0, useMmap: true });
    const context = await model.createContext({ contextSize: window, batchSize: 512, threads: 2 });
    const sequence = context.getSequence();
    let nats = 0, tokens = 0;
    for (let at = 0; at + window <= ids.length; at += window) {
        const part = ids.slice(at, at + window);
        await sequence.clearHistory();
        const results = await sequence.controlledEvaluate(part.slice(0, -1).map((id, i) =>
            i >= window / 2 ? [id, { generateNext: { probabilities: true } }] : id));
        for (let i = window / 2; i < window - 1; i++) {
            nats -= Math.log(results[i].next.probabilities.get(part[i + 1]));
            tokens++;
        }
    }
    console.log(path.basename(modelPath, ".gguf"), Math.exp(nats / tokens), tokens);
    await context.dispose();
    await model.dispose();
}
process.exit(0);
