// What one does to dead letters: to one, or to all of a group.

import { path } from '../api/client';
import type { DeadLetter, DeadLetterGroup } from '../api/types';
import type { Action } from './actions.svelte';
import { command } from './commands';
import { redrive } from './events';
import { plural } from './format';
import { href } from './router.svelte';

/** Redrives a dead letter as it is; it is edited on its own page. */
export const redriveOne = (letter: DeadLetter): Action => ({ ...redrive(letter.event_id, null), fields: [] , effect: `1 dead letter is put back in ${letter.queue}, with all its retries again. To change its payload first, open ${href(['events', letter.event_id])}.` });

export const discardOne = (letter: DeadLetter): Action => ({
  title: `Discard dead letter ${letter.event_id}`,
  effect: '1 dead letter is resolved without another attempt. Its event stays failed, and is kept as long as others.',
  count: 1,
  confirm: 'Discard',
  danger: true,
  fields: [{ name: 'reason', label: 'Why, for the history', kind: 'text', value: '' }],
  command: (values) => command('dead', 'discard', letter.event_id, '--yes', ...(values.reason ? ['--reason', values.reason] : [])),
  calls: (values) => [{ method: 'DELETE', path: path(['dead-letters', letter.event_id]), body: values.reason ? JSON.stringify({ reason: values.reason }) : undefined }],
  done: 'The dead letter is discarded.',
});

/** Redrives those of a group that there were when it was shown: at most `limit`, the oldest first. */
export function redriveGroup(group: DeadLetterGroup, limit: number | null): Action {
  const count = limit ?? group.count;
  const rate = (values: Record<string, string>): number | null => {
    const typed = (values.rate ?? '').trim();
    if (typed === '') return null;
    const value = Number(typed);
    if (!(value > 0)) throw new Error('The rate must be a number above 0.');
    return value;
  };
  return {
    title: limit ? `Try ${limit} dead letters of ${group.event_type} first` : `Redrive ${plural(group.count, 'dead letter')} of ${group.event_type}`,
    effect: `${plural(count, 'dead letter')} of this error ${count === 1 ? 'is' : 'are'} put back in ${count === 1 ? 'its queue' : 'their queues'}, oldest first, with all retries again.${limit ? ' If they complete, redrive the rest.' : ''}`,
    count,
    confirm: `Redrive ${plural(count, 'dead letter')}`,
    fields: limit ? [] : [{ name: 'rate', label: 'How many a second', kind: 'number', hint: 'All at once if empty.', value: '' }],
    command: (values) =>
      command('dead', 'redrive', '--group', group.group_id, '--yes', ...(limit ? ['--limit', String(limit)] : []), ...(values.rate ? ['--rate-per-second', values.rate] : [])),
    calls: (values) => {
      const rate_per_second = rate(values);
      const body = { filter: { group_id: group.group_id }, ...(limit ? { limit } : {}), ...(rate_per_second ? { rate_per_second } : {}) };
      return [{ method: 'POST', path: path(['dead-letters', 'redrive']), body: JSON.stringify(body) }];
    },
    done: (answer) => `${plural((JSON.parse(answer) as { redriven: number }).redriven, 'dead letter')} redriven.`,
  };
}

export const discardGroup = (group: DeadLetterGroup): Action => ({
  title: `Discard ${plural(group.count, 'dead letter')} of ${group.event_type}`,
  effect: `${plural(group.count, 'dead letter')} of this error ${group.count === 1 ? 'is' : 'are'} resolved without another attempt. Their events stay failed.`,
  count: group.count,
  confirm: `Discard ${plural(group.count, 'dead letter')}`,
  danger: true,
  fields: [{ name: 'reason', label: 'Why, for the history', kind: 'text', value: '' }],
  command: (values) => command('dead', 'discard', '--group', group.group_id, '--yes', ...(values.reason ? ['--reason', values.reason] : [])),
  calls: (values) => [{ method: 'POST', path: path(['dead-letters', 'discard']), body: JSON.stringify({ filter: { group_id: group.group_id }, ...(values.reason ? { reason: values.reason } : {}) }) }],
  done: (answer) => `${plural((JSON.parse(answer) as { discarded: number }).discarded, 'dead letter')} discarded.`,
});
