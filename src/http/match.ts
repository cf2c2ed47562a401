/** Finds the route of a path: one map look-up for fixed paths, a walk along the segments for the others. */

import { decodeSegment } from './path.js';

/** What the routes of one path pattern share. `ByMethod` is filled by the caller. */
export interface Endpoint<Value> {
  /** Pattern such as `/clients/{client_id}`. */
  readonly pattern: string;
  readonly methods: Map<string, Value>;
  /** Value of the `Allow` header. */
  readonly allow: string;
}

export interface Match<Value> {
  readonly endpoint: Endpoint<Value>;
  /** Decoded path variables by name. */
  readonly params: Readonly<Record<string, string>>;
}

export type MatchResult<Value> = Match<Value> | 'not_found' | 'bad_escape';

interface Node<Value> {
  readonly fixed: Map<string, Node<Value>>;
  variable: Node<Value> | null;
  endpoint: Endpoint<Value> | null;
  /** Names of the variables on the way to `endpoint`, in order. */
  names: readonly string[];
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});

/** Builds the matcher. Throws when two routes claim the same method and path. */
export function makeMatcher<Value>(
  routes: readonly { readonly method: string; readonly path: string; readonly value: Value }[],
): (path: string) => MatchResult<Value> {
  const fixedPaths = new Map<string, Match<Value>>();
  const root = makeNode<Value>();
  for (const { method, path, value } of routes) {
    const endpoint = claim(root, path);
    if (endpoint.methods.has(method)) throw new Error(`two routes for ${method} ${path}`);
    endpoint.methods.set(method, value);
    if (!path.includes('{')) fixedPaths.set(path, { endpoint, params: NO_PARAMS });
  }
  return (path) => fixedPaths.get(path) ?? walkPath(root, path);
}

function makeNode<Value>(): Node<Value> {
  return { fixed: new Map(), variable: null, endpoint: null, names: [] };
}

function claim<Value>(root: Node<Value>, pattern: string): Endpoint<Value> {
  let node = root;
  const names: string[] = [];
  for (const segment of pattern.slice(1).split('/')) {
    if (segment.startsWith('{')) {
      names.push(segment.slice(1, -1));
      node.variable ??= makeNode();
      node = node.variable;
    } else {
      const next = node.fixed.get(segment) ?? makeNode<Value>();
      node.fixed.set(segment, next);
      node = next;
    }
  }
  if (node.endpoint === null) {
    const methods = new Map<string, Value>();
    node.names = names;
    node.endpoint = {
      pattern,
      methods,
      get allow() {
        return [...methods.keys()].join(', ');
      },
    };
  } else if (names.join() !== node.names.join()) {
    throw new Error(`${pattern} and ${node.endpoint.pattern} name their variables differently`);
  }
  return node.endpoint;
}

function walkPath<Value>(root: Node<Value>, path: string): MatchResult<Value> {
  const segments = path.slice(1).split('/');
  if (path.includes('%')) {
    for (let index = 0; index < segments.length; index += 1) {
      const decoded = decodeSegment(segments[index] ?? '');
      if (decoded === undefined) return 'bad_escape';
      if (decoded === null) return 'not_found';
      segments[index] = decoded;
    }
  }
  const values: string[] = [];
  const found = walk(root, segments, 0, values);
  if (found === null || found.endpoint === null) return 'not_found';
  if (values.length === 0) return { endpoint: found.endpoint, params: NO_PARAMS };
  const params: Record<string, string> = {};
  found.names.forEach((name, index) => {
    params[name] = values[index] ?? '';
  });
  return { endpoint: found.endpoint, params };
}

/** A fixed segment wins over a variable one; the variable is tried when nothing below the fixed one fits. */
function walk<Value>(
  node: Node<Value>,
  segments: readonly string[],
  at: number,
  values: string[],
): Node<Value> | null {
  const segment = segments[at];
  if (segment === undefined) return node.endpoint === null ? null : node;
  const fixed = node.fixed.get(segment);
  const found = fixed === undefined ? null : walk(fixed, segments, at + 1, values);
  if (found !== null || node.variable === null || segment === '') return found;
  values.push(segment);
  const below = walk(node.variable, segments, at + 1, values);
  if (below === null) values.pop();
  return below;
}
