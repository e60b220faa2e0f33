// Acting on all that match: the server says first on what, then does it by itself, however many they are.

import { path, send } from '../api/client';
import type { BulkOperation, OperationAction, OperationPreview } from '../api/types';
import type { Action, Field, Values } from './actions.svelte';
import { command } from './commands';
import { count, duration, plural } from './format';
import { href, route } from './router.svelte';

export interface Plan {
  action: OperationAction;
  /** What they are narrowed to; all if empty. */
  filter: string;
  /** At most so many, the first in the order of the action. */
  limit?: number;
}

const ofEngines = (action: string): boolean => /engines$|quarantines$/.test(action);
export const permissionOf = (action: OperationAction): string => (ofEngines(action) ? 'engines:control' : 'events:control');
export const sectionOf = (action: OperationAction): 'events' | 'engines' | 'dead-letters' =>
  ofEngines(action) ? 'engines' : action.endsWith('dead_letters') ? 'dead-letters' : 'events';

const typesOf = (values: Values): string[] => (values.types ?? '').split(/[\s,]+/).filter((type) => type !== '');

/** The body of a preview, and of the operation itself. */
export function request({ action, filter, limit }: Plan, values: Values = {}): string {
  const typed = (values.rate ?? '').trim();
  const rate = Number(typed);
  if (typed !== '' && !(rate > 0 && Number.isFinite(rate))) throw new Error('How many a second must be a number above 0.');
  return JSON.stringify({
    action,
    ...(filter.trim() === '' ? { all: true } : { filter: filter.trim() }),
    ...(limit ? { limit } : {}),
    ...(typed === '' ? {} : { rate_per_second: rate }),
    ...(values.reason?.trim() ? { reason: values.reason.trim() } : {}),
    ...(values.force === 'true' ? { force: true } : {}),
    ...(values.stop === 'true' ? { stop_when_drained: true } : {}),
    ...(typesOf(values).length > 0 ? { event_types: typesOf(values) } : {}),
  });
}

/** The same as flags of the command line. */
const flags = ({ action, filter, limit }: Plan, values: Values): string[] => [
  '--action', action,
  ...(filter.trim() === '' ? ['--all'] : ['--filter', filter.trim()]),
  ...(limit ? ['--limit', String(limit)] : []),
  ...(values.rate?.trim() ? ['--rate-per-second', values.rate.trim()] : []),
  ...(values.reason?.trim() ? ['--reason', values.reason.trim()] : []),
  ...(values.force === 'true' ? ['--force'] : []),
  ...(values.stop === 'true' ? ['--stop-when-drained'] : []),
  ...typesOf(values).flatMap((type) => ['--event-type', type]),
];

const EXTRA: Partial<Record<OperationAction, Field>> = {
  cancel_events: { name: 'force', label: 'Take running ones from their engines at once', kind: 'check', value: 'false' },
  quarantine_engines: { name: 'types', label: 'Only from these event types', kind: 'text', hint: 'Names with blanks between; from all if empty.', value: '' },
  drain_engines: { name: 'stop', label: 'Stop each when its last event is settled', kind: 'check', value: 'false' },
};

/** Names an action as a person would: `cancel_events` is `Cancel events`. */
export const titled = (action: string): string => action.replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase());

/** What is asked before an operation begins, once the server has said what it would be about. */
export function asked(plan: Plan, preview: OperationPreview): Action {
  const many = `${count(preview.count)}${preview.count_is_exact ? '' : ' or more'}`;
  const samples = preview.samples.map((one) => `${one.id}  ${one.kind}${one.queue === null ? '' : ` in ${one.queue}`}, ${one.status}`);
  const more = preview.count - samples.length;
  const extra = EXTRA[plan.action];
  return {
    title: `${titled(plan.action)}: ${many}`,
    effect: `${preview.effect}${preview.count_is_exact ? '' : ' or more'}: ${plan.filter.trim() === '' ? 'all that there are' : `what matches ${plan.filter.trim()}`}. The server does it, also when this page is closed.`,
    samples: samples.length === 0 ? undefined : `${samples.join('\n')}${more > 0 ? `\nand ${count(more)}${preview.count_is_exact ? '' : ' or more'} others` : ''}`,
    count: preview.count,
    empty: preview.count === 0 ? 'Nothing matches that it could be done to.' : undefined,
    confirm: `${titled(plan.action)} (${many})`,
    danger: /^(cancel|discard|deregister|quarantine)/.test(plan.action),
    fields: [
      { name: 'rate', label: 'How many a second', kind: 'number', hint: 'As fast as the server can if empty.', value: '' },
      { name: 'reason', label: 'Why, for the history', kind: 'text', value: '' },
      ...(extra ? [extra] : []),
    ],
    command: (values) => command('operation', 'create', ...flags(plan, values)),
    calls: (values) => [{ method: 'POST', path: path(['operations']), body: request(plan, values) }],
    done: 'The operation has begun.',
    after: (answer) => route.go(href(['operations', (JSON.parse(answer) as BulkOperation).operation_id])),
  };
}

/** Asks the server what an operation would be about. */
export const previewed = async (plan: Plan): Promise<Action> =>
  asked(plan, JSON.parse(await send({ method: 'POST', path: path(['operations', 'preview']), body: request(plan) })) as OperationPreview);

export const isOver = (operation: BulkOperation): boolean => ['completed', 'cancelled', 'failed'].includes(operation.status);

export const cancelOperation = (operation: BulkOperation): Action => ({
  title: `Cancel operation: ${titled(operation.action).toLowerCase()}`,
  effect: `${plural(operation.remaining, 'member has', 'members have')} no turn any more. What was done stays done.`,
  count: 1,
  confirm: 'Cancel the operation',
  danger: true,
  command: () => command('operation', 'cancel', operation.operation_id),
  calls: () => [{ method: 'POST', path: path(['operations', operation.operation_id, 'cancel']) }],
  done: 'The operation is cancelled.',
});

/** How fast it goes, or went. */
export function pace(operation: BulkOperation, now: number): string {
  const most = operation.rate_per_second ? `at most ${operation.rate_per_second} a second` : 'as fast as the server can';
  if (!operation.started_at) return most;
  const seconds = ((operation.finished_at ? Date.parse(operation.finished_at) : now) - Date.parse(operation.started_at)) / 1000;
  const over = operation.total - operation.remaining;
  if (seconds < 1 || over === 0) return most;
  const each = over / seconds;
  return `${most}; ${each >= 10 ? count(each) : each.toFixed(1)} a second over ${duration(seconds)}`;
}
