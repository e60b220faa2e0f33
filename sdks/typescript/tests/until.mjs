/** Asks again and again until the answer is neither undefined nor false. */
export async function until(what, ask, limit = 20_000) {
  const end = performance.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Something that a test waits for, and what says that it has happened. */
export function signal() {
  let happen;
  const happened = new Promise((resolve) => (happen = resolve));
  return { happen, happened };
}
