// Filters as text: terms with blanks between, what they are about, and what may be written next. Whether one is right, the server says.

import type { Query } from './router.svelte';

/** The terms of a filter. A blank within quotes is part of a term. */
export const termsOf = (filter: string): string[] => filter.match(/(?:[^\s"]|"(?:[^"\\]|\\.)*"?)+/g) ?? [];

/** The filter without one of its terms. */
export const without = (filter: string, index: number): string => termsOf(filter).filter((_, at) => at !== index).join(' ');

/** A value as it is written in a term: in quotes if it could be read as something else without. */
export const valueText = (value: string): string => (/^[\w.:@/+-]+$/.test(value) ? value : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`);

export const term = (field: string, value: string): string => `${field}:${valueText(value)}`;

/** A filter of these fields and values, without what is empty. */
export const filterOf = (values: Record<string, string | null | undefined>): string =>
  Object.entries(values).flatMap(([field, value]) => (value ? [term(field, value)] : [])).join(' ');

/** What the one term about a field says, as it is written; empty if none does, or several do. */
export function valueOf(filter: string, field: string): string {
  const found = termsOf(filter).filter((one) => one.startsWith(`${field}:`));
  return found.length === 1 ? found[0]!.slice(field.length + 1) : '';
}

/** The filter with another value of a field; without the field if the value is empty. */
export function withValue(filter: string, field: string, value: string): string {
  const rest = termsOf(filter).filter((one) => !one.startsWith(`${field}:`));
  return [...rest, ...(value === '' ? [] : [term(field, value)])].join(' ');
}

/** Queries that lists had before they had a filter, by the field that is the same. */
const EARLIER: Record<string, string> = {
  status: 'status', event_type: 'type', queue: 'queue', engine_id: 'engine', scenario_run_id: 'run', priority: 'priority', idempotency_key: 'key',
  group_id: 'group', reason: 'reason', error_code: 'error_code', engine_type: 'type', capability: 'capability', label: 'label',
};

/** The query of an address that narrows by others than a filter, with a filter instead; null if it has none of them. */
export function asFilter(query: URLSearchParams): Query | null {
  const others = [...query].filter(([name, value]) => name in EARLIER && value !== '');
  if (others.length === 0) return null;
  const terms = others.map(([name, value]) => {
    const at = value.indexOf('=');
    return name === 'label' && at > 0 ? term(`label.${value.slice(0, at)}`, value.slice(at + 1)) : term(EARLIER[name]!, value);
  });
  return { ...Object.fromEntries(Object.keys(EARLIER).map((name) => [name, null])), cursor: null, filter: [query.get('filter') ?? '', ...terms].join(' ').trim() };
}

/** The fields that may stand before a colon, each with the values that are known. */
export type Known = Record<string, string[]>;

/** How the term that is being written may go on: the whole filter, as it would be. */
export function suggestions(filter: string, known: Known): string[] {
  const last = /\s$/.test(filter) || filter === '' ? '' : (termsOf(filter).at(-1) ?? '');
  const negated = last.startsWith('-') ? '-' : '';
  const before = filter.slice(0, filter.length - last.length) + negated;
  const word = last.slice(negated.length);
  const at = word.indexOf(':');
  if (at < 0) return Object.keys(known).filter((field) => field.startsWith(word)).map((field) => `${before}${field}:`);
  const field = word.slice(0, at);
  const given = word.slice(at + 1).split(',');
  const value = (given.pop() ?? '').toLowerCase();
  const ahead = given.map((one) => `${one},`).join('');
  const fits = (known[field] ?? []).filter((one) => one.toLowerCase().includes(value) && one.toLowerCase() !== value && !given.includes(one));
  const written = (one: string): string => (/^[<>~*]/.test(one) ? one : valueText(one));
  return fits.map((one) => `${before}${field}:${ahead}${written(one)}`);
}

/** Where a filter is wrong, and why, as the server said it. */
export function wrongAt(detail: string): { column: number; text: string } | null {
  const found = /at column (\d+)/.exec(detail);
  return found ? { column: Number(found[1]), text: detail } : null;
}
