// What needs a person, the worst first: from what the server says of the fleet, without a judgement of its own.

import type { BlockedLane, DeadLetterGroup, Engine, Stats, Suspect } from '../api/types';
import { ago, plural, words } from './format';
import { href, listHref } from './router.svelte';

export interface Attention {
  key: string;
  /** The smaller, the worse. */
  rank: number;
  state: string;
  word: string;
  title: string;
  detail: string;
  at: string | null;
  href: string;
}

export interface Seen {
  blocked: BlockedLane[];
  lost: Engine[];
  suspects: Suspect[];
  dead: DeadLetterGroup[];
  stats: Stats | null;
  now: number;
}

/** How long a dead letter is new. */
const NEW = 86_400_000;

export function attention({ blocked, lost, suspects, dead, stats, now }: Seen): Attention[] {
  const found: Attention[] = [];
  // What is not due yet is no trouble yet.
  const isDue = (at: string | null): boolean => at !== null && Date.parse(at) <= now;
  for (const lane of blocked.filter((lane) => ['impossible', 'blocked'].includes(lane.verdict) && isDue(lane.oldest_available_at))) {
    const isImpossible = lane.verdict === 'impossible';
    found.push({
      key: `lane ${lane.queue} ${lane.event_type} ${lane.priority} ${lane.required_capabilities.join(',')} ${lane.required_memory_mb} ${lane.engine_version}`,
      rank: isImpossible ? 1 : 3,
      state: lane.verdict,
      word: isImpossible ? 'impossible' : 'blocked',
      title: `${plural(lane.queued, 'event')} of ${lane.event_type} in ${lane.queue}`,
      detail: lane.summary,
      at: lane.oldest_available_at,
      href: lane.first_event_id ? href(['events', lane.first_event_id]) : listHref('events', { status: 'queued', queue: lane.queue, type: lane.event_type }),
    });
  }
  for (const engine of lost) {
    found.push({
      key: `engine ${engine.engine_id}`,
      rank: engine.locks_held > 0 ? 0 : 5,
      state: 'lost',
      word: 'lost',
      title: `Engine ${engine.engine_id}`,
      detail: `Its last heartbeat was ${ago(engine.last_heartbeat_at, now)}.${engine.locks_held > 0 ? ` It holds ${plural(engine.locks_held, 'event')}, taken back when their locks end.` : ''}`,
      at: engine.last_heartbeat_at,
      href: href(['engines', engine.engine_id]),
    });
  }
  for (const suspect of suspects) {
    const of = suspect.engine_id ? ['engines', suspect.engine_id] : ['event-types', suspect.event_types[0] ?? ''];
    found.push({ key: `suspect ${suspect.engine_id} ${suspect.engine_version} ${suspect.event_types.join(',')}`, rank: 2, state: 'quarantined', word: 'suspect', title: suspect.engine_id ? `Engine ${suspect.engine_id}` : `Version ${suspect.engine_version ?? 'unknown'}`, detail: suspect.summary, at: suspect.last_at, href: href(of) });
  }
  for (const group of dead.filter((group) => now - Date.parse(group.newest_at) < NEW)) {
    found.push({
      key: `dead ${group.group_id}`,
      rank: 4,
      state: 'failed',
      word: 'dead letters',
      title: `${plural(group.count, 'dead letter')} of ${group.event_type}`,
      detail: [words(group.reason), group.error_code, group.message].filter(Boolean).join(': '),
      at: group.newest_at,
      href: listHref('dead-letters', { group: group.group_id }),
    });
  }
  if (stats?.pruning_held_until) {
    found.push({ key: 'clock', rank: 6, state: 'paused', word: 'clock', title: 'The clock has leapt', detail: 'No finished event is deleted until it is known to be right: enginehouse accept-clock says so.', at: null, href: href(['system']) });
  }
  return found.sort((one, other) => one.rank - other.rank || (one.at ?? '').localeCompare(other.at ?? ''));
}
