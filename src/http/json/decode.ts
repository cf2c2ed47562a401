/**
 * Gives a parsed body the shape of a route's schema with the leniency of Go's decoder: keys in any letter
 * case, the last duplicate wins, `null` leaves the default, unknown keys are refused. Spec 04 §2.3.
 *
 * A required key that is missing gets its zero value (empty text, 0, false, empty array or object; `null` where
 * the schema allows it), as in the reference; the handler decides whether that is acceptable.
 */

import { goQuote } from '../../go/quote.js';
import type { JsonNode } from './parse.js';

/** The value does not fit the schema; the message is close to that of Go's decoder. */
export class JsonTypeError extends Error {}

/** The parts of JSON Schema that body schemas use. TypeBox schemas are such objects. */
export interface BodySchema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, BodySchema>>;
  readonly required?: readonly string[];
  readonly items?: BodySchema;
  readonly patternProperties?: Readonly<Record<string, BodySchema>>;
  readonly additionalProperties?: BodySchema | boolean;
  readonly anyOf?: readonly BodySchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Decodes the body of a request. Throws `JsonTypeError`. */
export function decodeBody(node: JsonNode, schema: BodySchema): unknown {
  if (node.kind === 'null') return isNullable(schema) ? null : zeroValue(schema);
  return decode(node, schema, '');
}

function decode(node: JsonNode, schema: BodySchema, field: string): unknown {
  if (schema.anyOf !== undefined) return decodeUnion(node, schema.anyOf, field);
  const value = decodeType(node, schema, field);
  if (schema.const !== undefined && value !== schema.const) throw outOfRange(field);
  if (schema.enum !== undefined && !schema.enum.includes(value)) throw outOfRange(field);
  if (typeof value === 'number') {
    if (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity))
      throw outOfRange(field);
  }
  return value;
}

function decodeType(node: JsonNode, schema: BodySchema, field: string): unknown {
  switch (schema.type) {
    case 'string':
      if (node.kind === 'string') return node.value;
      break;
    case 'boolean':
      if (node.kind === 'bool') return node.value;
      break;
    case 'integer':
      if (node.kind === 'number') return decodeInteger(node.literal, field);
      break;
    case 'number':
      if (node.kind === 'number') return decodeNumber(node.literal, field);
      break;
    case 'array':
      if (node.kind === 'array') return decodeItems(node.items, schema.items ?? {}, field);
      break;
    case 'object':
      if (node.kind === 'object') return decodeObject(node.members, schema, field);
      break;
    default:
      return toPlain(node);
  }
  throw mismatch(node.kind, schema, field);
}

/** The first alternative that fits; the complaint is that of the first alternative that is not `null`. */
function decodeUnion(node: JsonNode, alternatives: readonly BodySchema[], field: string): unknown {
  let complaint: unknown;
  for (const alternative of alternatives) {
    if (alternative.type === 'null') {
      if (node.kind === 'null') return null;
      continue;
    }
    try {
      return decode(node, alternative, field);
    } catch (error) {
      complaint ??= error;
    }
  }
  throw complaint ?? outOfRange(field);
}

function decodeInteger(literal: string, field: string): number {
  const value = Number(literal);
  if (!/^-?[0-9]+$/.test(literal) || !Number.isSafeInteger(value)) {
    throw mismatch(`number ${literal}`, { type: 'integer' }, field);
  }
  return value === 0 ? 0 : value;
}

function decodeNumber(literal: string, field: string): number {
  const value = Number(literal);
  if (!Number.isFinite(value)) throw mismatch(`number ${literal}`, { type: 'number' }, field);
  return value;
}

function decodeItems(items: readonly JsonNode[], schema: BodySchema, field: string): unknown[] {
  return items.map((item) => {
    if (item.kind === 'null' && !isNullable(schema)) return zeroValue(schema);
    return decode(item, schema, field);
  });
}

type Members = readonly (readonly [key: string, value: JsonNode])[];

function decodeObject(members: Members, schema: BodySchema, field: string): unknown {
  const valueSchema = recordValues(schema);
  if (valueSchema !== undefined) return decodeRecord(members, valueSchema, field);
  const properties = schema.properties ?? {};
  const spelling = spellings(schema);
  const result: Record<string, unknown> = {};
  for (const [key, node] of members) {
    const name = Object.hasOwn(properties, key) ? key : spelling.get(key.toLowerCase());
    const property = name === undefined ? undefined : properties[name];
    if (name === undefined || property === undefined) {
      if (schema.additionalProperties === true) continue;
      throw new JsonTypeError(`json: unknown field ${goQuote(key)}`);
    }
    if (node.kind !== 'null' || isNullable(property)) {
      result[name] = decode(node, property, field === '' ? name : `${field}.${name}`);
    }
  }
  fillMissing(result, schema);
  return result;
}

function decodeRecord(members: Members, values: BodySchema, field: string): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, node] of members) {
    const value =
      node.kind === 'null' && !isNullable(values) ? zeroValue(values) : decode(node, values, field);
    setOwn(result, key, value);
  }
  return result;
}

function fillMissing(result: Record<string, unknown>, schema: BodySchema): void {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    if (name in result) continue;
    if (property.default !== undefined) result[name] = property.default;
    else if (schema.required?.includes(name)) result[name] = zeroValue(property);
  }
}

/** What Go leaves in a field nobody set. */
function zeroValue(schema: BodySchema): unknown {
  if (schema.default !== undefined) return schema.default;
  if (isNullable(schema)) return null;
  if (schema.anyOf !== undefined) return schema.anyOf[0] === undefined ? null : zeroValue(schema.anyOf[0]);
  switch (schema.type) {
    case 'string':
      return '';
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'object':
      return decodeObject([], schema, '');
    default:
      return null;
  }
}

function isNullable(schema: BodySchema): boolean {
  return schema.type === 'null' || (schema.anyOf?.some(isNullable) ?? false) || isUntyped(schema);
}

function isUntyped(schema: BodySchema): boolean {
  return schema.type === undefined && schema.anyOf === undefined && schema.enum === undefined;
}

/** Schema of the values when the object is a map with free keys. */
function recordValues(schema: BodySchema): BodySchema | undefined {
  if (schema.properties !== undefined) return undefined;
  const pattern = schema.patternProperties === undefined ? [] : Object.values(schema.patternProperties);
  if (pattern[0] !== undefined) return pattern[0];
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

const spellingsOfSchema = new WeakMap<BodySchema, ReadonlyMap<string, string>>();

/** Lower-case key to the schema's spelling. */
function spellings(schema: BodySchema): ReadonlyMap<string, string> {
  let known = spellingsOfSchema.get(schema);
  if (known === undefined) {
    known = new Map(Object.keys(schema.properties ?? {}).map((name) => [name.toLowerCase(), name]));
    spellingsOfSchema.set(schema, known);
  }
  return known;
}

function toPlain(node: JsonNode): unknown {
  switch (node.kind) {
    case 'null':
      return null;
    case 'bool':
    case 'string':
      return node.value;
    case 'number':
      return Number(node.literal);
    case 'array':
      return node.items.map(toPlain);
    case 'object': {
      const result: Record<string, unknown> = {};
      for (const [key, value] of node.members) setOwn(result, key, toPlain(value));
      return result;
    }
  }
}

/** Plain assignment would call the setter of `__proto__`. */
function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
}

const GO_TYPES: Readonly<Record<string, string>> = {
  string: 'string',
  boolean: 'bool',
  integer: 'int',
  number: 'float64',
  array: 'array',
  object: 'object',
};

function mismatch(found: string, schema: BodySchema, field: string): JsonTypeError {
  const type = GO_TYPES[schema.type ?? ''] ?? 'value';
  const target = field === '' ? `Go value of type ${type}` : `field ${field} of type ${type}`;
  return new JsonTypeError(`json: cannot unmarshal ${found} into ${target}`);
}

function outOfRange(field: string): JsonTypeError {
  return new JsonTypeError(`json: value of ${field === '' ? 'the body' : `field ${field}`} is not allowed`);
}
