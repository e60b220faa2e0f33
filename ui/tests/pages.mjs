// Every page of the dashboard over a seeded server, with a text that stands in it once it has all that it asked for.

import { TOKEN } from './browser.mjs';

export const pagesOf = (ids) => [
  ['overview', '/', 'Events a minute'],
  ['engines', '/engines', 'sim-2'],
  ['engines-grid', '/engines?view=grid', 'Each square is an engine'],
  ['engine', '/engines/sim-2', 'Locks that it holds'],
  ['scenario-runs', '/scenario-runs', ids.run],
  ['scenario-run', `/scenario-runs/${ids.run}`, 'Who did what when'],
  ['events', '/events', 'frame.simulate'],
  ['events-failed', '/events?status=failed&event_type=thumbnail.make', 'unsupported codec'],
  ['event-impossible', `/events/${ids.impossible}`, 'What would let it run'],
  ['event-running', `/events/${ids.running.event_id}`, 'tile 5 of 12'],
  ['event-failed', `/events/${ids.dead}`, 'Attempt 1'],
  ['event-hostile', `/events/${ids.hostile}`, '<script>'],
  ['queues', '/queues', 'billing'],
  ['queue', '/queues/billing', 'month end'],
  ['event-types', '/event-types', 'volume.render'],
  ['event-type', '/event-types/thumbnail.make', 'How attempts follow each other'],
  ['dead-letters', '/dead-letters', 'disk_full'],
  ['dead-letters-list', '/dead-letters?view=list', 'thumbnail.make'],
  ['operations', '/operations', 'clean up after the outage'],
  ['operation', `/operations/${ids.operation}`, 'What it is'],
  ['audit', '/audit', 'queue.pause'],
  ['tokens', '/tokens', TOKEN ? 'admin' : 'no token'],
  ['system', '/system', 'Where the server is'],
  ['not-found', '/events/00000000-0000-7000-8000-000000000000', 'There is no event'],
];
