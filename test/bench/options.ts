/** The benchmark's own command line. */
import { parseArgs } from "node:util";

export interface Options {
  readonly rounds: number;
  readonly quick: boolean;
  /** Names of experiments; all when empty. */
  readonly only: readonly string[];
  /** File for the JSON document. */
  readonly json: string;
  /** Markdown file whose table is replaced. */
  readonly write?: string;
  readonly help: boolean;
}

export const usage = `Measures Lockstep against other tools and prints a table of ratios; never fails for being slow.

  npm run bench -- [options]

  --rounds N     rounds of every contender (5)
  --only NAME    only this experiment; may be given several times
  --quick        one round of the rows 1, 2 and 4
  --json FILE    where the JSON document goes (out/bench.json)
  --write FILE   put the table between the markers of this file as well
  --help         show this
`;

/** More rounds would need more new combinations than one left-out package gives. */
const mostRounds = 20;

/** Throws an Error whose message says what is wrong. */
export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      rounds: { type: "string" },
      only: { type: "string", multiple: true },
      quick: { type: "boolean", default: false },
      json: { type: "string", default: "out/bench.json" },
      write: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const rounds = values.rounds === undefined ? (values.quick ? 1 : 5) : Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > mostRounds)
    throw new Error(`--rounds must be a whole number from 1 to ${mostRounds}`);
  return {
    rounds,
    quick: values.quick,
    only: (values.only ?? []).flatMap((names) => names.split(",")),
    json: values.json,
    ...(values.write === undefined ? {} : { write: values.write }),
    help: values.help,
  };
}
