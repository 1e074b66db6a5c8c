/** A merge of locks that is not finished, as a text with Git's marks: what the sides agree on once, the entries they do not in pairs. */

/** Lines of a lock by what they belong to: an entry, or a line around the entries. In the order of the text. */
function groupsOf(text: string): readonly (readonly [key: string, lines: readonly string[]])[] {
  const groups: [string, string[]][] = [];
  let section = "";
  let entry: string[] | undefined;
  for (const line of text.split("\n")) {
    const name = /^ {2}"([^"]*)": \{/.exec(line)?.[1];
    const key = /^ {4}(".*"): \{$/.exec(line)?.[1];
    if (name !== undefined) section = name;
    if (entry === undefined && key !== undefined) {
      entry = [line];
      groups.push([`${section} ${key}`, entry]);
    } else if (entry !== undefined) {
      entry.push(line);
      if (/^ {4}\},?$/.test(line)) entry = undefined;
    } else groups.push([`${section} ${line.replace(/,$/, "")}`, [line]]);
  }
  return groups;
}

/** Both texts in one, each difference between marks; `salvageLock` takes it apart into exactly the two again. Texts are those of `formatLock`. */
export function withMarks(ours: string, theirs: string): string {
  const [a, b] = [groupsOf(ours), groupsOf(theirs)];
  const [inOurs, inTheirs] = [new Map(a), new Map(b)];
  const lines: string[] = [];
  let our: string[] = [];
  let their: string[] = [];
  const flush = (): void => {
    if (our.length + their.length > 0) lines.push("<<<<<<< ours", ...our, "=======", ...their, ">>>>>>> theirs");
    our = [];
    their = [];
  };
  // Both are in the same order, so what both have comes in step once what one has alone is passed.
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    const [key = "", x = []] = a[i] ?? [];
    const [other = "", y = []] = b[j] ?? [];
    if (i < a.length && (j === b.length || !inTheirs.has(key))) {
      our.push(...x);
      i++;
    } else if (j < b.length && (i === a.length || !inOurs.has(other))) {
      their.push(...y);
      j++;
    } else {
      if (x.join("\n") === y.join("\n")) {
        flush();
        lines.push(...x);
      } else {
        our.push(...x);
        their.push(...y);
      }
      i++;
      j++;
    }
  }
  flush();
  return lines.join("\n");
}
