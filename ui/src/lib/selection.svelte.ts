// Rows that are chosen. As long as any are, what is shown stays as it is.

import { untrack } from 'svelte';
import { SvelteSet } from 'svelte/reactivity';
import { live } from './live.svelte';

export class Selection {
  private readonly chosen = new SvelteSet<string>();
  private last: string | null = null;
  /** Rows that are not shown any more hold nothing. */
  private readonly any = $derived(this.size > 0);

  constructor(private readonly ids: () => string[]) {
    $effect(() => {
      if (!this.any) return;
      untrack(() => (live.holds += 1));
      return () => untrack(() => (live.holds -= 1));
    });
  }

  get size(): number {
    return this.ids().filter((id) => this.chosen.has(id)).length;
  }

  has(id: string): boolean {
    return this.chosen.has(id);
  }

  /** Chooses a row or not; with `range`, all from the one before to this. */
  toggle(id: string, range = false): void {
    const on = !this.chosen.has(id);
    const ids = this.ids();
    const [from, to] = [ids.indexOf(this.last ?? id), ids.indexOf(id)];
    const meant = range && from >= 0 ? ids.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
    for (const one of meant) {
      if (on) this.chosen.add(one);
      else this.chosen.delete(one);
    }
    this.last = id;
  }

  /** Chooses all, or none if all are. */
  all(): void {
    const ids = this.ids();
    if (this.size === ids.length) this.chosen.clear();
    else for (const id of ids) this.chosen.add(id);
  }

  clear(): void {
    this.chosen.clear();
  }
}
