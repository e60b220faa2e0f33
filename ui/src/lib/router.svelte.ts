// The address is the only state of what is shown: path and query. Everything else follows from it.

import { filterOf } from './terms';

/** Where the server is, below whatever a proxy puts it: `/` or `/enginehouse/`. */
export const base = new URL(document.baseURI).pathname;

// From here on the address changes without a load, and a relative base would lead somewhere else each time.
document.querySelector('base')?.setAttribute('href', base);

/** The parts of a path below the base, each as it was before it was written into an address. */
export function readPath(pathname: string, below: string): string[] {
  const path = pathname.startsWith(below) ? pathname.slice(below.length) : pathname;
  return path.split('/').filter((part) => part !== '').map(decoded);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export type Query = Record<string, string | number | null | undefined>;

/** A query, without what is empty. */
export function queryText(query: Query): string {
  const text = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== '') text.append(name, String(value));
  }
  const written = text.toString();
  return written === '' ? '' : `?${written}`;
}

export const pathText = (parts: string[]): string => parts.map(encodeURIComponent).join('/');

/** The address of a page. */
export const href = (parts: string[], query: Query = {}): string => `${base}${pathText(parts)}${queryText(query)}`;

/** The address of a list of what has these values: fields of the filter language. */
export const listHref = (section: 'events' | 'dead-letters' | 'engines', values: Record<string, string | null | undefined>): string =>
  href([section], { filter: filterOf(values) });

class Route {
  parts = $state.raw<string[]>([]);
  query = $state.raw(new URLSearchParams());

  constructor() {
    this.read();
    addEventListener('popstate', () => this.read());
    addEventListener('click', (event) => this.follow(event));
  }

  get section(): string {
    return this.parts[0] ?? '';
  }

  param(name: string): string {
    return this.query.get(name) ?? '';
  }

  go(address: string, replace = false): void {
    if (replace) history.replaceState(null, '', address);
    else history.pushState(null, '', address);
    this.read();
    if (!replace) scrollTo(0, 0);
  }

  /** The address of this page with another query: what is null or empty is left out. */
  with(changes: Query): string {
    const query = new URLSearchParams(this.query);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === '') query.delete(name);
      else query.set(name, String(value));
    }
    return href(this.parts, Object.fromEntries(query));
  }

  private read(): void {
    this.parts = readPath(location.pathname, base);
    this.query = new URLSearchParams(location.search);
  }

  /** Links to pages of the dashboard change the address without a load. */
  private follow(event: MouseEvent): void {
    const link = (event.target as Element | null)?.closest?.('a');
    const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain || event.defaultPrevented || link.target || link.hasAttribute('data-load')) return;
    const url = new URL(link.href, location.href);
    if (url.origin !== location.origin || !url.pathname.startsWith(base) || link.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    this.go(url.pathname + url.search);
  }
}

export const route = new Route();
