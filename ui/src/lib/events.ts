// What one does to events.

import { path } from '../api/client';
import type { Event } from '../api/types';
import type { Action, Values } from './actions.svelte';
import { command } from './commands';
import { plural } from './format';
import { readJson, writeJson } from './json';

const ids = (events: Pick<Event, 'event_id'>[]): string[] => events.map((event) => event.event_id);
const names = (events: Pick<Event, 'event_id'>[]): string => (events.length === 1 ? `event ${events[0]!.event_id}` : plural(events.length, 'event'));

export function cancel(events: Event[]): Action {
  const running = events.filter((event) => event.status === 'processing').length;
  return {
    title: `Cancel ${names(events)}`,
    effect:
      running > 0
        ? `${plural(events.length, 'event')}: what waits is cancelled at once; ${plural(running, 'engine')} at work on ${running === 1 ? 'one is' : 'some are'} asked to stop.`
        : `${plural(events.length, 'event is', 'events are')} cancelled at once.`,
    count: events.length,
    confirm: `Cancel ${plural(events.length, 'event')}`,
    danger: true,
    fields: running > 0 ? [{ name: 'force', label: 'Take running ones from their engines at once', kind: 'check', value: 'false' }] : [],
    command: (values) => command('event', 'cancel', ...ids(events), ...(values.force === 'true' ? ['--force'] : [])),
    calls: (values) =>
      events.map(({ event_id }) => ({ method: 'POST', path: path(['events', event_id, 'cancel']), body: values.force === 'true' ? '{"force":true}' : undefined })),
    done: `${plural(events.length, 'event')} cancelled or asked to stop.`,
  };
}

export const retry = (events: Event[]): Action => ({
  title: `Retry ${names(events)} now`,
  effect: `${plural(events.length, 'event that waits', 'events that wait')} for a later time may be claimed now.`,
  count: events.length,
  confirm: `Retry ${plural(events.length, 'event')}`,
  command: () => command('event', 'retry', ...ids(events)),
  calls: () => events.map(({ event_id }) => ({ method: 'POST', path: path(['events', event_id, 'retry']) })),
  done: `${plural(events.length, 'event')} available now.`,
});

/** What is typed of changes, as the body of a call: nothing of what is as it was. */
export function changes(values: Values, payload: string): Record<string, string> {
  const fields: Record<string, string> = {};
  const typed = (values.payload ?? '').trim();
  if (typed !== '' && typed !== payload.trim()) fields.payload = writeJson(readJson(typed), 0);
  if (values.priority?.trim()) fields.priority = String(Number(values.priority));
  if (values.queue?.trim()) fields.queue = JSON.stringify(values.queue.trim());
  if (values.delay?.trim()) fields.delay_seconds = String(Number(values.delay));
  return fields;
}

const body = (fields: Record<string, string>): string | undefined => {
  const written = Object.entries(fields).map(([name, value]) => `${JSON.stringify(name)}:${value}`);
  return written.length > 0 ? `{${written.join(',')}}` : undefined;
};

function flags(fields: Record<string, string>, toQueue: string): string[] {
  const names: Record<string, string> = { payload: '--payload', priority: '--priority', queue: toQueue, delay_seconds: '--delay-seconds' };
  return Object.entries(fields).flatMap(([name, value]) => [names[name] ?? '', name === 'queue' ? (JSON.parse(value) as string) : value]);
}

const editor = (payload: string | null): Action['fields'] => [
  ...(payload === null ? [] : [{ name: 'payload', label: 'Payload', kind: 'json' as const, value: payload, hint: 'Numbers stay as they are written.' }]),
  { name: 'priority', label: 'Priority', kind: 'number' as const, value: '', hint: '0 (first) to 9 (last); as it is if empty.' },
  { name: 'queue', label: 'Queue', kind: 'text' as const, value: '', hint: 'Its own if empty.' },
  { name: 'delay', label: 'Delay in seconds', kind: 'number' as const, value: '', hint: 'Available at once if empty.' },
];

/** Puts a finished event back in its queue, changed if wanted. `payload` is its text, or null if it may not be read. */
export const redrive = (id: string, payload: string | null): Action => ({
  title: `Redrive event ${id}`,
  effect: '1 event is put back in its queue, with all its retries again.',
  count: 1,
  confirm: 'Redrive',
  fields: editor(payload),
  command: (values) => command('event', 'redrive', id, ...flags(changes(values, payload ?? ''), '--to-queue')),
  calls: (values) => [{ method: 'POST', path: path(['events', id, 'redrive']), body: body(changes(values, payload ?? '')) }],
  done: 'The event is in its queue again.',
});

/** Changes an event that waits. */
export const change = (id: string, payload: string | null): Action => ({
  title: `Change event ${id}`,
  effect: '1 event that waits is changed. What is left empty stays as it is.',
  count: 1,
  confirm: 'Change',
  fields: editor(payload),
  command: (values) => command('event', 'set', id, ...flags(changes(values, payload ?? ''), '--queue')),
  calls: (values) => [{ method: 'PATCH', path: path(['events', id]), body: body(changes(values, payload ?? '')) ?? '{}' }],
  done: 'The event is changed.',
});
