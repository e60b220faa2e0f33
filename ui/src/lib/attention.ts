// What needs a person, as the server says it, with where one looks at it.

import type { AttentionItem } from '../api/types';
import { href, listHref } from './router.svelte';
import { plural, words } from './format';

const STATES: Record<string, string> = { engine_lost: 'lost', lane_impossible: 'impossible', lane_blocked: 'blocked', dead_letters_grow: 'failed', suspect: 'quarantined', store_damaged: 'failed', locks_lost: 'lost', events_wait: 'waiting', pruning_held: 'paused' };
const WORDS: Record<string, string> = { engine_lost: 'lost', lane_impossible: 'impossible', lane_blocked: 'blocked', dead_letters_grow: 'dead letters', store_damaged: 'damaged', events_wait: 'waiting', pruning_held: 'clock' };

export const stateOf = (item: AttentionItem): string => STATES[item.kind] ?? 'waiting';
export const wordOf = (item: AttentionItem): string => WORDS[item.kind] ?? words(item.kind);

/** What it is about, in a few words; null if its sentence is all there is. */
export function subjectOf(item: AttentionItem): string | null {
  if (item.engine_id) return `Engine ${item.engine_id}`;
  const of = item.kind.startsWith('lane_') || item.kind === 'events_wait' ? `${plural(item.count, 'event')} of ` : '';
  if (item.event_type) return `${of}${item.event_type}${item.queue ? ` in ${item.queue}` : ''}`;
  return item.queue;
}

/** From so many engines on that are lost and hold nothing, they are told of together. */
const TOGETHER = 4;

/** What needs a person, with idle engines that are lost as one thing, so that they do not push away the rest. */
export function folded(items: AttentionItem[]): AttentionItem[] {
  const isIdle = (item: AttentionItem): boolean => item.kind === 'engine_lost' && item.count === 0;
  const idle = items.filter(isIdle);
  if (idle.length < TOGETHER) return items;
  const since = idle.map((item) => item.since).filter((at) => at !== null).sort().at(-1) ?? null;
  const first = items.findIndex(isIdle);
  const one = { ...idle[0]!, engine_id: null, count: idle.length, since, summary: `${plural(idle.length, 'engine is', 'engines are')} lost, and hold nothing any more` };
  return items.flatMap((item, index) => (index === first ? [one] : isIdle(item) ? [] : [item]));
}

export function whereOf(item: AttentionItem): string {
  if (item.event_id && item.kind !== 'dead_letters_grow') return href(['events', item.event_id]);
  if (item.kind === 'dead_letters_grow') return listHref('dead-letters', { type: item.event_type, queue: item.queue });
  if (item.engine_id) return href(['engines', item.engine_id]);
  if (item.kind === 'engine_lost') return listHref('engines', { status: 'lost' });
  if (item.event_type || item.queue) return listHref('events', { status: 'queued', type: item.event_type, queue: item.queue });
  return href(['system']);
}
