// constrained_ajv.cjs FOLDER: lines {"schema": ..., "text": ...} on standard input; each text must be JSON that ajv, of
// FOLDER/node_modules, finds valid.
const path = require('path');
const load = name => require(path.join(path.resolve(process.argv[2]), 'node_modules', name));
const Ajv = load('ajv/dist/2020').default;
const formats = load('ajv-formats');
let bad = 0, count = 0, last = '', validate = null;
for (const line of require('fs').readFileSync(0, 'utf8').split('\n')) {
  if (!line) continue;
  const { schema, text } = JSON.parse(line);
  const source = JSON.stringify(schema);
  if (source !== last) {
    const ajv = new Ajv({ strict: false, validateFormats: true });
    (formats.default || formats)(ajv);
    validate = ajv.compile(schema);
    last = source;
  }
  count++;
  let value;
  try {
    value = JSON.parse(text);
  } catch (e) {
    console.log(`no JSON: ${text}: ${e.message}`);
    bad++;
    continue;
  }
  if (!validate(value)) {
    console.log(`${source}\n${text}\n${JSON.stringify(validate.errors)}`);
    bad++;
  }
}
console.log(`${count} texts, ${bad} not valid`);
process.exit(bad || count < 900 ? 1 : 0);
