// What some events have been through: asked for once, and again for those that have changed since.

import { untrack } from 'svelte';
import { CallError, get, path } from '../api/client';
import type { Event, History } from '../api/types';

/** How many are asked for at once: a browser has about six connections to a server. */
const AT_ONCE = 4;

export class Histories {
  known = $state.raw<ReadonlyMap<string, History>>(new Map());
  /** How many are still to come. */
  left = $state(0);
  private readonly seen = new Map<string, string>();
  private queue: Event[] = [];
  private isBusy = false;
  private isOver = false;

  constructor(events: () => Event[]) {
    $effect(() => {
      const wanted = events();
      untrack(() => void this.load(wanted));
    });
    $effect(() => () => void (this.isOver = true));
  }

  private async load(events: Event[]): Promise<void> {
    const state = ({ status, attempt, failures, redrives }: Event): string => `${status} ${attempt} ${failures} ${redrives}`;
    this.queue = events.filter((event) => event.attempt > 0 && this.seen.get(event.event_id) !== state(event));
    this.left = this.queue.length;
    if (this.isBusy) return;
    this.isBusy = true;
    while (this.queue.length > 0 && !this.isOver) {
      const some = this.queue.splice(0, AT_ONCE);
      for (const event of some) this.seen.set(event.event_id, state(event));
      const found = await Promise.all(some.map((event) => get<History>(path(['events', event.event_id, 'history'])).catch(refused)));
      const next = new Map(this.known);
      for (const history of found) if (history) next.set(history.event_id, history);
      this.known = next;
      this.left = this.queue.length;
    }
    this.isBusy = false;
  }
}

/** An event may have been deleted meanwhile: the story goes on without it. */
function refused(error: unknown): null {
  if (error instanceof CallError) return null;
  throw error;
}
