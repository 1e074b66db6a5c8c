/** What a step is told of the files that it may fetch: the list that the proxy reads, and the variables by which programs find the proxy. */

/** `files.json`. */
export interface ServedFiles {
  /** What problems call the step. */
  readonly title: string;
  readonly port: number;
  /** Sorted by URL; each is `blobs/<sha256>`. */
  readonly files: readonly { readonly url: string; readonly sha256: string; readonly size: number }[];
  /** Whether the step has to ask for all of them. */
  readonly every: boolean;
}

/** Where it is in the container; nothing of it is left there. */
export const servedAt = "/run/lockstep-fetch";

export const servedPort = 9013;

const proxy = `http://127.0.0.1:${servedPort}`;
const pem = `${servedAt}/authority.pem`;

/** The proxy and the authority, for whoever reads variables; and what programs ask for of their own accord, switched off. */
export const servedEnvironment: Readonly<Record<string, string>> = {
  APT_CONFIG: `${servedAt}/apt.conf`,
  CARGO_HTTP_CAINFO: pem,
  CURL_CA_BUNDLE: pem,
  GIT_SSL_CAINFO: pem,
  GOSUMDB: "off",
  GOTOOLCHAIN: "local",
  HTTPS_PROXY: proxy,
  HTTP_PROXY: proxy,
  NODE_EXTRA_CA_CERTS: pem,
  NODE_USE_ENV_PROXY: "1",
  NO_PROXY: "localhost,127.0.0.1,::1",
  PIP_CERT: pem,
  PIP_DISABLE_PIP_VERSION_CHECK: "1",
  REQUESTS_CA_BUNDLE: pem,
  SSL_CERT_FILE: pem,
  WGETRC: `${servedAt}/wgetrc`,
  http_proxy: proxy,
  https_proxy: proxy,
  no_proxy: "localhost,127.0.0.1,::1",
  npm_config_audit: "false",
  npm_config_cafile: pem,
  npm_config_fund: "false",
  npm_config_update_notifier: "false",
};

/** Settings of programs that read no variable, by the name of the file. */
export const servedSettings: Readonly<Record<string, string>> = {
  "apt.conf": `Acquire::http::Proxy "${proxy}";\nAcquire::https::Proxy "${proxy}";\nAcquire::https::CAInfo "${pem}";\nAcquire::Languages "none";\n`,
  wgetrc: `ca_certificate = ${pem}\nhsts = off\n`,
};
