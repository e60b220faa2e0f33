// What queues and event types set: as it is typed, and as it is written.

import { path } from '../api/client';
import type { EventTypeSettings, QueueSettings } from '../api/types';
import type { Action } from './actions.svelte';
import { command } from './commands';
import { DEFAULT_DELAY, DEFAULT_RETRIES, type Delay } from './retry';

export type AnySettings = Omit<QueueSettings, 'queue'> & Partial<Pick<EventTypeSettings, 'durations'>>;

export interface Kind { section: 'queues' | 'event-types'; word: string; noun: string }
export const QUEUE: Kind = { section: 'queues', word: 'queue', noun: 'queue' };
export const EVENT_TYPE: Kind = { section: 'event-types', word: 'event-type', noun: 'event type' };

export interface PolicyField { name: string; label: string; unit: string; flag: string; group: 'retries' | 'limits' | 'order' }
/** The fields of a policy, by where they are in what is written. */
export const POLICY: PolicyField[] = [
  { name: 'retry_policy.max_retries', label: 'Retries', unit: '', flag: '--max-retries', group: 'retries' },
  { name: 'retry_policy.retry_delay.initial', label: 'First wait', unit: 's', flag: '--retry-delay-initial', group: 'retries' },
  { name: 'retry_policy.retry_delay.multiplier', label: 'Each longer by', unit: '×', flag: '--retry-delay-multiplier', group: 'retries' },
  { name: 'retry_policy.retry_delay.max', label: 'Longest wait', unit: 's', flag: '--retry-delay-max', group: 'retries' },
  { name: 'retry_policy.retry_delay.jitter', label: 'Chance adds at most', unit: 'of 1', flag: '--retry-delay-jitter', group: 'retries' },
  { name: 'retry_policy.max_losses', label: 'Lost locks forgiven', unit: '', flag: '--max-losses', group: 'retries' },
  { name: 'visibility_timeout_seconds', label: 'A lock lasts', unit: 's', flag: '--visibility-timeout-seconds', group: 'limits' },
  { name: 'max_processing_seconds', label: 'An attempt takes at most', unit: 's', flag: '--max-processing-seconds', group: 'limits' },
  { name: 'progress_timeout_seconds', label: 'Progress at least every', unit: 's', flag: '--progress-timeout-seconds', group: 'limits' },
  { name: 'hold_back_after_seconds', label: 'An engine is held back after', unit: 's', flag: '--hold-back-after-seconds', group: 'order' },
  { name: 'priority_aging_seconds', label: 'Priority rises every', unit: 's', flag: '--priority-aging-seconds', group: 'order' },
];

type Tree = { [name: string]: unknown };

export function read(settings: Tree, name: string): string {
  let found: unknown = settings;
  for (const part of name.split('.')) found = (found as Tree | null | undefined)?.[part];
  return typeof found === 'number' ? String(found) : '';
}

/** What is set with other numbers: an empty one is not set any more. All else stays as it was. */
export function written(settings: Tree, typed: Record<string, string>): Tree {
  const { queue: _queue, event_type: _type, durations: _durations, pause_reason: _reason, paused_at: _at, ...whole } = structuredClone(settings) as Tree;
  for (const { name, label } of POLICY) {
    const text = (typed[name] ?? '').trim();
    const parts = name.split('.');
    const last = parts.pop()!;
    let at = whole;
    if (text === '') {
      for (const part of parts) at = (at[part] ?? {}) as Tree;
      delete at[last];
      continue;
    }
    const value = Number(text);
    if (!Number.isFinite(value)) throw new Error(`${label} must be a number, was “${text}”.`);
    for (const part of parts) at = (at[part] ??= {}) as Tree;
    at[last] = value;
  }
  return whole;
}

export function delayOf(typed: Record<string, string>): Delay {
  const number = (name: string, usual: number): number => {
    const text = (typed[`retry_policy.retry_delay.${name}`] ?? '').trim();
    const value = Number(text);
    return text === '' || !Number.isFinite(value) || value < 0 ? usual : value;
  };
  return { initial: number('initial', DEFAULT_DELAY.initial), multiplier: Math.max(1, number('multiplier', DEFAULT_DELAY.multiplier)), max: number('max', DEFAULT_DELAY.max), jitter: Math.min(1, number('jitter', DEFAULT_DELAY.jitter)) };
}

export function retriesOf(typed: Record<string, string>): number {
  const text = (typed['retry_policy.max_retries'] ?? '').trim();
  const value = Number(text);
  return text === '' || !Number.isInteger(value) || value < 0 ? DEFAULT_RETRIES : value;
}

export function save(kind: Kind, id: string, settings: Tree, typed: Record<string, string>): Action {
  const changed = POLICY.filter(({ name }) => (typed[name] ?? '').trim() !== read(settings, name));
  const flags = changed.filter(({ name }) => (typed[name] ?? '').trim() !== '').flatMap(({ name, flag }) => [flag, (typed[name] ?? '').trim()]);
  const cleared = changed.filter(({ name }) => (typed[name] ?? '').trim() === '').map(({ label }) => label);
  return {
    title: `Change what ${kind.noun} ${id} sets`,
    effect: `1 ${kind.noun}: ${changed.map(({ name, label, unit }) => `${label.toLowerCase()} ${(typed[name] ?? '').trim() === '' ? 'as the server has it' : `${typed[name]} ${unit}`.trim()}`).join(', ')}. It holds for events that wait, too, unless they say otherwise themselves.`,
    count: 1,
    confirm: 'Change',
    ...(cleared.length === 0 ? { command: () => command(kind.word, 'set', id, ...flags) } : {}),
    calls: () => [{ method: 'PUT', path: path([kind.section, id]), body: JSON.stringify(written(settings, typed)) }],
    done: `What ${kind.noun} ${id} sets is changed.`,
  };
}

export const pause = (kind: Kind, id: string, waiting: string): Action => ({
  title: `Pause ${kind.noun} ${id}`,
  effect: `1 ${kind.noun} is paused: ${waiting} not claimed until it is resumed. What runs goes on.`,
  count: 1,
  confirm: 'Pause',
  fields: [{ name: 'reason', label: 'Why', kind: 'text', hint: 'For whoever asks why their event waits.', value: '' }],
  command: (values) => command(kind.word, 'pause', id, ...(values.reason ? ['--reason', values.reason] : [])),
  calls: (values) => [{ method: 'POST', path: path([kind.section, id, 'pause']), body: values.reason ? JSON.stringify({ reason: values.reason }) : undefined }],
  done: `${id} is paused.`,
});

export const resume = (kind: Kind, id: string, waiting: string): Action => ({
  title: `Resume ${kind.noun} ${id}`,
  effect: `1 ${kind.noun} is resumed: ${waiting} claimed again.`,
  count: 1,
  confirm: 'Resume',
  command: () => command(kind.word, 'resume', id),
  calls: () => [{ method: 'POST', path: path([kind.section, id, 'resume']) }],
  done: `${id} is resumed.`,
});
