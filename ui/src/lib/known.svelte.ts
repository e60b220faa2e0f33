// What filters may be about: their fields, and the values that there are. Asked for once somebody writes one.

import { get, path } from '../api/client';
import type { DeadLetterSummary, Engine, Page, ScenarioRun, Stats } from '../api/types';
import { session } from './session.svelte';
import type { Known } from './terms';

export type Subject = 'events' | 'dead-letters' | 'engines';

const AGES = ['>1m', '>5m', '>1h', '>1d', '<5m', '<1h'];
const PRIORITIES = Array.from({ length: 10 }, (_, priority) => String(priority));
const STATUSES = ['queued', 'processing', 'completed', 'failed', 'cancelled'];
const REASONS = ['retries_exhausted', 'rejected', 'requested', 'lost_too_often', 'blocked'];

class KnownValues {
  private stats = $state.raw<Stats | null>(null);
  private engines = $state.raw<Engine[]>([]);
  private runs = $state.raw<ScenarioRun[]>([]);
  private dead = $state.raw<DeadLetterSummary | null>(null);
  private askedAt = 0;

  /** Asks for what there is, at most once a minute. What is refused is not suggested. */
  load(): void {
    if (Date.now() - this.askedAt < 60_000) return;
    this.askedAt = Date.now();
    const ask = <T>(permission: string, where: string, take: (answer: T) => void): void => {
      if (session.may(permission)) get<T>(where).then(take, () => {});
    };
    ask<Stats>('stats:read', path(['stats']), (answer) => (this.stats = answer));
    ask<Page<Engine>>('engines:read', path(['engines'], { limit: 500 }), (answer) => (this.engines = answer.items));
    ask<Page<ScenarioRun>>('events:read', path(['scenario-runs'], { limit: 50 }), (answer) => (this.runs = answer.items));
    ask<DeadLetterSummary>('events:read', path(['dead-letters', 'summary']), (answer) => (this.dead = answer));
  }

  of(subject: Subject): Known {
    const all = (values: (string | null | undefined)[]): string[] => [...new Set(values.filter((value) => typeof value === 'string' && value !== ''))].sort() as string[];
    const ids = all(this.engines.map((engine) => engine.engine_id));
    const runs = this.runs.map((run) => run.scenario_run_id);
    const versions = all(this.engines.map((engine) => engine.metadata.static_config?.engine_software_version));
    if (subject === 'engines') {
      return {
        status: ['active', 'draining', 'lost', 'stopped'], id: ids, type: all(this.engines.map((engine) => engine.engine_type)), version: versions,
        capability: all(this.engines.flatMap((engine) => engine.metadata.static_config?.capabilities ?? [])), run: runs, host: [], stopped: ['true', 'false'], age: AGES, silent: AGES,
      };
    }
    const groups = this.dead?.groups ?? [];
    return {
      ...(subject === 'events' ? { status: STATUSES } : {}),
      queue: all(this.stats?.event_types.map((one) => one.queue) ?? []),
      type: all([...(this.stats?.event_types.map((one) => one.event_type) ?? []), ...groups.map((group) => group.event_type)]),
      engine: ids, run: runs, group: groups.map((group) => group.group_id), error_code: all(groups.map((group) => group.error_code)), reason: subject === 'events' ? ['*', ...REASONS] : REASONS,
      age: AGES, error: ['~timeout'], priority: PRIORITIES, attempts: ['>1'], version: versions, id: [], key: [], 'label.': [], 'payload.': [], enqueued: [], available: [], finished: [],
      ...(subject === 'events' ? {} : { dead_lettered: [] }),
    };
  }
}

export const known = new KnownValues();
