// What is shown is asked for again and again: while the page can be seen, and nobody is choosing rows in it.

import { untrack } from 'svelte';
import { CallError, send } from '../api/client';
import { stored } from './stored.svelte';

export type Refresh = '2' | '10' | '60' | 'off';

const choice = stored<Refresh>('refresh', '2', ['2', '10', '60', 'off']);

class Live {
  /** Rises whenever what is shown is to be asked for anew. */
  tick = $state(0);
  /** The moment by which ages are told. */
  now = $state(Date.now());
  /** How many parts of the page hold the refresh, with rows that are chosen. */
  holds = $state(0);
  hidden = $state(document.hidden);
  /** When the server last answered, and whether it did at last. */
  answeredAt = $state(Date.now());
  reachable = $state(true);

  constructor() {
    addEventListener('visibilitychange', () => {
      this.hidden = document.hidden;
      if (!document.hidden && this.refresh !== 'off') this.again();
    });
    setInterval(() => {
      if (!this.hidden) this.now = Date.now();
    }, 1000);
    let last = Date.now();
    setInterval(() => {
      const wait = this.refresh === 'off' ? Infinity : Number(this.refresh) * 1000;
      // A server that is away is asked on, whatever was chosen: its return is to be seen.
      const due = Date.now() - last >= (this.reachable ? wait : 2000) - 50;
      if (!due || this.hidden || (this.holds > 0 && this.reachable)) return;
      last = Date.now();
      this.again();
    }, 500);
  }

  get refresh(): Refresh {
    return choice.value;
  }

  set refresh(value: Refresh) {
    choice.value = value;
  }

  again(): void {
    this.tick += 1;
  }

  answered(): void {
    this.answeredAt = Date.now();
    this.reachable = true;
  }
}

export const live = new Live();

/** What a call answers, again and again. Belongs to the component that makes it. */
export class Polled<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<CallError | null>(null);
  private asked: string | null = null;
  private text: string | null = null;
  private under: AbortController | null = null;

  constructor(where: () => string | null, parse: (text: string) => T = JSON.parse) {
    $effect(() => {
      const address = where();
      void live.tick;
      untrack(() => void this.ask(address, parse));
    });
    // Not with each tick: an answer that takes longer than the time between two is waited for.
    $effect(() => () => this.under?.abort());
  }

  private async ask(address: string | null, parse: (text: string) => T): Promise<void> {
    if (address === this.asked && this.under) return;
    // What was asked before is of another address, and may come later than the answer to this.
    this.under?.abort();
    if (address !== this.asked) {
      this.data = null;
      this.error = null;
      this.text = null;
    }
    this.asked = address;
    this.under = null;
    if (address === null) return;
    const under = new AbortController();
    this.under = under;
    try {
      const text = await send({ method: 'GET', path: address }, under.signal);
      if (under.signal.aborted) return;
      // What has not changed is not drawn anew.
      if (text !== this.text) this.data = parse(text);
      this.text = text;
      this.error = null;
      live.answered();
    } catch (error) {
      if (under.signal.aborted) return;
      if (!(error instanceof CallError)) throw error;
      this.error = error;
      if (error.status === 0) live.reachable = false;
      else live.answered();
    } finally {
      if (this.under === under) this.under = null;
    }
  }
}
