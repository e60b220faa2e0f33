// What one does to a dead letter. What is done to many is an operation.

import { path } from '../api/client';
import type { DeadLetter } from '../api/types';
import type { Action } from './actions.svelte';
import { command } from './commands';
import { redrive } from './events';
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
