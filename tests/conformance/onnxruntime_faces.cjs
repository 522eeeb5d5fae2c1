// face_boxes MODEL PHOTO ... | node onnxruntime_faces.cjs MODULE MODEL: the faces that ONNX Runtime finds in the very
// numbers that Swell saw are Swell's: as many, and each score and corner within 1e-4.  A face is a score above
// 0.7 that no better one covers by more than 0.3 (intersection over union), as the authors have it.
const [module_, model] = process.argv.slice(2);
const ort = require(module_);

const SEEN = 3 * 240 * 320, PLACES = 4420, ALLOWED = 1e-4;

function overlap(a, b) {
  const side = (i) => Math.max(0, Math.min(a[i + 2], b[i + 2]) - Math.max(a[i], b[i]));
  const area = (r) => (r[2] - r[0]) * (r[3] - r[1]);
  const both = side(0) * side(1);
  return both / (area(a) + area(b) - both);
}

// [x1, y1, x2, y2, score] of each face, the best first.
function faces(scores, boxes) {
  const all = [];
  for (let i = 0; i < PLACES; i++) {
    if (scores[2 * i + 1] > 0.7) all.push([...boxes.subarray(4 * i, 4 * i + 4), scores[2 * i + 1]]);
  }
  all.sort((a, b) => b[4] - a[4]);
  const kept = [];
  for (const f of all) if (kept.every((k) => overlap(k, f) <= 0.3)) kept.push(f);
  return kept;
}

async function main() {
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const record = SEEN + 6 * PLACES;
  let found = 0, most = 0, wrong = bytes.length % (4 * record) !== 0 || bytes.length === 0;
  for (let at = 0; at < all.length; at += record) {
    const numbers = all.subarray(at, at + record);
    const x = new ort.Tensor('float32', numbers.slice(0, SEEN), [1, 3, 240, 320]);
    const result = await session.run({ [session.inputNames[0]]: x });
    const theirs = faces(result.scores.data, result.boxes.data);
    const ours = faces(numbers.subarray(SEEN, SEEN + 2 * PLACES), numbers.subarray(SEEN + 2 * PLACES));
    wrong = wrong || ours.length !== theirs.length;
    for (let f = 0; f < Math.min(ours.length, theirs.length); f++) {
      for (let i = 0; i < 5; i++) most = Math.max(most, Math.abs(ours[f][i] - theirs[f][i]));
    }
    found += ours.length;
  }
  console.log(`${found} faces in ${all.length / record} photos, off by at most ${most}`);
  process.exit(wrong || !(most <= ALLOWED) || !found ? 1 : 0);
}

main().catch((e) => {
  console.error(String(e));
  process.exit(1);
});
