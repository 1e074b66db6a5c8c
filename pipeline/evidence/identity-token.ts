/** Identity tokens (OpenID Connect): where one is to be had, and whom it names. A token is never in a message. */
import { readFile } from "node:fs/promises";
import { LockstepError, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import type { Identity } from "./certificate.ts";
import { askJson, serviceAddress } from "./service.ts";

export interface IdentityToken {
  /** The token itself: a secret. */
  readonly text: string;
  readonly issuer: string;
  /** What a certificate authority wants signed with the new key: the e-mail address, else the token's `sub`. */
  readonly challenge: string;
  /** Whether a certificate's identity is this token's. */
  names(identity: Identity): boolean;
}

/** Whom tokens for signing are made out to. */
const audience = "sigstore";
const variable = "SIGSTORE_ID_TOKEN";
const requestVariables = ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"] as const;

function unusable(from: string, what: string): never {
  throw new LockstepError({
    code: "LS6006",
    message: `the identity token of ${from} ${what}`,
    hint: `get a new one from its issuer, for the audience "${audience}"`,
  });
}

type Claims = Readonly<Record<string, unknown>>;

function claimsIn(text: string): Claims | undefined {
  const [header, payload, signature, ...others] = text.split(".");
  if (header === undefined || payload === undefined || signature === undefined || others.length > 0) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null && !Array.isArray(claims) ? (claims as Claims) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a certificate may call the one of these claims so: each authority names some issuers' tokens by another claim than `sub`. */
function mayBeCalled(subject: string, claims: Claims, challenge: string): boolean {
  if (subject === challenge || subject === claims["sub"]) return true;
  const { job_workflow_ref: workflow, ci_config_ref_uri: config } = claims;
  if (typeof config === "string" && subject === `https://${config}`) return true;
  // The workflow that runs, on the server that the authority knows the issuer to be of.
  const server = URL.parse(subject);
  return (
    typeof workflow === "string" &&
    workflow !== "" &&
    server !== null &&
    subject === `https://${server.host}/${workflow}`
  );
}

/** Reads a token (RFC 7519), whose signature is for the certificate authority to check. `from` is where it comes from. Throws LS6006. */
function parseIdentityToken(text: string, from: string, now: number): IdentityToken {
  const claims = claimsIn(text);
  if (claims === undefined) return unusable(from, "is not a token that can be read");
  const { iss: issuer, sub, email, exp } = claims;
  if (typeof issuer !== "string" || issuer === "") return unusable(from, "does not say who issued it");
  if (typeof exp === "number" && exp * 1000 <= now) return unusable(from, "is not valid any more");
  const verified = claims["email_verified"] === true || claims["email_verified"] === "true";
  if (typeof email === "string" && email !== "" && !verified)
    return unusable(from, "has an e-mail address that its issuer did not verify");
  const challenge = typeof email === "string" && email !== "" ? email : sub;
  if (typeof challenge !== "string" || challenge === "") return unusable(from, "does not say whom it is about");
  return {
    text,
    issuer,
    challenge,
    names: (identity) => identity.issuer === issuer && mayBeCalled(identity.subject, claims, challenge),
  };
}

/** Gives a token when one is needed: those of CI are asked for then, as they are short-lived. */
export type TokenSource = (signal?: AbortSignal) => Promise<IdentityToken>;

/** Where tokens come from: the file that is named, else `SIGSTORE_ID_TOKEN`, else the job of GitHub Actions. Throws LS6006 when there is none. */
export function tokenSource(host: Host, file?: string): TokenSource {
  if (file !== undefined) {
    return async () => {
      const text = await readFile(file, "utf8").catch((error: unknown) =>
        unusable(file, `cannot be read (${systemCode(error) ?? "no text"})`),
      );
      return parseIdentityToken(text.trim(), file, host.now());
    };
  }
  const given = host.env(variable);
  if (given !== undefined) return async () => parseIdentityToken(given.trim(), variable, host.now());
  const [address, bearer] = requestVariables.map((name) => host.env(name));
  if (address !== undefined && bearer !== undefined) {
    const url = serviceAddress(address);
    if (url === undefined) return unusable(requestVariables[0], "cannot be asked for: that is not an https address");
    url.searchParams.set("audience", audience);
    return async (signal) => {
      const question = {
        who: "the issuer of the job's token",
        url,
        headers: { authorization: `Bearer ${bearer}` },
        secrets: [bearer],
      };
      const read = (json: unknown): string | undefined => {
        const { value } = json as { readonly value?: unknown };
        return typeof value === "string" ? value : undefined;
      };
      return parseIdentityToken(await askJson(host, question, read, signal), requestVariables[0], host.now());
    };
  }
  throw new LockstepError({
    code: "LS6006",
    message: "there is no identity token to sign with",
    hint: `name its file with --identity-token, set ${variable}, or give the job \`id-token: write\``,
  });
}
