// What one does to a scenario run.

import { path } from '../api/client';
import type { BulkOperation, ScenarioRun } from '../api/types';
import type { Action } from './actions.svelte';
import { command } from './commands';
import { plural } from './format';
import { href, route } from './router.svelte';

const calls = (id: string, what: string, body: Record<string, unknown> = {}) => [
  { method: 'POST' as const, path: path(['scenario-runs', id, what]), ...(Object.keys(body).length > 0 ? { body: JSON.stringify(body) } : {}) },
];

export const pauseRun = ({ scenario_run_id: id, events }: ScenarioRun): Action => ({
  title: `Pause scenario run ${id}`,
  effect: `1 run is paused: ${plural(events.queued, 'event that waits is', 'events that wait are')} not claimed until it is resumed. What runs goes on.`,
  count: 1,
  confirm: 'Pause',
  fields: [{ name: 'reason', label: 'Why', kind: 'text', hint: 'For whoever asks why their event waits.', value: '' }],
  command: (values) => command('run', 'pause', id, ...(values.reason ? ['--reason', values.reason] : [])),
  calls: (values) => calls(id, 'pause', values.reason ? { reason: values.reason } : {}),
  done: `Run ${id} is paused.`,
});

export const resumeRun = ({ scenario_run_id: id, events }: ScenarioRun): Action => ({
  title: `Resume scenario run ${id}`,
  effect: `1 run is resumed: ${plural(events.queued, 'event that waits is', 'events that wait are')} claimed again.`,
  count: 1,
  confirm: 'Resume',
  command: () => command('run', 'resume', id),
  calls: () => calls(id, 'resume'),
  done: `Run ${id} is resumed.`,
});

export const cancelRun = ({ scenario_run_id: id, events }: ScenarioRun): Action => ({
  title: `Cancel scenario run ${id}`,
  effect: `${plural(events.queued, 'event that waits is', 'events that wait are')} cancelled, and ${plural(events.processing, 'engine')} at work asked to stop. The server does it, also when this page is closed. What is enqueued later is not cancelled.`,
  count: events.queued + events.processing,
  empty: events.queued + events.processing === 0 ? 'None of its events waits or runs.' : undefined,
  confirm: `Cancel ${plural(events.queued + events.processing, 'event')}`,
  danger: true,
  fields: [
    { name: 'reason', label: 'Why, for the history', kind: 'text', value: '' },
    { name: 'force', label: 'Take running ones from their engines at once', kind: 'check', value: 'false' },
  ],
  command: (values) => command('run', 'cancel', id, ...(values.force === 'true' ? ['--force'] : []), ...(values.reason ? ['--reason', values.reason] : [])),
  calls: (values) => calls(id, 'cancel', { ...(values.reason ? { reason: values.reason } : {}), ...(values.force === 'true' ? { force: true } : {}) }),
  done: 'The operation has begun.',
  after: (answer) => route.go(href(['operations', (JSON.parse(answer) as BulkOperation).operation_id])),
});

/** How a run is, in one word. */
export function stateOf(run: ScenarioRun): string {
  const left = run.events.queued + run.events.processing;
  if (run.paused_at) return 'paused';
  if (left > 0) return run.events.processing > 0 ? 'running' : 'waiting';
  return run.events.failed > 0 ? 'failed' : 'finished';
}

/** How many of its events end, in the unit that reads best. */
export function paceOf(run: ScenarioRun): string {
  const rate = run.ends_per_second;
  if (rate <= 0) return '–';
  if (rate >= 1) return `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)} a second`;
  return rate * 60 >= 1 ? `${(rate * 60).toFixed(1)} a minute` : `${Math.max(0.1, rate * 3600).toFixed(1)} an hour`;
}
