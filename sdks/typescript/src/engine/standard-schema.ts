// Payloads are checked by whatever library the handler's author likes: zod, valibot and arktype all speak Standard Schema.

import type { ClaimedEvent } from "./context.js";
import { type HandlerOutcome, messageOf, rejected } from "./outcome.js";

/** The part of https://standardschema.dev that is used here. */
export interface StandardSchema<Output = unknown> {
  /** What every library offers under this name: above all `validate`. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What a schema says of a value: the value as it is to be used, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong, and where. */
export interface StandardIssue {
  /** What is wrong, for people. */
  readonly message: string;
  /** Where it is: the keys from the value down. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A payload that fits, or the outcome of an attempt whose payload does not: it fails for good, and is a dead letter. */
export async function checkedPayload(
  event: ClaimedEvent,
  schema: StandardSchema | undefined,
): Promise<{ payload: unknown } | { outcome: HandlerOutcome }> {
  if (!schema) return { payload: event.payload };
  let result: StandardResult<unknown>;
  try {
    result = await schema["~standard"].validate(event.payload);
  } catch (error) {
    return { outcome: rejected("invalid_payload", `the payload could not be checked: ${messageOf(error)}`) };
  }
  if (!result.issues) return { payload: result.value };
  const texts = result.issues.slice(0, 10).map(({ message, path = [] }) => {
    const keys = path.map((part) => String(typeof part === "object" ? part.key : part));
    return `${["payload", ...keys].join(".")}: ${message}`;
  });
  return { outcome: rejected("invalid_payload", texts.join("; ")) };
}
