// What is shown is asked for again and again: while the page can be seen, and nobody is choosing rows in it.

import { untrack } from 'svelte';
import { CallError, send } from '../api/client';
import { stored } from './stored.svelte';

export type Refresh = '2' | '10' | '60' | 'off';

const choice = stored<Refresh>('refresh', '2', ['2', '10', '60', 'off']);

/** How long what is sent is shown after somebody has done something: by then it tells of that. */
const FREE = 3000;

class Live {
  /** Rises whenever what is shown is to be asked for anew. */
  tick = $state(0);
  /** How often somebody wanted it at once: by a key, or by having done something. */
  wanted = $state(0);
  /** Whether the server sends by itself what this page shows. */
  sent = $state(false);
  /** The moment by which ages are told. */
  now = $state(Date.now());
  /** How many parts of the page hold the refresh, with rows that are chosen. */
  holds = $state(0);
  hidden = $state(document.hidden);
  /** When the server last answered, and whether it did at last. */
  answeredAt = $state(Date.now());
  reachable = $state(true);
  private freeUntil = $state(0);

  constructor() {
    addEventListener('visibilitychange', () => {
      this.hidden = document.hidden;
      if (!document.hidden && this.refresh !== 'off' && this.holds === 0) this.tick += 1;
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
      this.tick += 1;
    }, 500);
  }

  get refresh(): Refresh {
    return choice.value;
  }

  set refresh(value: Refresh) {
    choice.value = value;
  }

  /** Shows what there is now, also where rows are chosen: what somebody did to them is to be seen. */
  again(): void {
    this.freeUntil = Date.now() + FREE;
    this.wanted += 1;
    this.tick += 1;
  }

  /** Whether what is shown stays as it is, whatever comes. */
  get held(): boolean {
    return this.holds > 0 && Date.now() >= this.freeUntil;
  }

  answered(): void {
    this.answeredAt = Date.now();
    this.reachable = true;
  }
}

export const live = new Live();

export interface Asking<T> {
  parse?: (text: string) => T;
  /** How long an answer is enough, in milliseconds, unless somebody wants it anew. */
  every?: () => number;
  /** What it depends on: with another value of this, it is asked for at once. */
  on?: () => unknown;
  load?: (address: string, signal: AbortSignal) => Promise<string>;
}

/** A call that takes long is made so much less often. */
const REST = 4;

/** What a call answers, again and again. Belongs to the component that makes it. */
export class Polled<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<CallError | null>(null);
  private asked: string | null = null;
  private text: string | null = null;
  private under: AbortController | null = null;
  private askedAt = 0;
  private took = 0;
  private wanted = -1;
  private before: unknown;

  constructor(where: () => string | null, private readonly asking: Asking<T> = {}) {
    $effect(() => {
      const address = where();
      const on = asking.on?.();
      void live.tick;
      untrack(() => void this.ask(address, on));
    });
    // Not with each tick: an answer that takes longer than the time between two is waited for.
    $effect(() => () => this.under?.abort());
  }

  private isEnough(address: string | null, on: unknown): boolean {
    if (address !== this.asked || on !== this.before || live.wanted !== this.wanted || this.error) return false;
    return Date.now() - this.askedAt < Math.max(this.asking.every?.() ?? 0, REST * this.took);
  }

  private async ask(address: string | null, on: unknown): Promise<void> {
    if (address === this.asked && this.under) return;
    if (address !== null && this.isEnough(address, on)) return;
    // What was asked before is of another address, and may come later than the answer to this.
    this.under?.abort();
    if (address !== this.asked) {
      this.data = null;
      this.error = null;
      this.text = null;
    }
    this.asked = address;
    this.before = on;
    this.wanted = live.wanted;
    this.under = null;
    if (address === null) return;
    const under = new AbortController();
    this.under = under;
    const began = Date.now();
    try {
      const text = await (this.asking.load?.(address, under.signal) ?? send({ method: 'GET', path: address }, under.signal));
      if (under.signal.aborted) return;
      // What has not changed is not drawn anew.
      if (text !== this.text) this.data = (this.asking.parse ?? (JSON.parse as (text: string) => T))(text);
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
      this.askedAt = Date.now();
      this.took = Date.now() - began;
      if (this.under === under) this.under = null;
    }
  }
}
