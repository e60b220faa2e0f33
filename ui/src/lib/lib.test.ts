import { describe, expect, it } from 'vitest';
import type { DeadLetter, Event, History } from '../api/types';
import { concerned } from './concerned';
import { ago, duration, moment, plural, quoted } from './format';
import { ExactNumber, readJson, writeJson } from './json';
import { meanOf, perMinute, timesOf, valuesOf } from './minutes';
import { after, withinPage } from './parts';
import { delays } from './retry';
import { rawItems } from './rawItems';
import { linesOf, remarksOf, summaryOf } from './story';
import { asFilter, filterOf, suggestions, termsOf, valueOf, withValue, without, wrongAt } from './terms';

describe('JSON', () => {
  it('keeps numbers as they were written', () => {
    const text = '{"id":12345678901234567890,"amount":1.10,"tiny":1e-7,"small":3,"__proto__":{"a":[]},"text":"\\u00e9\\n\\"\\ud83e\\udd80"}';
    expect(writeJson(readJson(text), 0)).toBe(text.replace('\\u00e9', 'é').replace('\\ud83e\\udd80', '🦀'));
    expect((readJson('[1.0]') as unknown[])[0]).toEqual(new ExactNumber('1.0'));
  });
  it('reads what it has written, whatever it is', () => {
    // A fixed sequence that looks like chance, so that a failure comes again.
    let seed = 7;
    const next = (below: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % below;
    const value = (depth: number): unknown => {
      const kind = next(depth > 3 ? 5 : 7);
      if (kind === 0) return null;
      if (kind === 1) return next(2) === 0;
      if (kind === 2) return next(1_000_000) / 64;
      if (kind === 3) return String.fromCharCode(...Array.from({ length: next(9) }, () => next(0x2fff)));
      if (kind === 4) return -next(1000);
      if (kind === 5) return Array.from({ length: next(4) }, () => value(depth + 1));
      return Object.fromEntries(Array.from({ length: next(4) }, (_, index) => [`${index}"\\${next(99)}`, value(depth + 1)]));
    };
    for (let round = 0; round < 500; round += 1) {
      const made = value(0);
      for (const indent of [0, 2]) expect(JSON.parse(writeJson(readJson(JSON.stringify(made)), indent))).toEqual(made);
    }
  });
  it.each(['', '{', '[1,]', '{"a":}', '01', '1.', "'a'", '"\n"', 'nul', '{"a":1}x', '"\\x"', '[1 2]'])('refuses %j and says where', (text) => {
    expect(() => readJson(text)).toThrow(/no JSON: .* in line \d+, column \d+/);
  });
});

describe('a page of a list', () => {
  it('is cut into its items with every character that they have', () => {
    const items = ['{"id":12345678901234567890,"price":1.10}', '{"text":"a \\"]}[{\\\\"}', '{"2":[[],{"a":[1]}],"1":{}}', '{ "x" : "\\u00e9" }'];
    for (const some of [items, items.slice(0, 1), []]) {
      expect(rawItems(`{"items":[${some.join(',')}],"next_cursor":"abc]","searched_until":null}`)).toEqual({ items: some, next: 'abc]' });
    }
    expect(rawItems('{"items":[],"next_cursor":null}')).toEqual({ items: [], next: null });
  });
});

describe('texts', () => {
  it('shows lengths of time in two units', () => {
    expect([0, 0.0001, 0.25, 5, 59, 61, 3600, 12_000, 90_000, null].map(duration)).toEqual(['0 s', '<1 ms', '250 ms', '5.0 s', '59 s', '1 min 1 s', '1 h', '3 h 20 min', '1 d 1 h', '–']);
  });
  it('tells how long ago or in how long', () => {
    const now = Date.parse('2026-01-01T00:01:00Z');
    expect([ago('2026-01-01T00:00:00Z', now), ago('2026-01-01T01:01:00Z', now), ago('2026-01-01T00:01:00.2Z', now), ago(null, now)]).toEqual(['1 min ago', 'in 1 h', 'now', '–']);
    expect(moment('2026-01-01T00:01:00.005Z', true)).toBe('2026-01-01 00:01:00.005 UTC');
  });
  it('quotes what a shell would take for something else', () => {
    expect([quoted('sim-3'), quoted("it's $HOME"), quoted('')]).toEqual(['sim-3', "'it'\\''s $HOME'", "''"]);
    expect([plural(1, 'event'), plural(12_000, 'event')]).toEqual(['1 event', '12,000 events']);
  });
});

describe('retries', () => {
  it('wait as the server has them wait', () => {
    const delay = { initial: 30, multiplier: 2, max: 100, jitter: 0.1 };
    expect(delays(delay, 4).map((one) => one.least)).toEqual([30, 60, 100, 100]);
    expect(delays(delay, 1)[0]!.most).toBeCloseTo(33);
    expect(delays({ ...delay, initial: 0, multiplier: 1000 }, 999).every((one) => one.least === 0)).toBe(true);
    expect(delays(delay, 0)).toEqual([]);
  });
});

describe('minutes', () => {
  it('have a value for each step, also where nothing happened', () => {
    const none = { claimed: 0, completed: 0, failed: 0, lost: 0, dead_lettered: 0 };
    const points = [{ at: '2026-01-01T00:02:00.000Z', enqueued: 10, ...none }];
    const minutes = { from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T00:08:00.000Z', step_seconds: 120, series: [{ queue: null, event_type: null, points }] };
    expect(timesOf(minutes).map((time) => time - Date.parse(minutes.from) / 1000)).toEqual([0, 120, 240, 360]);
    expect(perMinute(minutes, points, 'enqueued')).toEqual([0, 5, 0, 0]);
    expect(valuesOf(minutes, points, (point) => point.waiting?.p50_seconds ?? null)).toEqual([null, null, null, null]);
  });
});

describe('means', () => {
  it('weigh as much as they count', () => {
    expect(meanOf([{ count: 3, mean_seconds: 1 }, null, undefined, { count: 1, mean_seconds: 5 }])).toBe(2);
    expect(meanOf([null])).toBeNull();
  });
});

describe('filters', () => {
  const filter = 'status:failed label.team:"two words" -error:~timeout';
  it('have terms, which are taken out and put in', () => {
    expect(termsOf(filter)).toEqual(['status:failed', 'label.team:"two words"', '-error:~timeout']);
    expect(without(filter, 1)).toBe('status:failed -error:~timeout');
    expect(valueOf(filter, 'status')).toBe('failed');
    expect(withValue(filter, 'status', '')).toBe('label.team:"two words" -error:~timeout');
    expect(withValue('status:failed', 'queue', 'a b"c')).toBe('status:failed queue:"a b\\"c"');
    expect(filterOf({ queue: 'a,b', type: '', run: 'r*' })).toBe('queue:"a,b" run:"r*"');
  });
  it('say how they may go on', () => {
    const known = { status: ['queued', 'failed'], queue: ['render', 'two words'] };
    expect(suggestions('', known)).toEqual(['status:', 'queue:']);
    expect(suggestions('status:failed -qu', known)).toEqual(['status:failed -queue:']);
    expect(suggestions('status:queued,f', known)).toEqual(['status:queued,failed']);
    expect(suggestions('queue:wor', known)).toEqual(['queue:"two words"']);
    expect(suggestions('queue:render ', known)).toEqual(['queue:render status:', 'queue:render queue:']);
  });
  it('hold what addresses of before narrow by, and say where they are wrong', () => {
    expect(asFilter(new URLSearchParams('filter=status:failed'))).toBeNull();
    expect(asFilter(new URLSearchParams('status=failed&event_type=a b&label=team=x&cursor=c'))).toMatchObject({ filter: 'status:failed type:"a b" label.team:x', status: null, cursor: null });
    expect(wrongAt('stauts:failed at column 7: no')?.column).toBe(7);
    expect(wrongAt('no such engine')).toBeNull();
  });
});

describe('parts of a stream', () => {
  const key = (one: { id: string }): string => one.id;
  it('are shown as far as a page goes, by their keys', () => {
    const rows = ['c', 'a', 'd', 'b'].map((id) => ({ id, n: 1 }));
    const shown = (last: string | null): string => withinPage(rows, key, last).map((row) => row.id).join('');
    expect([shown(null), shown('b'), shown('bb'), shown('')]).toEqual(['abcd', 'ab', 'ab', '']);
    expect(rows[0]!.id).toBe('c');
  });
  it('are kept by their keys', () => {
    const first = after(null, { kind: 'snapshot', items: [{ id: 'a', n: 1 }, { id: 'b', n: 1 }], gone: [], more: false }, key);
    const second = after(first, { kind: 'changes', items: [{ id: 'b', n: 2 }, { id: 'c', n: 1 }], gone: ['a'], more: false }, key);
    expect([...second.values()]).toEqual([{ id: 'b', n: 2 }, { id: 'c', n: 1 }]);
    expect([...after(second, { kind: 'snapshot', items: [{ id: 'd', n: 1 }], gone: [], more: false }, key).keys()]).toEqual(['d']);
    expect([...first.keys()]).toEqual(['a', 'b']);
  });
});

describe('dead letters', () => {
  it('tell whom they concern, most first, and leave out who is not known', () => {
    const letters = [['b', '2.0'], ['a', null], ['c', '1.0'], ['c', '2.0'], [null, null]].map(([engine_id, engine_software_version]) => ({ engine_id, engine_software_version }) as DeadLetter);
    expect(concerned(letters, 'engine_id')).toEqual([['c', 2], ['a', 1], ['b', 1]]);
    expect(concerned(letters, 'engine_software_version')).toEqual([['2.0', 2], ['1.0', 1]]);
  });
});

describe('the story of a run', () => {
  const event = (event_id: string, more: Partial<Event> = {}): Event => ({ event_id, status: 'completed', redrives: 0, ...more }) as Event;
  const at = (second: number): string => new Date(second * 1000).toISOString();
  const attempt = (attempt: number, engine_id: string, from: number, to: number | null, outcome: string | null) => ({ attempt, engine_id, claimed_at: at(from), ended_at: to === null ? null : at(to), outcome, error: outcome === 'failed' ? { message: 'no space' } : null });
  const history = (event_id: string, attempts: unknown[], actions: unknown[] = []): [string, History] => [event_id, { event_id, attempts, actions } as unknown as History];
  const events = [event('a'), event('b', { redrives: 1, finished_at: at(40) }), event('c', { status: 'processing' }), event('unread')];
  const histories = new Map([
    history('a', [attempt(1, 'e10', 0, 10, 'lost'), attempt(2, 'e2', 11, 20, 'completed')]),
    history('b', [attempt(1, 'e10', 5, 12, 'lost'), attempt(2, 'e2', 13, 14, 'failed'), attempt(3, 'e2', 30, 40, 'completed')], [{ at: at(25), action: 'dead_letter.redrive', by: 'ana', detail: 'payload_replaced: true' }]),
    history('c', [attempt(1, 'e10', 10, null, null)]),
  ]);
  const lines = linesOf(events, histories);
  it('has a line for each engine, and rows for what it did at once', () => {
    expect(lines.map(({ engine, rows }) => [engine, rows])).toEqual([['e2', 2], ['e10', 2]]);
    expect(lines[1]!.stretches.map((one) => [one.event.event_id, one.row, one.outcome])).toEqual([['a', 0, 'lost'], ['b', 1, 'lost'], ['c', 0, 'processing']]);
    expect(summaryOf(lines, 0, 50_000, true)).toBe('2 engines made 6 attempts in 50 s, 1 min 17 s of work in all.');
  });
  it('says what stands out, in the order in which it happened', () => {
    expect(remarksOf(events, lines, histories).map((one) => `${one.at / 1000} ${one.engine ?? one.event?.event_id} ${one.text}`)).toEqual([
      '10 e10 was lost with 2 events: other engines took over',
      '14 b failed once (no space)',
      '25 b was put back in its queue with another payload by ana',
      '40 b was completed after all',
    ]);
  });
});
