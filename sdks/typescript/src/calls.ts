// The types of the calls of the HTTP API, made of those that openapi.json gives.

import type { OperationId } from "./generated/calls.js";
import type { components, operations } from "./generated/schema.js";
import type { Duration } from "./duration.js";

/** The types that the API reads and answers, by their names in openapi.json. */
export type Schemas = components["schemas"];

/** How one call may differ from the others of its client. */
export interface CallOptions {
  /** Ends the call when it is aborted; the call may have changed something all the same. */
  signal?: AbortSignal | undefined;
  /** How long each try may take, besides what the server was asked to wait. */
  timeout?: Duration;
  /** How often it is repeated at most, where a repeat is safe and may help. */
  maxRepeats?: number;
}

/** @internal How a call is made. */
export interface OperationShape {
  readonly method: string;
  readonly path: string;
  readonly query: readonly string[];
  readonly body: boolean;
  readonly repeatable: boolean;
}

type Fields<T> = [T] extends [undefined] ? unknown : Exclude<T, undefined>;
type Parameters<O extends OperationId, K extends "path" | "query"> = operations[O]["parameters"] extends { [key in K]?: infer P }
  ? Fields<P>
  : unknown;
type Body<O extends OperationId> = operations[O] extends { requestBody?: infer B }
  ? Exclude<B, undefined> extends { content: { "application/json": infer J } }
    ? J
    : unknown
  : unknown;
type Flat<T> = { [K in keyof T]: T[K] };

/** The fields of a call, those of its path, query and body together, by their names in the API. */
export type Args<O extends OperationId> = Flat<Parameters<O, "path"> & Omit<Parameters<O, "query">, "follow"> & Body<O>>;

type Success<R> = R extends { 201: infer A } ? A : R extends { 200: infer A } ? A : never;

/** What a call answers; undefined if that has no body. */
export type Answer<O extends OperationId> =
  Success<operations[O]["responses"]> extends { content: { "application/json": infer J } } ? J : undefined;

/** A page of a list, and where the next one begins. */
export interface Page<T> {
  /** What is on the page: it may be less than was asked for, and still not the last. */
  items: T[];
  /** The `cursor` of the next page; null at the end. */
  next_cursor?: string | null;
}

/** An element of a page. */
export type ItemOf<P> = P extends { items: (infer T)[] } ? T : never;

/**
 * A list of the API: awaited, it is one page, with the `next_cursor` of the next; iterated, it is every element of this page and of all
 * that follow.
 *
 * ```ts
 * for await (const event of client.listEvents({ status: "failed" })) console.log(event.event_id);
 * ```
 */
export class PagedList<P> implements PromiseLike<P>, AsyncIterable<ItemOf<P>> {
  private first: Promise<P> | undefined;

  /** @internal */
  constructor(private readonly page: (cursor: string | undefined) => Promise<P>) {}

  /** The first page. */
  then<A = P, B = never>(
    onFulfilled?: ((page: P) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.first ??= this.page(undefined);
    return this.first.then(onFulfilled, onRejected);
  }

  /** Every element, page by page: each page is asked for when the one before has been used up. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ItemOf<P>, void> {
    let page = (await this) as Page<ItemOf<P>>;
    for (;;) {
      yield* page.items;
      const cursor = page.next_cursor;
      if (cursor === null || cursor === undefined) return;
      page = (await this.page(cursor)) as Page<ItemOf<P>>;
    }
  }
}
