import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQuery } from '../../src/http/query-string.js';
import { compileFilters, ownColumn } from '../../src/query/match.js';
import { paginate } from '../../src/query/paginate.js';
import { readListOptions } from '../../src/query/validate.js';

const item = {
  name: 'Lab One',
  hostname: 'lab1.example.org',
  tags: ['Linux', 'Datacenter 3', 'TAG1'],
  labels: { country: 'France', city: 'Paris' },
  groups: null,
  none: [],
  cpus: 2,
  big: 4_102_447_104,
  on: true,
  at: '2026-03-10T12:00:00.5+02:00',
};

const columns = ['name', 'hostname', 'tags', 'labels', 'groups', 'none', 'cpus', 'big', 'on', 'at', 'absent'];
const operators = ['gt', 'lt', 'eq', 'since', 'until'];
const support = {
  sorts: [],
  filters: columns.flatMap((column) => [column, ...operators.map((operator) => `${column}[${operator}]`)]),
};

const matches = (query: string, subject: object = item): boolean =>
  compileFilters(readListOptions(parseQuery(query), support).filters, ownColumn)(subject);

const yes = (...queries: string[]): void => {
  for (const query of queries) assert.equal(matches(query), true, query);
};
const no = (...queries: string[]): void => {
  for (const query of queries) assert.equal(matches(query), false, query);
};

test('lists match by element, without regard to case', () => {
  yes('filter[tags]=tag1', 'filter[tags]=or(foo,tag1)', 'filter[tags]=Linux&filter[tags]=nope');
  no('filter[tags]=tag', 'filter[tags]=', 'filter[none]=', 'filter[none]=*');
});

test('and() wants every value matched by something, each by itself', () => {
  yes('filter[tags]=and(Linux,TAG1)', 'filter[tags|name]=and(linux,lab one)');
  no('filter[tags]=and(Linux,nope)', 'filter[tags]=and(Linux,Linux)', 'filter[tags]=AND(Linux,TAG1)');
});

test('objects match as "key: value"', () => {
  yes('filter[labels]=country: france', 'filter[labels]=*: FR*', 'filter[labels]=and(country:*,city:*)');
  no('filter[labels]=country', 'filter[labels]=france', 'filter[labels]=and(country:*,x*)');
});

test('several filters must all match, several columns need one', () => {
  yes('filter[name|hostname]=lab*', 'filter[*]=lab*', 'filter[name]=LAB ONE&filter[cpus]=2');
  no('filter[name]=lab one&filter[cpus]=3', 'filter[absent]=*', 'filter[absent]=');
});

test('numbers and booleans match as text', () => {
  yes('filter[cpus]=2', 'filter[big]=4102447104', 'filter[on]=TRUE');
  no('filter[cpus]=02', 'filter[on]=1');
});

test('null is found by what matches nothing, and by its name', () => {
  yes('filter[groups]=', 'filter[groups]=*', 'filter[groups]=<nil>', 'filter[groups]=and(*)');
  no('filter[groups]=*n*', 'filter[groups]=nil', 'filter[name]=<nil>', 'filter[name]=');
});

test('only the star is special in a pattern', () => {
  yes('filter[name]=L*b*', 'filter[name]=*ONE', 'filter[name]=l*a*b*e', 'filter[name]=**');
  no(
    'filter[name]=L.b*',
    'filter[name]=(*',
    'filter[name]=lab*x',
    'filter[name]=*lab',
    'filter[name]=lab on*one',
  );
  assert.equal(matches('filter[name]=a*a', { name: 'a' }), false);
  assert.equal(matches('filter[name]=[x%2B.*', { name: '[X+.y' }), true);
});

test('the star does not cross a line', () => {
  assert.equal(matches('filter[name]=a*c', { name: 'a\nc' }), false);
  assert.equal(matches('filter[name]=a*%0A*c', { name: 'ab\nbc' }), true);
  assert.equal(matches('filter[name]=a*%0A*c', { name: 'a\n\nc' }), false);
  assert.equal(matches('filter[name]=*', { name: 'a\nc' }), false);
});

test('case folding is that of Unicode, character by character', () => {
  assert.equal(matches('filter[name]=ÄÖÜ*', { name: 'äöüß' }), true);
  assert.equal(matches('filter[name]=k', { name: '\u212a' }), true);
  assert.equal(matches('filter[name]=ſ', { name: 'S' }), true);
  assert.equal(matches('filter[name]=σ', { name: 'ς' }), true);
  assert.equal(matches('filter[name]=ss', { name: 'ß' }), false);
  assert.equal(matches('filter[name]=ẞ', { name: 'ß' }), true);
});

test('a hostile pattern on a hostile text takes no longer than it is long', () => {
  const pattern = `${'*a'.repeat(900)}*b`;
  assert.equal(matches(`filter[name]=${pattern}`, { name: 'a'.repeat(200_000) }), false);
});

test('dates compare as instants, whatever their offset', () => {
  yes(
    'filter[at][gt]=2026-03-10',
    'filter[at][gt]=2026-03-10T10:00:00Z',
    'filter[at][lt]=2026-03-10T12:00:01%2B02:00',
    'filter[at][eq]=2026-03-10',
    'filter[at][eq]=2026-03-09T10:00:00.5001Z',
    'filter[at][since]=2026-03-10T10:00:00.5Z',
    'filter[at][until]=2026-03-10T10:00:00.5Z',
    'filter[at][gt]=1773136800',
    'filter[at]=2026-03-10T10:00:00.5Z',
    // The `+` of an offset nobody escaped is a space by then.
    'filter[at]=2026-03-10T12:00:00.5+02:00',
  );
  no(
    'filter[at][gt]=2026-03-10T10:00:00.5Z',
    'filter[at][lt]=2026-03-10T12:00:00Z&filter[at][gt]=2026-03-10T11:00:00Z',
    'filter[at][eq]=2026-03-09',
    'filter[at][eq]=2026-03-11',
    'filter[at][eq]=2026-03-09T10:00:00.5Z',
    'filter[at][gt]=1773136801',
  );
});

test('what is no date is compared as text, and the operator has no meaning', () => {
  for (const text of ['2026-02-30', '2026-13-01', '2026-3-1', '2026-01-01T25:00:00Z', 'soon']) {
    assert.equal(matches(`filter[at][gt]=${text}`), false, text);
    assert.equal(matches(`filter[name][gt]=${text}`, { name: text }), true, text);
  }
  assert.equal(matches('filter[name][lt]=2026-01-01', { name: '2026-01-01' }), true);
});

test('a page is cut out of the whole, the count is of the whole', () => {
  const items = [1, 2, 3, 4, 5];
  assert.deepEqual(paginate(items, { offset: 1, limit: 2 }), { items: [2, 3], count: 5 });
  assert.deepEqual(paginate(items, { offset: 4, limit: 2 }), { items: [5], count: 5 });
  assert.deepEqual(paginate(items, { offset: 9, limit: 2 }), { items: [], count: 5 });
});
