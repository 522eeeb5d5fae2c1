// node onnxruntime_run.cjs MODULE MODEL INPUT OUTPUTS: run a model of one f32 input in ONNX Runtime on
// numbers of a fixed seed; write them and all outputs as raw f32.
const [module_, model, inputFile, outputFile] = process.argv.slice(2);
const ort = require(module_);
const fs = require('fs');

async function main() {
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const meta = session.inputMetadata[0];
  const shape = meta.shape.map((d) => (typeof d === 'number' && d > 0 ? d : 1));
  const n = shape.reduce((a, b) => a * b, 1);
  const x = new Float32Array(n);
  let state = 12345;
  for (let i = 0; i < n; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    x[i] = (state / 4294967296) * 4 - 2;
  }
  const result = await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', x, shape) });
  fs.writeFileSync(inputFile, Buffer.from(x.buffer));
  fs.writeFileSync(outputFile, Buffer.concat(session.outputNames.map((name) => {
    const y = result[name].data;
    return Buffer.from(y.buffer, y.byteOffset, y.byteLength);
  })));
}

main().catch((e) => {
  console.error(String(e));
  process.exit(1);
});
