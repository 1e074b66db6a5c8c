/** A stand-in for a session of the engine: answers Dagger's queries over HTTP, and keeps them, so that chains can be looked at without an engine. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connection } from "@dagger.io/dagger";

/** A field of a chain: its name, and its arguments as they are written in the query. */
export interface Call {
  readonly name: string;
  readonly args: string;
}

const token = /"(?:[^"\\]|\\.)*"|[A-Za-z_]\w*|[{}()]|[^\s"{}()A-Za-z_]+/g;

/** The fields of a query from the outside in. Dagger's chains have one field a level. */
export function chainOf(query: string): readonly Call[] {
  const calls: { name: string; args: string }[] = [];
  let depth = 0;
  for (const [text] of query.matchAll(token)) {
    const last = calls.at(-1);
    if (text === "(") depth += 1;
    else if (text === ")") depth -= 1;
    else if (depth > 0 && last !== undefined) last.args += text;
    else if (text !== "{" && text !== "}") calls.push({ name: text, args: "" });
  }
  return calls;
}

/** What a step that failed gives. */
export interface Failure {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Recorded {
  /** Every chain that was asked for. */
  readonly chains: readonly (readonly Call[])[];
  /** The chains whose results were arguments, by id: a directory that is mounted, a secret. */
  readonly byId: ReadonlyMap<string, readonly Call[]>;
}

/**
 * Runs `use` with a session that answers each chain: `answer` says what its last field gives, from all of its fields; ids are made up.
 * Gives what was asked.
 */
export async function withSession(
  answer: (chain: readonly Call[]) => string | Failure,
  use: () => Promise<void>,
): Promise<Recorded> {
  const chains: (readonly Call[])[] = [];
  const byId = new Map<string, readonly Call[]>();
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString("utf8")));
    request.on("end", () => {
      const { query } = JSON.parse(body) as { readonly query: string };
      const chain = chainOf(query.replace(/^\s*query\b\s*\w*/, ""));
      chains.push(chain);
      response.setHeader("content-type", "application/json");
      let value: string | Failure;
      if (chain.at(-1)?.name === "id") {
        value = `id-${byId.size}`;
        byId.set(value, chain.slice(0, -1));
      } else {
        value = answer(chain);
      }
      if (typeof value === "string") {
        const data = chain.toReversed().reduce<unknown>((inner, { name }) => ({ [name]: inner }), value);
        response.end(JSON.stringify({ data }));
      } else {
        const path = chain.map(({ name }) => name);
        const extensions = { _type: "EXEC_ERROR", cmd: ["node"], ...value };
        response.end(JSON.stringify({ data: null, errors: [{ message: "exit code", path, extensions }] }));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const before = { ...process.env };
  process.env["DAGGER_SESSION_PORT"] = String((server.address() as AddressInfo).port);
  process.env["DAGGER_SESSION_TOKEN"] = "token";
  try {
    await connection(use);
  } finally {
    for (const name of ["DAGGER_SESSION_PORT", "DAGGER_SESSION_TOKEN"]) {
      const value = before[name];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  return { chains, byId };
}
