// folder_classes ... stream | node onnxruntime_classes.cjs MODULE MODEL LEAST [MOST]: what ONNX Runtime makes of
// the very numbers that Swell saw.  Fails when the best class is the same for less than LEAST percent, or a
// probability differs by more than MOST.
const [module_, model, least, allowed = '1'] = process.argv.slice(2);
const ort = require(module_);

async function main() {
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
  const shape = session.inputMetadata[0].shape.slice();
  shape[0] = 1;
  const inputs = shape.reduce((a, b) => a * b, 1);
  const classes = session.outputMetadata[0].shape[1];
  const record = 4 * (inputs + classes);
  let seen = 0, same = 0, most = 0;

  async function judge(bytes) {
    const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + record));
    const x = new ort.Tensor('float32', numbers.slice(0, inputs), shape);
    const theirs = (await session.run({ [session.inputNames[0]]: x }))[session.outputNames[0]].data;
    const ours = numbers.subarray(inputs);
    let best = 0, other = 0;
    for (let i = 0; i < classes; i++) {
      if (ours[i] > ours[best]) best = i;
      if (theirs[i] > theirs[other]) other = i;
      most = Math.max(most, Math.abs(ours[i] - theirs[i]));
    }
    seen++;
    same += best === other;
  }

  let rest = Buffer.alloc(0);
  for await (const chunk of process.stdin) {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= record; rest = rest.subarray(record)) await judge(rest);
  }
  const share = 100 * same / seen;
  console.log(`the same best class as ONNX Runtime's for ${share} % of ${seen} pictures, ` +
              `probabilities off by at most ${most}`);
  process.exit(seen > 0 && rest.length === 0 && share >= Number(least) && most <= Number(allowed) ? 0 : 1);
}

main().catch((e) => {
  console.error(String(e));
  process.exit(1);
});
