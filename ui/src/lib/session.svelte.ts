// Who looks, and what the server permits them. It decides; the page only leaves out what it would refuse.

import { get, path, whenUnauthenticated } from '../api/client';
import type { WhoAmI } from '../api/types';
import { base } from './router.svelte';

class Session {
  who = $state.raw<WhoAmI | null>(null);
  /** Whether the server was asked who it is, whatever it said. */
  isKnown = $state(false);

  async load(): Promise<void> {
    try {
      this.who = await get<WhoAmI>(path(['whoami']));
    } catch {
      // What is asked for next says why not.
    } finally {
      this.isKnown = true;
    }
  }

  may(permission: string): boolean {
    return this.who?.permissions.includes(permission) ?? false;
  }

  /** Whether it is permitted on everything, not only on what selectors name. */
  maySeeAll(permission: string): boolean {
    return this.may(permission) && Object.values(this.who?.selectors ?? {}).every((one) => (one ?? []).length === 0);
  }

  /** Why something cannot be done; null if it can. */
  whyNot(permission: string): string | null {
    if (!this.who || this.may(permission)) return null;
    return `Your token, of role ${this.who.role ?? 'none'}, has no permission ${permission}.`;
  }
}

export const session = new Session();

let leaving = false;
whenUnauthenticated(() => {
  if (leaving) return;
  leaving = true;
  const here = `/${location.pathname.slice(base.length)}${location.search}`;
  location.assign(`${base}login?${new URLSearchParams({ next: here })}`);
});
