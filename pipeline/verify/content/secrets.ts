/** What must not be printed of contents: keys, tokens and hashes of passwords are replaced by words that say what was there. */

const patterns: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----[^]*/g, "(a private key)"],
  // crypt(5): an identifier, then parameters, salt and hash.
  [/\$(?:1|2[abxy]?|5|6|7|y|gy|sha1|md5|argon2id?)\$[\w./$=,+-]{8,}/g, "(a hash of a password)"],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, "(a key)"],
  [/\b(?:gh[pousr]_|github_pat_|glpat-|npm_|xox[abprs]-|sk-|sk_live_|pypi-)[\w-]{16,}/g, "(a token)"],
  [/\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*/g, "(a token)"],
];

/** `password = …`, `_authToken=…`, `"api_key": "…"`, `Authorization: Bearer …`. */
const assignment =
  /((?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?|authorization|_auth)["']?\s{0,4}[:=]\s{0,4})((?:bearer|basic)\s+)?(["']?)([^\s"',;]{4,})/gi;
/** https://user:password@host */
const inAddress = /(\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@]{0,64}:)[^\s/@]{1,256}(@)/gi;

/** The text without secrets that can be recognised. */
export function withoutSecrets(text: string): string {
  let clean = text;
  for (const [pattern, words] of patterns) clean = clean.replace(pattern, words);
  return clean
    .replace(
      assignment,
      (_all, before: string, scheme: string | undefined, quote: string) => `${before}${scheme ?? ""}${quote}(a secret)`,
    )
    .replace(inAddress, "$1(a secret)$2");
}

/** Members and settings whose values are secrets whatever they look like. */
export function isSecretName(name: string): boolean {
  return /passw(?:or)?d|passphrase|secret|private[_-]?key|api[_-]?key|auth[_-]?token|access[_-]?token|^_?auth$/i.test(
    name,
  );
}

/** Files of which no byte is printed. */
export function isSecretPath(path: string): boolean {
  return /(?:^|\/)(?:g?shadow-?|id_(?:rsa|dsa|ecdsa|ed25519)|ssh_host_[a-z0-9]+_key|random-seed|[^/]*\.(?:key|p12|pfx|jks|keystore|kdbx|keytab))$/i.test(
    path,
  );
}
