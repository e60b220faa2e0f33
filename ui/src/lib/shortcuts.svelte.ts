// Keys: what each does, in one list that the help shows, too.

import { live } from './live.svelte';
import { href, route } from './router.svelte';
import { keys, theme } from './stored.svelte';

export interface Shortcut {
  keys: string;
  /** The keys as they are shown, if what they are together has a name of its own. */
  shown?: string;
  what: string;
  /** Absent where the browser does it by itself. */
  act?: () => void;
}

class Open {
  palette = $state(false);
  help = $state(false);
}
export const opened = new Open();

const choose = (selector: string): HTMLElement | null => document.querySelector<HTMLElement>(selector);

/** What a table, a list or a grid has of rows: of each, the link that leads to what it is about. */
function links(): HTMLElement[] {
  const rows = [...document.querySelectorAll<HTMLElement>('main tbody tr, main .attention li, main [data-row]')];
  const found = rows.map((row) => (row.matches('a') ? row : row.querySelector<HTMLElement>('td a, h2 a, div a')));
  return found.filter((link) => link !== null).filter((link) => link.offsetParent);
}

/** Where the focus is among the rows, also while it is on something else of a row. */
const rowOf = (element: Element | null): Element | null => element?.closest('tr, .attention li, [data-row]') ?? null;

/** Moves the focus from one row to another. */
function move(step: number): void {
  const all = links();
  const row = rowOf(document.activeElement);
  const at = row ? all.findIndex((link) => rowOf(link) === row) : -1;
  all[at === -1 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))]?.focus();
}

/** Chooses the row in which the focus is, or not; all from the last one to this if `range`. */
function mark(range: boolean): void {
  const box = rowOf(document.activeElement)?.querySelector<HTMLElement>('input[type=checkbox]');
  box?.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, shiftKey: range }));
}

/** Asks whether to retry or redrive: the row in which the focus is, those that are chosen, or what the page is about. */
function retry(): void {
  const within = (part: Element | Document): HTMLElement | undefined =>
    [...part.querySelectorAll<HTMLButtonElement>('button:not(:disabled)')].find((button) => /^(Retry|Redrive)\b/.test(button.textContent));
  const row = rowOf(document.activeElement);
  ((row && within(row)) ?? within(choose('main') ?? document))?.click();
}

export function shortcuts(pages: { key?: string; section: string; title: string }[]): Shortcut[] {
  return [
    ...pages.filter((page) => page.key).map((page) => ({ keys: `g ${page.key}`, what: `Go to ${page.title.toLowerCase()}`, act: () => route.go(href(page.section ? [page.section] : [])) })),
    { keys: '/', what: 'Narrow the list', act: () => choose('main form[role=search] :is(input, select)')?.focus() },
    { keys: 'j', what: 'Next row', act: () => move(1) },
    { keys: 'k', what: 'Row before', act: () => move(-1) },
    { keys: 'Enter', what: 'Open the row' },
    { keys: 'x', what: 'Choose the row', act: () => mark(false) },
    { keys: 'X', shown: 'Shift x', what: 'Choose all rows from the last one to this', act: () => mark(true) },
    { keys: 'R', shown: 'Shift r', what: 'Retry or redrive the row, those that are chosen, or what the page is about', act: retry },
    { keys: 'r', what: 'Refresh', act: () => live.again() },
    { keys: 'p', what: 'Pause the refresh, or go on', act: () => (live.refresh = live.refresh === 'off' ? '2' : 'off') },
    { keys: 't', what: 'Light or dark', act: () => (theme.value = isDark() ? 'light' : 'dark') },
    { keys: '?', what: 'Show the keys', act: () => (opened.help = true) },
  ];
}

const isDark = (): boolean => theme.value === 'dark' || (theme.value === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);

/** Listens for keys. Answers what stops it. */
export function listen(known: Shortcut[]): () => void {
  let first = '';
  let firstAt = 0;
  const pressed = (event: KeyboardEvent): void => {
    const target = event.target as HTMLElement | null;
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      opened.palette = true;
      return;
    }
    const isTyping = target?.matches('input:not([type=checkbox]), textarea, select, [contenteditable]') ?? false;
    if (keys.value === 'off' || isTyping || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    const pair = Date.now() - firstAt < 1500 && first === 'g' ? `g ${event.key}` : '';
    first = event.key;
    firstAt = Date.now();
    const found = known.find((one) => one.keys === pair) ?? (pair ? undefined : known.find((one) => one.keys === event.key));
    if (!found?.act) return;
    event.preventDefault();
    first = '';
    found.act();
  };
  addEventListener('keydown', pressed);
  return () => removeEventListener('keydown', pressed);
}
