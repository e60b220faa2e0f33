// Lists that are asked for, and that the server sends by itself as long as nothing narrows them.

import { untrack } from 'svelte';
import type { Page } from '../api/types';
import { Polled } from './live.svelte';
import { withinPage } from './parts';

/** What is known at an address: the newest, and what it was while nothing newer is known. */
export class Kept<T> {
  private last = $state.raw<{ address: string; value: T } | null>(null);
  private readonly now = $derived.by(() => this.current());

  constructor(
    private readonly where: () => string,
    private readonly current: () => T | null,
  ) {
    $effect(() => {
      const value = this.now;
      const address = where();
      if (value !== null) untrack(() => (this.last = { address, value }));
    });
  }

  get value(): T | null {
    return this.now ?? (this.last?.address === this.where() ? this.last.value : null);
  }
}

/** Where a page that was asked for ends. */
interface End { address: string; last: string | null; next: string | null }

/** A list that is ordered by its keys: by pages, the first of which is sent. */
export class LiveList<T> {
  private readonly asked: Polled<Page<T>>;
  private readonly kept: Kept<T[]>;
  private end = $state.raw<End | null>(null);

  /** `sent` answers what the stream has; null if this page of the list is to be asked for, no more often than `every` says. */
  constructor(
    private readonly where: () => string,
    private readonly sent: () => T[] | null,
    private readonly key: (item: T) => string,
    every?: () => number,
  ) {
    // A first answer says where the page ends. From then on nobody asks while the stream is there.
    this.asked = new Polled<Page<T>>(() => (this.isSent ? null : where()), { every });
    $effect(() => {
      const page = this.asked.data;
      const last = page?.items.at(-1);
      if (page) this.end = { address: where(), last: page.next_cursor === null || !last ? null : key(last), next: page.next_cursor };
    });
    this.kept = new Kept(where, () => this.now());
  }

  private get isSent(): boolean {
    return this.end?.address === this.where() && this.sent() !== null;
  }

  private now(): T[] | null {
    const rows = this.isSent ? this.sent() : null;
    return rows ? withinPage(rows, this.key, this.end!.last) : (this.asked.data?.items ?? null);
  }

  /** What is shown; null as long as nothing is known. Between stream and answer it stays what it was. */
  get items(): T[] | null {
    return this.kept.value;
  }

  get next(): string | null {
    if (this.asked.data) return this.asked.data.next_cursor;
    return this.end?.address === this.where() ? this.end.next : null;
  }

  get error() {
    return this.asked.error;
  }
}
