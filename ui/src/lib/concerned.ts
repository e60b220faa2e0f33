// Whom dead letters concern.

import type { DeadLetter } from '../api/types';

/** Which engines, or versions of their software, some dead letters had last, and how many each: most first. */
export function concerned(letters: DeadLetter[], what: 'engine_id' | 'engine_software_version'): [string, number][] {
  const many = new Map<string, number>();
  for (const letter of letters) {
    const name = letter[what];
    if (name) many.set(name, (many.get(name) ?? 0) + 1);
  }
  return [...many].sort((one, other) => other[1] - one[1] || one[0].localeCompare(other[0]));
}
