// A list that is asked for by pages, and whose first page the server sends by itself as long as nothing narrows it.

import type { Page } from '../api/types';
import { Polled } from './live.svelte';
import { withinPage } from './parts';

interface Shown<T> { address: string; items: T[] }
/** Where a page that was asked for ends. */
interface End { address: string; last: string | null; next: string | null }

/** Ordered by its keys. */
export class LiveList<T> {
  private readonly asked: Polled<Page<T>>;
  private end = $state.raw<End | null>(null);
  private kept = $state.raw<Shown<T> | null>(null);
  private readonly current = $derived.by(() => this.now());

  /** `sent` answers what the stream has; null if this page of the list is to be asked for. */
  constructor(
    private readonly where: () => string,
    private readonly sent: () => T[] | null,
    private readonly key: (item: T) => string,
  ) {
    // A first answer says where the page ends. From then on nobody asks while the stream is there.
    this.asked = new Polled<Page<T>>(() => (this.isSent ? null : where()));
    $effect(() => {
      const page = this.asked.data;
      const last = page?.items.at(-1);
      if (page) this.end = { address: where(), last: page.next_cursor === null || !last ? null : key(last), next: page.next_cursor };
    });
    $effect(() => {
      if (this.current) this.kept = { address: where(), items: this.current };
    });
  }

  private get isSent(): boolean {
    return this.end?.address === this.where() && this.sent() !== null;
  }

  private now(): T[] | null {
    const rows = this.isSent ? this.sent() : null;
    if (!rows) return this.asked.data?.items ?? null;
    return withinPage(rows, this.key, this.end!.last);
  }

  /** What is shown; null as long as nothing is known. Between stream and answer it stays what it was. */
  get items(): T[] | null {
    return this.current ?? (this.kept?.address === this.where() ? this.kept.items : null);
  }

  get next(): string | null {
    return this.end?.address === this.where() ? this.end.next : null;
  }

  get error() {
    return this.asked.error;
  }
}
