import type { Scope } from './claims.js';

/** Whether the scopes of a token cover a request; no scopes cover everything. Spec 02 §6.3. */
export function allows(scopes: readonly Scope[], method: string, path: string): boolean {
  if (scopes.length === 0) return true;
  const uri = `/${path.replace(/^\/+|\/+$/g, '')}`;
  const matching = scopes.filter(
    (scope) => (scope.uri === '*' || scope.uri === uri) && (scope.method === '*' || scope.method === method),
  );
  return matching.length > 0 && matching.every((scope) => !scope.exclude);
}
