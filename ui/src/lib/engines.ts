// What one does to engines.

import { path, type Call } from '../api/client';
import type { Engine } from '../api/types';
import type { Action, Values } from './actions.svelte';
import { command } from './commands';
import { plural } from './format';

const names = (engines: Engine[]): string =>
  engines.length <= 3 ? engines.map((engine) => engine.engine_id).join(', ') : plural(engines.length, 'engine');

const each = (engines: Engine[], what: string, body?: string): Call[] =>
  engines.map(({ engine_id }) => ({ method: 'POST', path: path(['engines', engine_id, what]), body }));

const ids = (engines: Engine[]): string[] => engines.map((engine) => engine.engine_id);
const locks = (engines: Engine[]): number => engines.reduce((sum, engine) => sum + engine.locks_held, 0);

export const drain = (engines: Engine[]): Action => ({
  title: `Drain ${names(engines)}`,
  effect: `${plural(engines.length, 'engine gets', 'engines get')} no more events, and may finish the ${plural(locks(engines), 'event')} that they hold.`,
  count: engines.length,
  confirm: 'Drain',
  fields: [{ name: 'stop', label: 'Stop each when its last event is settled', kind: 'check', value: 'false' }],
  command: (values) => command('engine', 'drain', ...ids(engines), ...(values.stop === 'true' ? ['--stop'] : [])),
  calls: (values) => each(engines, 'drain', values.stop === 'true' ? '{"stop_when_drained":true}' : undefined),
  done: `${names(engines)}: draining.`,
});

export const resume = (engines: Engine[]): Action => ({
  title: `Resume ${names(engines)}`,
  effect: `${plural(engines.length, 'engine gets', 'engines get')} events again.`,
  count: engines.length,
  confirm: 'Resume',
  command: () => command('engine', 'resume', ...ids(engines)),
  calls: () => each(engines, 'resume'),
  done: `${names(engines)}: resumed.`,
});

function quarantineBody(values: Values): string {
  const types = (values.types ?? '').split(/[\s,]+/).filter((type) => type !== '');
  return JSON.stringify({ reason: values.reason, ...(types.length > 0 ? { event_types: types } : {}) });
}

export const quarantine = (engines: Engine[]): Action => ({
  title: `Quarantine ${names(engines)}`,
  effect: `${plural(engines.length, 'engine is', 'engines are')} kept from new events until somebody lifts it. What they hold goes on.`,
  count: engines.length,
  confirm: 'Quarantine',
  danger: true,
  fields: [
    { name: 'reason', label: 'Why', kind: 'text', required: true, value: '' },
    { name: 'types', label: 'Only from these event types', kind: 'text', hint: 'Names with blanks between; from all if empty.', value: '' },
  ],
  command: (values) => {
    const types = (values.types ?? '').split(/[\s,]+/).filter((type) => type !== '');
    return command('engine', 'quarantine', ...ids(engines), '--reason', values.reason ?? '', ...types.flatMap((type) => ['--event-type', type]));
  },
  calls: (values) => each(engines, 'quarantine', quarantineBody(values)),
  done: `${names(engines)}: quarantined.`,
});

export const lift = (engines: Engine[]): Action => ({
  title: `Lift the quarantine of ${names(engines)}`,
  effect: `${plural(engines.length, 'engine is', 'engines are')} no longer kept from events.`,
  count: engines.length,
  confirm: 'Lift',
  command: () => command('engine', 'lift', ...ids(engines)),
  calls: () => each(engines, 'lift'),
  done: `${names(engines)}: the quarantine is lifted.`,
});

export const deregister = (engines: Engine[]): Action => ({
  title: `Deregister ${names(engines)}`,
  effect: `${plural(engines.length, 'engine is', 'engines are')} taken out of the fleet. The ${plural(locks(engines), 'event')} that they hold go back to their queues at once.`,
  count: engines.length,
  confirm: 'Deregister',
  danger: true,
  command: () => command('engine', 'deregister', ...ids(engines), '--yes'),
  calls: () => engines.map(({ engine_id }) => ({ method: 'DELETE', path: path(['engines', engine_id]) })),
  done: `${names(engines)}: deregistered.`,
});

export const limits = (engine: Engine) => engine.metadata.static_config?.resource_limits ?? {};
export const usage = (engine: Engine) => engine.metadata.dynamic_state?.resource_utilization ?? {};

/** How an engine is, in one word: what keeps it from events counts more than that it lives. */
export const state = (engine: Engine): string =>
  engine.status === 'active' && engine.quarantine ? 'quarantined' : engine.status;

export const slots = (engine: Engine): number => limits(engine).max_concurrent_events ?? 1;

/** How many are how, those first that a person looks for. */
export function byState(engines: Engine[]): [string, number][] {
  const found = new Map(['lost', 'quarantined', 'draining', 'active', 'stopped'].map((one) => [one, 0]));
  for (const engine of engines) found.set(state(engine), (found.get(state(engine)) ?? 0) + 1);
  return [...found].filter(([, many]) => many > 0);
}
