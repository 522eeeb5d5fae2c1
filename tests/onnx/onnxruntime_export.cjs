// node onnxruntime_export.cjs MODULE FOLDER: run the models that onnx_export --write made in ONNX Runtime, on
// the inputs beside them, and compare with our outputs: integers and bytes exactly (floats rounded to them
// may differ by one), floats within 1e-4 of 1 + |y|.
const [module_, folder] = process.argv.slice(2);
const ort = require(module_);
const fs = require('fs');
const path = require('path');

const arrays = { f32: Float32Array, i32: Int32Array, u8: Uint8Array, i8: Int8Array };
const types = { f32: 'float32', i32: 'int32', u8: 'uint8', i8: 'int8' };

function read(x) {
  const bytes = fs.readFileSync(path.join(folder, x.file));
  return new arrays[x.dtype](bytes.buffer, bytes.byteOffset, bytes.length / arrays[x.dtype].BYTES_PER_ELEMENT);
}

function compare(mine, dtype, theirs) {
  if (mine.length !== theirs.length) return Infinity;
  let most = 0;
  for (let i = 0; i < mine.length; i++) {
    const a = Number(mine[i]);
    const b = Number(theirs[i]);
    const off = a === b ? 0 : Math.abs(a - b) / (dtype === 'f32' ? 1 + Math.abs(a) : 1);
    if (!(off <= most)) most = off;
  }
  return most;
}

async function run(c) {
  const session = await ort.InferenceSession.create(path.join(folder, `${c.name}.onnx`),
                                                    { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const feeds = {};
  c.in.forEach((x, i) => {
    feeds[session.inputNames[i]] = new ort.Tensor(types[x.dtype], read(x), x.shape);
  });
  const result = await session.run(feeds);
  let most = 0;
  let right = session.outputNames.length === c.out.length;
  c.out.forEach((x, i) => {
    const y = result[session.outputNames[i]];
    const off = compare(read(x), x.dtype, y.data);
    const same = off <= (c.tolerance || (x.dtype === 'f32' ? 1e-4 : 0)) && String(y.dims) === String(x.shape);
    if (!same) console.log(`${c.name}: output ${i}: ${y.type} ${y.dims} against ${x.dtype} ${x.shape}: off by ${off}`);
    right = right && same;
    if (!c.tolerance) most = Math.max(most, off);
    else console.log(`${c.name}: off by ${off}`);
  });
  return right ? most : NaN;
}

async function main() {
  let wrong = 0;
  let most = 0;
  const cases = JSON.parse(fs.readFileSync(path.join(folder, 'cases.json')));
  for (const c of cases) {
    try {
      const off = await run(c);
      if (Number.isNaN(off)) wrong++;
      else most = Math.max(most, off);
      if (c.name === 'alexnet') console.log(`alexnet: probabilities off by at most ${off}`);
    } catch (e) {
      console.log(`${c.name}: ${e}`);
      wrong++;
    }
  }
  console.log(`${cases.length} models exported and run in ONNX Runtime, ${wrong} wrong, floats off by at most ${most}`);
  process.exit(wrong ? 1 : 0);
}

main();
