// Calls of the API. The dashboard has none that others have not.

import { base, pathText, queryText, type Query } from '../lib/router.svelte';
import type { ProblemDocument } from './types';

/** A call that was refused, or that never arrived. */
export class CallError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly problem: ProblemDocument | null,
  ) {
    super(message);
  }

  get code(): string {
    return this.problem?.code ?? 'unreachable';
  }
}

export interface Call {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the base: `v1/events`. */
  path: string;
  /** JSON, as text: what was typed stays as it was typed. */
  body?: string;
}

export const path = (parts: string[], query: Query = {}): string => `${pathText(['v1', ...parts])}${queryText(query)}`;

/** The call as one that is typed into a terminal. */
export function curlOf(call: Call): string {
  const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
  const body = call.body === undefined ? '' : ` -H 'Content-Type: application/json' -d ${quote(call.body)}`;
  return `curl -X ${call.method} -H "Authorization: Bearer $ENGINEHOUSE_TOKEN"${body} ${quote(location.origin + base + call.path)}`;
}

/** What to do when nobody is logged in any more. */
let onUnauthenticated = (): void => {};
export const whenUnauthenticated = (act: () => void): void => {
  onUnauthenticated = act;
};

/** Makes a call and answers its text. */
export async function send(call: Call, signal?: AbortSignal): Promise<string> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (call.body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  let text: string;
  try {
    response = await fetch(base + call.path, { method: call.method, headers, body: call.body, signal, credentials: 'same-origin' });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new CallError('The server does not answer.', 0, null);
  }
  if (response.ok) return text;
  const problem = readProblem(text);
  if (response.status === 401) onUnauthenticated();
  throw new CallError(problem?.detail ?? `The server answered with status ${response.status}.`, response.status, problem);
}

function readProblem(text: string): ProblemDocument | null {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null && 'detail' in read ? (read as ProblemDocument) : null;
  } catch {
    return null;
  }
}

export const get = async <T>(where: string, signal?: AbortSignal): Promise<T> =>
  JSON.parse(await send({ method: 'GET', path: where }, signal)) as T;
