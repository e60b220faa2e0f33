// What a person does to one thing or many: asked about once, with its effect, its count, and the command and call that do the same.

import { CallError, send, type Call } from '../api/client';
import { live } from './live.svelte';

export interface Field {
  name: string;
  label: string;
  kind: 'text' | 'number' | 'json' | 'check';
  hint?: string;
  required?: boolean;
  value: string;
}

export type Values = Record<string, string>;

export interface Action {
  title: string;
  /** What will happen, in one sentence that names the count. */
  effect: string;
  /** The first of what it is about. */
  samples?: string;
  /** Why there is nothing to do; absent if there is. */
  empty?: string;
  /** On how many things. */
  count: number;
  confirm: string;
  danger?: boolean;
  fields?: Field[];
  /** The command that does the same; none if there is none. */
  command?: (values: Values) => string;
  /** The calls that it makes, one after the other. @throws Error that says which field is wrong. */
  calls: (values: Values) => Call[];
  /** What is said afterwards, and done with the answer to the last call. */
  done: string | ((answer: string) => string);
  after?: (answer: string) => void;
}

/** From this count on, it is typed before it is done. */
export const TYPED_FROM = 1000;

class Actions {
  asked = $state.raw<Action | null>(null);
  running = $state(false);
  error = $state.raw<CallError | Error | null>(null);
  /** How many calls of several are done, and which were refused. */
  progress = $state(0);
  refused = $state.raw<string[]>([]);
  /** What was done last. */
  notice = $state.raw<{ text: string; id: number } | null>(null);

  ask(action: Action): void {
    this.error = null;
    this.progress = 0;
    this.refused = [];
    this.asked = action;
  }

  close(): void {
    if (!this.running) this.asked = null;
  }

  say(text: string): void {
    this.notice = { text, id: (this.notice?.id ?? 0) + 1 };
  }

  async run(values: Values): Promise<void> {
    const action = this.asked;
    if (!action || this.running) return;
    this.error = null;
    this.refused = [];
    this.progress = 0;
    this.running = true;
    let answer = '';
    try {
      const calls = action.calls(values);
      for (const call of calls) {
        try {
          answer = await send(call);
        } catch (error) {
          // One refusal spares the others; what is refused to all ends it.
          if (calls.length === 1 || !(error instanceof CallError) || ![404, 409, 422].includes(error.status)) throw error;
          this.refused = [...this.refused, error.message];
        }
        this.progress += 1;
      }
      if (this.refused.length > 0) {
        const shown = [...new Set(this.refused)].slice(0, 3).join(' · ');
        this.error = new Error(`${this.progress - this.refused.length} done, ${this.refused.length} refused: ${shown}`);
        return;
      }
      this.asked = null;
      this.say(typeof action.done === 'string' ? action.done : action.done(answer));
      action.after?.(answer);
    } catch (error) {
      this.error = error instanceof Error ? error : new Error(String(error));
    } finally {
      this.running = false;
      live.again();
    }
  }
}

export const actions = new Actions();
