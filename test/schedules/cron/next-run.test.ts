/** When schedules run: changes of the clocks, dates that are rare, and a comparison with looking at every minute. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCron } from '../../../src/schedules/cron/parse.js';
import { type CronFields, type CronSchedule, nextRun } from '../../../src/schedules/cron/schedule.js';
import { cpuTime } from '../../support/cpu-time.js';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

function schedule(text: string): CronSchedule {
  const parsed = parseCron(text, 'UTC');
  assert(parsed.ok, parsed.ok ? '' : parsed.error);
  return parsed.value;
}

function runsBetween(text: string, from: string, until: string): string[] {
  const cron = schedule(text);
  const end = Date.parse(until);
  const found: string[] = [];
  for (let at = nextRun(cron, Date.parse(from)); at !== null && at < end; at = nextRun(cron, at)) {
    found.push(new Date(at).toISOString().slice(0, 16));
  }
  return found;
}

const cases: readonly {
  readonly what: string;
  readonly text: string;
  readonly from: string;
  readonly until: string;
  readonly runs: readonly string[];
}[] = [
  {
    what: 'a time that is skipped is not due that day',
    text: 'TZ=Europe/Berlin 30 2 * * *',
    from: '2024-03-30T00:00Z',
    until: '2024-04-02T00:00Z',
    runs: ['2024-03-30T01:30', '2024-04-01T00:30'],
  },
  {
    what: 'a time that occurs twice is due twice',
    text: 'TZ=Europe/Berlin 30 2 * * *',
    from: '2024-10-26T12:00Z',
    until: '2024-10-28T12:00Z',
    runs: ['2024-10-27T00:30', '2024-10-27T01:30', '2024-10-28T01:30'],
  },
  {
    what: 'every hour goes on through the night of 23 hours',
    text: 'CRON_TZ=America/New_York 0 0-4 * * *',
    from: '2024-03-10T04:30Z',
    until: '2024-03-10T12:00Z',
    runs: ['2024-03-10T05:00', '2024-03-10T06:00', '2024-03-10T07:00', '2024-03-10T08:00'],
  },
  {
    what: 'a midnight that is skipped is not due',
    text: 'TZ=America/Havana 0 0 * * *',
    from: '2024-03-09T12:00Z',
    until: '2024-03-12T12:00Z',
    runs: ['2024-03-11T04:00', '2024-03-12T04:00'],
  },
  {
    what: 'half an hour that is repeated',
    text: 'TZ=Australia/Lord_Howe 45 1 7 4 *',
    from: '2024-04-01T00:00Z',
    until: '2024-05-01T00:00Z',
    runs: ['2024-04-06T14:45', '2024-04-06T15:15'],
  },
];

for (const { what, text, from, until, runs } of cases) {
  test(what, () => assert.deepEqual(runsBetween(text, from, until), runs));
}

test('a day in the year that is skipped by the clocks comes in another year', () => {
  const at = nextRun(schedule('CRON_TZ=Europe/Berlin 30 2 31 3 *'), Date.parse('2024-01-01T00:00Z'));
  assert.equal(new Date(at ?? 0).toISOString(), '2025-03-31T00:30:00.000Z');
});

test('the search ends after five years, and is cheap when it finds nothing', () => {
  // 2100 is no leap year.
  assert.equal(nextRun(schedule('0 0 29 2 *'), Date.parse('2097-01-01T00:00Z')), null);
  const never = schedule('TZ=Europe/Berlin 0 0 30 2 *');
  const spent = cpuTime(() => {
    for (let times = 0; times < 100; times++) assert.equal(nextRun(never, times * DAY), null);
  });
  assert(spent / 100 < 20, 'one search takes well under 20 ms');
});

test('the seconds of the present minute do not count', () => {
  const everyMinute = schedule('* * * * *');
  assert.equal(nextRun(everyMinute, 59_999), 60_000);
  assert.equal(nextRun(everyMinute, 60_000), 120_000);
});

/** What the wall shows, by another way than the code under test. */
const wallOf = (zone: string): ((at: number) => RegExpExecArray) => {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  return (at) => {
    const shown = /(\d+)-(\d+)-(\d+) (\d+):(\d+)/.exec(format.format(at));
    assert(shown);
    return shown;
  };
};

function matches(fields: CronFields, shown: RegExpExecArray): boolean {
  const [, year, month, day, hour, minute] = shown.map(Number);
  const weekday = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day)).getUTCDay();
  const inDate = fields.dayOfMonth.allows[day ?? 0] === true;
  const inWeek = fields.dayOfWeek.allows[weekday] === true;
  const inDay = fields.dayOfMonth.star || fields.dayOfWeek.star ? inDate && inWeek : inDate || inWeek;
  return (
    inDay &&
    fields.month.allows[month ?? 0] === true &&
    fields.hour.allows[hour ?? -1] === true &&
    fields.minute.allows[minute ?? -1] === true
  );
}

/** The same sequence in every run, so that a failure can be repeated. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test('it finds what looking at every minute finds, about changes of the clocks', () => {
  const random = numbers(20240331);
  const changes: readonly (readonly [zone: string, at: string])[] = [
    ['Europe/Berlin', '2024-03-31T01:00Z'],
    ['Europe/Berlin', '2024-10-27T01:00Z'],
    ['America/New_York', '2025-11-02T06:00Z'],
    ['Australia/Lord_Howe', '2024-10-05T15:30Z'],
    ['Australia/Lord_Howe', '2024-04-06T15:00Z'],
    ['America/Havana', '2024-11-03T05:00Z'],
    ['America/Havana', '2024-03-10T05:00Z'],
    ['Pacific/Chatham', '2024-09-28T14:00Z'],
    ['Asia/Kathmandu', '2024-05-05T00:00Z'],
  ];
  const choices = ['*', '*/7', '*/2', '0', '30', '1', '2', '1-3', '0,2,45'];
  const pick = (limit: number): string => {
    for (;;) {
      const text = choices[random(choices.length)] ?? '*';
      if (Math.max(...(text.match(/\d+/g) ?? ['0']).map(Number)) < limit) return text;
    }
  };
  for (let round = 0; round < 150; round++) {
    const [zone, around] = changes[round % changes.length] ?? changes[0] ?? ['UTC', ''];
    const weekday = random(2) === 0 ? '*' : String(random(7));
    const text = `TZ=${zone} ${pick(60)} ${pick(24)} * * ${weekday}`;
    const cron = schedule(text);
    assert(cron.kind === 'fields');
    const wall = wallOf(zone);
    const begin = Date.parse(around) - random(2 * DAY);
    const end = begin + 2 * DAY;
    const found = nextRun(cron, begin);
    let expected: number | null = null;
    for (let at = (Math.floor(begin / MINUTE) + 1) * MINUTE; at < end; at += MINUTE) {
      if (!matches(cron.fields, wall(at))) continue;
      expected = at;
      break;
    }
    const shown = found !== null && found < end ? found : null;
    assert.equal(shown, expected, `${text} after ${new Date(begin).toISOString()}`);
  }
});
