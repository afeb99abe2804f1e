declare const content: unique symbol;

/**
 * The JSON text of a `T`, for a value with keys that we did not choose, such as metadata. React deletes an own key
 * `__proto__` from everything that it passes from the server to the browser: the props of client components and the results
 * of actions. It passes text unchanged. `resultOf` and `answerOf` do this for every action; a page does it for its props.
 */
export type JsonOf<T> = string & { readonly [content]: T };

/** `value` must be plain data. Properties that are `undefined` are left out. */
export function jsonOf<T>(value: T): JsonOf<T> {
  return JSON.stringify(value) as JsonOf<T>;
}

/** The value of which `json` is the text. Every key is an own property, also `__proto__`. */
export function fromJson<T>(json: JsonOf<T>): T {
  return JSON.parse(json) as T;
}
