/**
 * Answers where the binary of Enginehouse is, for programs that start a server or an engine of their own.
 *
 * @throws {Error} There is none for this machine, or its package was not installed; the message says which, and what to do.
 */
export function findBinary(): string;
