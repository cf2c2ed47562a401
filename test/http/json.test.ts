import assert from 'node:assert/strict';
import { test } from 'node:test';
import Type, { type TSchema } from 'typebox';
import { AppError } from '../../src/errors.js';
import { jsonText } from '../../src/go/json-text.js';
import { readJsonBody } from '../../src/http/json/body.js';

const schema = Type.Object({
  name: Type.String(),
  remote_port: Type.Optional(Type.Integer()),
  ratio: Type.Optional(Type.Number()),
  sudo: Type.Optional(Type.Boolean()),
  groups: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
  labels: Type.Optional(Type.Record(Type.String(), Type.String())),
  nested: Type.Optional(Type.Object({ x: Type.Integer() })),
  mode: Type.Optional(Type.Union([Type.Literal('a'), Type.Literal('b')], { default: 'a' })),
  anything: Type.Optional(Type.Unknown()),
});

const read = (text: string, of: TSchema = schema): unknown => readJsonBody(Buffer.from(text), of);

function refusal(text: string, of: TSchema = schema): string {
  try {
    read(text, of);
  } catch (error) {
    assert(error instanceof AppError);
    assert.equal(error.status, 400);
    return `${error.title}|${error.detail}`;
  }
  assert.fail(`${text} was accepted`);
}

test('only the first JSON value counts', () => {
  assert.deepEqual(read('{"name":"x"} trailing garbage'), { name: 'x', mode: 'a' });
  assert.deepEqual(read(' \n{"name":"x"}{"name":"y"}'), { name: 'x', mode: 'a' });
});

test('keys match in any letter case and the last duplicate wins', () => {
  assert.deepEqual(read('{"NAME":"x","Remote_Port":1}'), { name: 'x', remote_port: 1, mode: 'a' });
  assert.deepEqual(read('{"name":"x","Name":"y"}'), { name: 'y', mode: 'a' });
});

test('null leaves the default, and a null body is an empty object', () => {
  assert.deepEqual(read('{"name":null,"remote_port":null,"mode":null}'), { name: '', mode: 'a' });
  assert.deepEqual(read('null'), { name: '', mode: 'a' });
  assert.deepEqual(read('{"groups":null}'), { name: '', groups: null, mode: 'a' });
});

test('an empty body is named as missing', () => {
  for (const text of ['', ' \r\n\t']) assert.equal(refusal(text), 'Missing body with json data.|');
});

test('unknown keys are refused by name', () => {
  assert.equal(refusal('{"z":1}'), 'Invalid JSON data.|json: unknown field "z"');
  assert.equal(refusal('{"nested":{"q\\"":1}}'), 'Invalid JSON data.|json: unknown field "q\\""');
  assert.equal(refusal('{"__proto__":{}}'), 'Invalid JSON data.|json: unknown field "__proto__"');
});

const syntaxErrors: readonly (readonly [text: string, detail: string])[] = [
  ['invalid', "invalid character 'i' looking for beginning of value"],
  ['{"name":"x"', 'unexpected EOF'],
  ['{"name":"x', 'unexpected EOF'],
  ['{', 'unexpected EOF'],
  ['{"name" "x"}', "invalid character '\"' after object key"],
  ['{"name":"x" "y"}', "invalid character '\"' after object key:value pair"],
  ['{name:1}', "invalid character 'n' looking for beginning of object key string"],
  ['{"name":tru}', "invalid character '}' in literal true (expecting 'e')"],
  ['[1 2]', "invalid character '2' after array element"],
  ['{"name":"\n"}', "invalid character '\\n' in string literal"],
  ['{"name":"\\q"}', "invalid character 'q' in string escape code"],
  ['-x', "invalid character 'x' in numeric literal"],
];

for (const [text, detail] of syntaxErrors) {
  test(`${JSON.stringify(text)} is refused in the words of Go's parser`, () => {
    assert.equal(refusal(text), `Invalid JSON data.|${detail}`);
  });
}

const typeErrors: readonly (readonly [text: string, detail: string])[] = [
  ['{"remote_port":"22"}', 'json: cannot unmarshal string into field remote_port of type int'],
  ['{"remote_port":1.5}', 'json: cannot unmarshal number 1.5 into field remote_port of type int'],
  ['{"remote_port":1e3}', 'json: cannot unmarshal number 1e3 into field remote_port of type int'],
  [
    '{"remote_port":9223372036854775808}',
    'json: cannot unmarshal number 9223372036854775808 into field remote_port of type int',
  ],
  ['{"name":1}', 'json: cannot unmarshal number into field name of type string'],
  ['{"sudo":1}', 'json: cannot unmarshal number into field sudo of type bool'],
  ['{"groups":"a"}', 'json: cannot unmarshal string into field groups of type array'],
  ['{"groups":[1]}', 'json: cannot unmarshal number into field groups of type string'],
  ['{"labels":{"a":1}}', 'json: cannot unmarshal number into field labels of type string'],
  ['{"nested":{"x":true}}', 'json: cannot unmarshal bool into field nested.x of type int'],
  ['{"nested":[]}', 'json: cannot unmarshal array into field nested of type object'],
  ['{"ratio":1e999}', 'json: cannot unmarshal number 1e999 into field ratio of type float64'],
  ['[]', 'json: cannot unmarshal array into Go value of type object'],
  ['"x"', 'json: cannot unmarshal string into Go value of type object'],
];

for (const [text, detail] of typeErrors) {
  test(`${text} is refused with the field and the type`, () => {
    assert.equal(refusal(text), `Invalid JSON data.|${detail}`);
  });
}

test('a value outside an enumeration is refused', () => {
  assert.match(refusal('{"mode":"c"}'), /^Invalid JSON data\./);
});

test('text keeps what JSON can express and nothing broken', () => {
  const value = read('{"name":"a\\u00e4\\ud83d\\ude00\\ud800\\/\\n"}') as { name: string };
  assert.equal(value.name, 'aä😀\ufffd/\n');
  assert.equal((readJsonBody(Buffer.from([0x22, 0xff, 0x22]), Type.String()) as string).length, 1);
});

test('free parts stay plain data and cannot reach a prototype', () => {
  const value = read('{"anything":{"__proto__":{"polluted":true},"list":[1,null,"x"]}}') as {
    anything: Record<string, unknown>;
  };
  assert.deepEqual(Object.keys(value.anything), ['__proto__', 'list']);
  assert.equal(Object.getPrototypeOf(value.anything), Object.prototype);
  assert.equal(({} as { polluted?: boolean }).polluted, undefined);
});

test('nesting is bounded', () => {
  assert.equal(refusal('['.repeat(20_000)), 'Invalid JSON data.|exceeded max depth');
});

test('output carries the escapes of Go', () => {
  assert.equal(jsonText({ a: '<b>&\u2028\u2029ä' }), '{"a":"\\u003cb\\u003e\\u0026\\u2028\\u2029ä"}');
  assert.equal(jsonText(undefined), 'null');
});
