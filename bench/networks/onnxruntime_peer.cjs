// ONNX Runtime as a peer of networks.py, which says how the two talk.
//
//     node onnxruntime_peer.cjs MODULE MODEL.onnx BATCH THREADS
const [module_, model, batch, threads] = process.argv.slice(2);
const ort = require(module_);
const readline = require('readline');

async function main() {
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: 'sequential',
    graphOptimizationLevel: 'all', logSeverityLevel: 3,
  });
  const shape = session.inputMetadata[0].shape.map((d) => (typeof d === 'number' && d > 0 ? d : 1));
  shape[0] = Number(batch);
  const x = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < x.length; i++) x[i] = ((Math.imul(i, 2654435761) >>> 16) & 255) / 128 - 1;
  const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', x, shape) };
  const first = (await session.run(feeds))[session.outputNames[0]].data.slice(0, 10);
  const version = require(`${module_}/package.json`).version;
  console.log(JSON.stringify({ setting: `${version}, ${threads} threads`, first: Array.from(first) }));

  for await (const line of readline.createInterface({ input: process.stdin })) {
    const runs = [];
    const start = process.hrtime.bigint();
    for (let last = start; !runs.length || Number(last - start) < 1e9 * Number(line);) {
      await session.run(feeds);
      const now = process.hrtime.bigint();
      runs.push(Number(now - last) * 1e-9);
      last = now;
    }
    runs.sort((a, b) => a - b);
    console.log(runs[runs.length >> 1]);
  }
}

main().catch((e) => {
  console.error(String(e));
  process.exit(1);
});
