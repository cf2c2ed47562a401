import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppErrorList } from '../../src/errors.js';
import { parseQuery } from '../../src/http/query-string.js';
import type { ListSupport } from '../../src/query/types.js';
import { NO_LIMIT, readFields, readListOptions } from '../../src/query/validate.js';

const support: ListSupport = {
  sorts: ['id', 'name'],
  filters: ['id', 'name', 'tags', 'timestamp[gt]'],
  fields: { things: ['id', 'name'] },
  page: { defaultLimit: 50, maxLimit: 500 },
};

const read = (query: string, supported = support) => readListOptions(parseQuery(query), supported);

const refusals = (query: string, supported = support): [string, string][] => {
  try {
    read(query, supported);
  } catch (error) {
    assert.ok(error instanceof AppErrorList);
    assert.ok(error.errors.every(({ status }) => status === 400));
    return error.errors.map(({ title, detail }) => [title, detail]);
  }
  return [];
};

const titles = (query: string, supported = support): string[] =>
  refusals(query, supported).map(([title]) => title);

test('everything that is wrong is said at once, in the order sort, filter, fields, limit, offset', () => {
  const query =
    'page[offset]=-1&page[limit]=a&fields[things]=size&fields[others]=id&filter[size]=1&sort=size';
  assert.deepEqual(refusals(query), [
    ["unsupported sort field 'size'", ''],
    ["unsupported filter field 'filter[size]'", ''],
    ['unsupported field "size" for resource "things"', ''],
    ['unsupported resource in fields: "others"', ''],
    ['pagination limit must be a number', 'strconv.Atoi: parsing "a": invalid syntax'],
    ['pagination offset must not be negative', ''],
  ]);
});

test('limits', () => {
  assert.deepEqual(titles('page[limit]=501'), ['pagination limit too big (501) maximum is 500']);
  assert.deepEqual(titles('page[limit]=%2B0501'), ['pagination limit too big (+0501) maximum is 500']);
  assert.deepEqual(titles('page[limit]=0'), ['pagination limit must be positive']);
  assert.deepEqual(titles('page[limit]=-3'), ['pagination limit must be positive']);
  assert.deepEqual(refusals('page[limit]=99999999999999999999'), [
    ['pagination limit must be a number', 'strconv.Atoi: parsing "99999999999999999999": value out of range'],
  ]);
  assert.deepEqual(titles('page[limit]=1e2'), ['pagination limit must be a number']);
  assert.equal(read('').limit, 50);
  assert.equal(read('page[limit]=').limit, 50);
  assert.equal(read('page[limit]=500&page[limit]=9999').limit, 500);
});

test('offsets', () => {
  assert.equal(read('').offset, 0);
  assert.equal(read('page[offset]=7').offset, 7);
  assert.deepEqual(refusals('page[offset]='), [
    ['pagination offset must be a number', 'strconv.Atoi: parsing "": invalid syntax'],
  ]);
});

test('sorts: leading dashes mean descending, empty ones are ignored, commas do not separate', () => {
  assert.deepEqual(read('sort=--name&sort=%20&sort=+id').sorts, [
    { column: 'name', descending: true },
    { column: 'id', descending: false },
  ]);
  assert.deepEqual(read('sort=').sorts, []);
  assert.deepEqual(titles('sort=id,-name'), ["unsupported sort field 'id,-name'"]);
});

test('keys without meaning are ignored', () => {
  const options = read(
    'filter=1&filter[]=1&filter[a.b]=1&filter[a%20b]=1&filterz[a]=1&sord=x&fields=x&page[other]=x&fields[a.b]=x',
  );
  assert.deepEqual(options, { sorts: [], filters: [], fields: {}, offset: 0, limit: 50 });
});

test('a filter key counts up to its bracket, and each key is a filter of its own', () => {
  assert.deepEqual(read('filter[name]xyz=lab*&filter[name]=a').filters, [
    { columns: ['name'], operator: '', values: ['lab*'], combine: 'or' },
    { columns: ['name'], operator: '', values: ['a'], combine: 'or' },
  ]);
});

test('filter values', () => {
  const values = (query: string): [string, readonly string[]] => {
    const [filter] = read(query).filters;
    return [filter?.combine ?? '', filter?.values ?? []];
  };
  assert.deepEqual(values('filter[name]'), ['or', ['']]);
  assert.deepEqual(values('filter[name]=,'), ['or', ['', '']]);
  assert.deepEqual(values('filter[name]=%20a%20,%20b%20'), ['or', ['a', 'b']]);
  assert.deepEqual(values('filter[name]=and(a,%20b)dropped'), ['and', ['a', 'b']]);
  assert.deepEqual(values('filter[name]=AND(a,b)'), ['or', ['AND(a', 'b)']]);
  assert.deepEqual(values('filter[name]=and()'), ['or', ['and()']]);
  assert.deepEqual(values('filter[name]=or(and(x,y))'), ['or', ['and(x', 'y)']]);
  assert.deepEqual(values('filter[name]=a&filter[name]=and(b)&filter[name]=c'), ['and', ['a', 'b', 'c']]);
});

test('filter columns', () => {
  assert.deepEqual(read('filter[*]=a').filters[0]?.columns, ['id', 'name', 'tags']);
  assert.deepEqual(read('filter[name|tags]=a').filters[0]?.columns, ['name', 'tags']);
  assert.equal(read('filter[timestamp][gt]=2026-01-01').filters[0]?.operator, 'gt');
  assert.deepEqual(titles('filter[*|name]=a'), ["unsupported filter field 'filter[*|name]'"]);
  assert.deepEqual(titles('filter[name|x][eq]=a'), ["unsupported filter field 'filter[name|x][eq]'"]);
  assert.deepEqual(titles('filter[name][eq]=x'), ["unsupported filter field 'filter[name][eq]'"]);
  assert.deepEqual(titles('filter[timestamp]=x'), ["unsupported filter field 'filter[timestamp]'"]);
  const none: ListSupport = { sorts: [], filters: [] };
  assert.deepEqual(read('filter[*]=a', none).filters, []);
  assert.deepEqual(titles('sort=id&filter[id]=1', none), [
    "unsupported sort field 'id'",
    "unsupported filter field 'filter[id]'",
  ]);
});

test('a filter that would cost too much is refused', () => {
  const values = Array.from({ length: 399 }, (_, n) => `${n}*`).join(',');
  assert.deepEqual(titles(`filter[name]=${values}`), []);
  assert.deepEqual(titles(`filter[*]=${values}`), ['filter has too many columns and values']);
});

test('fields: elements keep their spaces, empty is a name that nobody supports', () => {
  assert.deepEqual(read('fields[things]=name,id&fields[things]x=id').fields, {
    things: ['name', 'id', 'id'],
  });
  assert.deepEqual(titles('fields[things]=id,%20name'), ['unsupported field " name" for resource "things"']);
  assert.deepEqual(titles('fields[things]='), ['unsupported field "" for resource "things"']);
  assert.deepEqual(titles('fields[__proto__]=id'), ['unsupported resource in fields: "__proto__"']);
  assert.deepEqual(readFields(parseQuery('sort=x&page[limit]=x&fields[things]=id'), { things: ['id'] }), {
    things: ['id'],
  });
});

test('without pagination and fields both are ignored', () => {
  const options = read('page[limit]=a&page[offset]=b&fields[x]=y', { sorts: [], filters: [] });
  assert.deepEqual(options, { sorts: [], filters: [], fields: {}, offset: 0, limit: NO_LIMIT });
});

test('defaults apply only when nothing of their kind was asked', () => {
  const defaults = { sorts: [{ column: 'id', descending: false }] };
  assert.deepEqual(readListOptions(parseQuery(''), support, defaults).sorts, defaults.sorts);
  assert.deepEqual(readListOptions(parseQuery('sort=name'), support, defaults).sorts, [
    { column: 'name', descending: false },
  ]);
});
