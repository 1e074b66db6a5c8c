/** Requests to one repository: signed in where the registry wants it, tried again where that may help, waiting where it asks for it. */
import { backOff } from "../host/back-off.ts";
import { interrupted, LockstepError, messageOf, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { humanDuration } from "../report/format.ts";
import { type Report, silent } from "../report/report.ts";
import { askedWait, refusal } from "./answer.ts";
import { Authorizer } from "./authorizer.ts";
import { type Answer, type Call, Connection } from "./connection.ts";
import { formatReference, type Reference } from "./reference.ts";
import { readRegistrySettings, type RegistrySettings } from "./settings.ts";

export interface RegistryOptions {
  readonly signal?: AbortSignal;
  readonly report?: Report;
  /** Read from the user's config.yaml unless given. */
  readonly settings?: RegistrySettings;
  /** How often a request is tried; 5 unless given. */
  readonly tries?: number;
  /** Milliseconds without a byte after which a connection is given up; a minute unless given. */
  readonly stallLimit?: number;
}

export interface Request extends Omit<Call, "url" | "authorization"> {
  /** Below `/v2/<repository>/`, or a whole address that the registry gave. */
  readonly to: string | URL;
  readonly query?: Readonly<Record<string, string>>;
  /** What it does, for messages: `the manifest of 1.0`. */
  readonly what: string;
  /** Answers to give back; all others are tried again or thrown. */
  readonly expected: readonly number[];
  /** What the login must allow. */
  readonly action: "pull" | "push";
  /** Another repository of the registry that is read as well. */
  readonly alsoReads?: string;
  /** Tries; those of the client unless given. */
  readonly tries?: number;
}

/** Answers that may be others a moment later. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504]);
/** Milliseconds that a registry may make us wait, at once and in all. */
const longestWait = 300_000;
const tellFrom = 5_000;

export class Client {
  readonly reference: Reference;
  readonly host: Host;
  readonly connection: Connection;
  readonly signal: AbortSignal | undefined;
  readonly #report: Report;
  readonly #authorizer: Authorizer;
  readonly #tries: number;

  private constructor(host: Host, reference: Reference, settings: RegistrySettings, options: RegistryOptions) {
    this.host = host;
    this.reference = reference;
    this.signal = options.signal;
    this.#report = options.report ?? silent;
    this.#tries = options.tries ?? 5;
    this.connection = new Connection(host, reference.host, settings, options.signal, options.stallLimit);
    const login = settings.hosts.get(reference.host)?.login ?? reference.host;
    this.#authorizer = new Authorizer(host, this.connection, login, reference.repository, options.signal);
  }

  static async open(host: Host, reference: Reference, options: RegistryOptions = {}): Promise<Client> {
    return new Client(host, reference, options.settings ?? (await readRegistrySettings(host)), options);
  }

  /** The repository as people write it. */
  get name(): string {
    return formatReference({ host: this.reference.host, repository: this.reference.repository });
  }

  close(): void {
    this.connection.close();
  }

  /** Waits before the next try; LS3213 when the registry asks for more than anybody wants to wait. */
  async pause(attempt: number, asked: number | undefined): Promise<void> {
    if (asked !== undefined && asked > longestWait) {
      throw new LockstepError({
        code: "LS3213",
        message: `${this.reference.host} takes no more requests for ${humanDuration(asked)}`,
        hint: "run the command again then; a login often has a higher limit",
      });
    }
    const wait = Math.max(asked ?? 0, backOff(this.host, attempt));
    if (wait >= tellFrom) this.#report.warn(`${this.reference.host} asks to wait ${humanDuration(wait)}`);
    await this.host.sleep(wait, this.signal);
    if (this.signal?.aborted === true) throw interrupted();
  }

  /**
   * One request, as often as it takes. Throws LS3204 (cannot be reached), LS3205 (not allowed), LS3207 (not there), LS3213 (asked to wait
   * too long), LS3220 (any other answer); LS3212 for a redirect that is not followed; LS1003.
   */
  async request(request: Request): Promise<Answer> {
    const tries = request.tries ?? this.#tries;
    for (let attempt = 1; ; attempt++) {
      let asked: number | undefined;
      let failure: LockstepError;
      try {
        const answer = await this.#signedIn(request);
        if (request.expected.includes(answer.status)) return answer;
        asked = askedWait(answer.headers, this.host.now());
        const said = await refusal(answer);
        failure = this.#refused(request, answer.status, said);
        if (!passing.has(answer.status)) throw failure;
      } catch (error) {
        if (this.signal?.aborted === true) throw interrupted();
        if (error instanceof LockstepError) throw error;
        failure = this.unreachable(request.what, error);
      }
      if (attempt >= tries) throw failure;
      await this.pause(attempt, asked);
    }
  }

  /** The error of a transfer that broke, or was given up because the user asked for it. */
  unreachable(what: string, error: unknown): LockstepError {
    if (this.signal?.aborted === true) return interrupted();
    return new LockstepError(
      {
        code: "LS3204",
        message: `${this.name}: ${what}: ${systemCode(error) ?? messageOf(error)}`,
        hint: "run the command again when the registry can be reached; what was transferred is not transferred again",
      },
      { cause: error },
    );
  }

  #refused({ what }: Request, status: number, said: string): LockstepError {
    const message = `${this.name}: ${what}: the registry answers ${said}`;
    if (status === 401 || status === 403) {
      const hint = `log in to ${this.reference.host} with an account that may do this`;
      return new LockstepError({ code: "LS3205", message, hint });
    }
    if (status === 404)
      return new LockstepError({ code: "LS3207", message, hint: "look at the name, the tag and the digest" });
    if (status === 429) return new LockstepError({ code: "LS3213", message, hint: "run the command again later" });
    return new LockstepError({
      code: "LS3220",
      message,
      hint: "run the command again later, or ask whoever runs the registry",
    });
  }

  /** Where a request goes. */
  address({ to, query }: Pick<Request, "to" | "query">): URL {
    const url =
      typeof to === "string" ? new URL(`/v2/${this.reference.repository}/${to}`, this.connection.base) : new URL(to);
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.append(name, value);
    return url;
  }

  async #signedIn(request: Request): Promise<Answer> {
    const { repository } = this.reference;
    const scopes = [`repository:${repository}:${request.action === "pull" ? "pull" : "pull,push"}`];
    if (request.alsoReads !== undefined) scopes.push(`repository:${request.alsoReads}:pull`);
    const { method, headers, body } = request;
    const call: Call = {
      method,
      url: this.address(request),
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
    };
    let authorization = this.#authorizer.header(scopes);
    // Twice: a token may have run out, and the new one then is judged on its own.
    for (let renewals = 0; ; renewals++) {
      const answer = await this.connection.send({ ...call, ...(authorization === undefined ? {} : { authorization }) });
      if (answer.status !== 401 || !this.connection.isOwn(call.url) || renewals === 2) return answer;
      answer.body.resume();
      authorization = await this.#authorizer.renew(answer, scopes, authorization);
    }
  }
}
