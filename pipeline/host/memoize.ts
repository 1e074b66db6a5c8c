/** Remembering what a pure function of a text gave, within bounds. */

/** The function with its last `limit` different answers remembered; a throw is not. */
export function memoize<Result>(work: (text: string) => Result, limit: number): (text: string) => Result {
  const known = new Map<string, Result>();
  return (text) => {
    const answer = known.get(text);
    if (answer !== undefined) return answer;
    const made = work(text);
    const oldest = known.size >= limit ? known.keys().next().value : undefined;
    if (oldest !== undefined) known.delete(oldest);
    known.set(text, made);
    return made;
  };
}
