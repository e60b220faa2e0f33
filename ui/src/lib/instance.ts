// By which colour people tell one installation from another: in the header, and in the icon of the tab.

import type { WhoAmI } from '../api/types';

export const COLORS: Record<NonNullable<WhoAmI['instance_color']>, string> = {
  red: '#d63333',
  orange: '#d9691a',
  yellow: '#b58a00',
  green: '#2f9e44',
  teal: '#0d9494',
  blue: '#2b6fdb',
  purple: '#8449d1',
  pink: '#d6409f',
};

/** The icon of the tab in a colour. */
export function iconOf(color: keyof typeof COLORS): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="${COLORS[color]}"/><path d="M7 25V12l6 4v-4l6 4V7h5v18z" fill="#fff"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
