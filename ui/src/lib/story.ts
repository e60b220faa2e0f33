// The story of a scenario run: which engine worked on what when, and what stands out in it.

import type { Event, History } from '../api/types';
import { duration, plural } from './format';

/** An attempt as a bar: in which row of its engine, since one may do several at once. */
export interface Stretch {
  event: Event;
  attempt: number;
  engine: string;
  from: number;
  /** Null while it goes on. */
  to: number | null;
  outcome: string;
  row: number;
}
export interface EngineLine {
  engine: string;
  rows: number;
  stretches: Stretch[];
}

/** A line for each engine, by their names: attempts that overlap are in rows of their own. */
export function linesOf(events: Event[], histories: ReadonlyMap<string, History>): EngineLine[] {
  const found = new Map<string, Stretch[]>();
  for (const event of events) {
    for (const { attempt, engine_id: engine, claimed_at, ended_at, outcome } of histories.get(event.event_id)?.attempts ?? []) {
      const own = found.get(engine) ?? [];
      own.push({ event, attempt, engine, from: Date.parse(claimed_at), to: ended_at ? Date.parse(ended_at) : null, outcome: outcome ?? 'processing', row: 0 });
      found.set(engine, own);
    }
  }
  return [...found.entries()].sort(([one], [other]) => one.localeCompare(other, 'en', { numeric: true })).map(([engine, stretches]) => {
    const ends: number[] = [];
    for (const one of stretches.sort((first, second) => first.from - second.from)) {
      const free = ends.findIndex((end) => end <= one.from);
      one.row = free === -1 ? ends.length : free;
      ends[one.row] = one.to ?? Infinity;
    }
    return { engine, rows: ends.length, stretches };
  });
}

/** Something that stands out: what, when, and what it leads to. */
export interface Remark {
  at: number;
  kind: 'lost' | 'failed' | 'redriven' | 'completed';
  text: string;
  engine?: string;
  event?: Event;
}

/** Losses of one engine that come within so many milliseconds are one. */
const TOGETHER = 5_000;

/** What somebody did to an event, as a sentence has it. */
function done(action: string, detail: string): string {
  if (!action.endsWith('redrive')) return `was changed (${action.replaceAll('_', ' ')})`;
  return `was put back in its queue${detail.includes('payload_replaced: true') ? ' with another payload' : ''}`;
}

/** What stands out, in the order in which it happened: losses, events that needed several attempts, and what people did to them. */
export function remarksOf(events: Event[], lines: EngineLine[], histories: ReadonlyMap<string, History>): Remark[] {
  const found: Remark[] = [];
  for (const { engine, stretches } of lines) {
    const lost = stretches.filter((one) => one.outcome === 'lost').map((one) => one.to ?? one.from).sort((one, other) => one - other);
    for (let begin = 0; begin < lost.length; ) {
      let end = begin;
      while (end < lost.length && lost[end]! - lost[begin]! <= TOGETHER) end += 1;
      found.push({ at: lost[begin]!, kind: 'lost', engine, text: `was lost with ${plural(end - begin, 'event')}: other engines took over` });
      begin = end;
    }
  }
  for (const event of events) {
    const history = histories.get(event.event_id);
    if (!history) continue;
    const failed = history.attempts.filter((one) => one.outcome && !['completed', 'released', 'lost'].includes(one.outcome));
    const last = failed.at(-1);
    if (last?.ended_at) {
      const why = last.error?.message ?? last.outcome;
      const then = event.status === 'completed' && event.redrives === 0 ? ', and was completed in the end' : '';
      found.push({ at: Date.parse(last.ended_at), kind: 'failed', event, text: `failed ${failed.length === 1 ? 'once' : `${failed.length} times`} (${why})${then}` });
    }
    for (const { at, action, by, detail } of history.actions) found.push({ at: Date.parse(at), kind: 'redriven', event, text: `${done(action, detail ?? '')} by ${by}` });
    if (event.redrives > 0 && event.status === 'completed' && event.finished_at) found.push({ at: Date.parse(event.finished_at), kind: 'completed', event, text: 'was completed after all' });
  }
  return found.sort((one, other) => one.at - other.at);
}

/** The whole in one sentence. */
export function summaryOf(lines: EngineLine[], from: number, to: number, isOver: boolean): string {
  const all = lines.flatMap((line) => line.stretches);
  const worked = all.reduce((sum, one) => sum + ((one.to ?? to) - one.from), 0) / 1000;
  return `${plural(lines.length, 'engine')} ${isOver ? 'made' : 'have made'} ${plural(all.length, 'attempt')} in ${duration((to - from) / 1000)}, ${duration(worked)} of work in all.`;
}
