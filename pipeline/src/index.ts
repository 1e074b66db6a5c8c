/**
 * Lockstep: container images from locked inputs, with one digest on every machine.
 *
 * Every function runs the command of the same name in a container, so digests are those of `./lockstep`.
 */
import {
  argument,
  check,
  type Container,
  dag,
  type Directory,
  type File,
  func,
  object,
  ReturnType,
  type Secret,
} from "@dagger.io/dagger";
import { Build } from "./build.ts";
import { afterOf, answerOf, commandLine, stdoutOf } from "./command.ts";
import { Pinned, Shipped } from "./results.ts";
import { anew, checkEngine, nodeOf, places, surroundings, withLogin, withMounts, withSigner } from "./program.ts";

/** An option with its value, or with the place of what is mounted for it, where there is one. */
function given(option: string, value: string | object | undefined, place = ""): readonly string[] {
  return value === undefined ? [] : [option, typeof value === "string" ? value : place];
}

/** Container images from locked inputs, with one digest on every machine. */
@object()
export class Lockstep {
  /** The program in its container. The repository is an argument of each function: an edit of it makes no more than one function run again. */
  private container: Container;
  private secrets?: Secret;

  /**
   * @param program The program: the repository of Lockstep itself.
   * @param base The image that the program runs in, pinned by digest: Node.js 20 or newer with npm. It decides no byte of an image.
   * @param baseArchive An OCI archive to use in place of the base image.
   * @param dependencies The program's `node_modules`, in place of installing them. The base needs no npm then.
   * @param npmRegistry The registry of the program's locked dependencies and of npm packages of images; npm's own setting unless given.
   * @param debianMirror Where Debian's archive is fetched from (`LOCKSTEP_DEBIAN_MIRROR`); a base that is Debian says it otherwise.
   * @param debianSecurityMirror The same for Debian's security archive (`LOCKSTEP_DEBIAN_SECURITY_MIRROR`).
   * @param certificates Certificate authorities in PEM, for a network that has its own.
   * @param epoch The time in everything that is built, in seconds since 1970 (`SOURCE_DATE_EPOCH`). It changes digests.
   * @param settings The file `config.yaml` of the settings folder: mirrors and registries.
   * @param secrets Secrets of steps: a JSON object with a string for each name.
   */
  constructor(
    @argument({
      defaultPath: "/",
      ignore: ["*", "!package.json", "!package-lock.json", "!.npmrc", "!pipeline", "pipeline/src", "pipeline/sdk"],
    })
    program: Directory,
    base: string = "node:24.18.0-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d",
    baseArchive?: File,
    dependencies?: Directory,
    npmRegistry?: string,
    debianMirror?: string,
    debianSecurityMirror?: string,
    certificates?: File,
    epoch?: number,
    settings?: File,
    secrets?: Secret,
  ) {
    const mirrors = { npmRegistry, debianMirror, debianSecurityMirror, certificates };
    this.container = surroundings({ program, base, baseArchive, dependencies, ...mirrors, epoch, settings, secrets });
    if (secrets !== undefined) this.secrets = secrets;
  }

  /** The container with what images and manifests are made of. An edit of anything else makes no step run again. */
  private at(source: Directory): Container {
    const parts = source.filter({ include: ["images", "lockstep.lock", "manifests"] });
    return this.container.withMountedDirectory(places.repository, parts);
  }

  /** The container with all files of the repository. */
  private whole(source: Directory): Container {
    return this.container.withMountedDirectory(places.repository, source);
  }

  /** The container after a command about images: all when none is named. */
  private async run(
    from: Container,
    name: string,
    args: readonly string[],
    images: readonly string[] = [],
  ): Promise<Container> {
    const node = await this.node();
    return afterOf({ from, node, name, args: [...args, "--quiet", ...images], images, secrets: this.secrets });
  }

  private async node(): Promise<string> {
    const [version, platform] = await Promise.all([dag.version(), dag.defaultPlatform()]);
    checkEngine(version);
    return nodeOf(platform);
  }

  /**
   * Builds images from locked inputs.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   * @param image The images to build; all when none is named.
   * @param capsule Take every input from this capsule, and nothing from the network.
   */
  @func() async build(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
    image: string[] = [],
    capsule?: Directory,
  ): Promise<Build> {
    const args = ["--out", `${places.out}/images`, ...given("--capsule", capsule, places.capsule), "--json"];
    const after = await this.run(withMounts(this.at(source), { [places.capsule]: capsule }), "build", args, image);
    return new Build(after, await this.node(), await stdoutOf(after), this.secrets);
  }

  /**
   * Rebuilds images in other surroundings, from downloads alone, and compares digests. Fails when one differs.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   * @param image The images to verify; all when none is named.
   * @param again Rebuild also what was reproduced before from the same plans.
   * @param document Give the document of `--json` in place of text.
   * @param capsule Take every input from this capsule, and nothing from the network.
   * @param perturb What to change for the rebuild: `usual`, `all`, `none`, or names with commas between them.
   * @param against Compare the rebuilt image with this too: a reference of a registry; for one image.
   * @param login Logins of registries, in the form of docker's `config.json`.
   */
  @func({ cache: "never" })
  async verify(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
    image: string[] = [],
    again: boolean = false,
    document: boolean = false,
    capsule?: Directory,
    perturb?: string,
    against?: string,
    login?: Secret,
  ): Promise<string> {
    const asked = [...(again ? ["--again"] : []), ...given("--perturb", perturb), ...given("--against", against)];
    const options = [...asked, ...(document ? ["--json"] : []), ...given("--capsule", capsule, places.capsule)];
    const fresh = again || perturb !== undefined || against !== undefined;
    const mounted = withMounts(this.at(source), { [places.capsule]: capsule });
    const from = withLogin(fresh ? anew(mounted) : mounted, login);
    return stdoutOf(await this.run(from, "verify", ["--out", `${places.out}/images`, ...options], image));
  }

  /**
   * The document of `verify --again --json`, also when something differs: for programs that compare engines.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   * @param image The images to verify; all when none is named.
   */
  @func({ cache: "never" })
  async verdicts(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
    image: string[] = [],
  ): Promise<string> {
    const args = ["--out", `${places.out}/images`, "--again", "--json", "--quiet", ...image];
    const [from, node] = [anew(this.at(source)), await this.node()];
    return (await answerOf({ from, node, name: "verify", args, images: image, secrets: this.secrets })).stdout;
  }

  /**
   * Writes an SPDX document for each image and platform.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   * @param image The images to describe; all when none is named.
   */
  @func() async sbom(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
    image: string[] = [],
  ): Promise<Directory> {
    const after = await this.run(this.at(source), "sbom", ["--out", places.out], image);
    return after.directory(`${places.out}/sbom`);
  }

  /**
   * Signs what is known of each image, rebuilding first, and verifies the signature.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   * @param key The signing key: P-256, PKCS #8, PEM.
   * @param image The images to attest; all when none is named.
   * @param identityToken An identity token to sign with in place of a key, with the two files.
   * @param signingConfig The services that sign: a SigningConfig of Sigstore.
   * @param trustedRoot What the signature has to verify with: a TrustedRoot of Sigstore.
   */
  @func({ cache: "never" })
  async attest(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
    key?: Secret,
    image: string[] = [],
    identityToken?: Secret,
    signingConfig?: File,
    trustedRoot?: File,
  ): Promise<Directory> {
    const [from, options] = withSigner(anew(this.at(source)), key, identityToken, signingConfig, trustedRoot);
    const after = await this.run(from, "attest", ["--out", places.out, ...options], image);
    return after.directory(`${places.out}/attestations`);
  }

  /**
   * Puts the own layers of a built image onto another base image. Gives the new layout.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   * @param layout The layout of the image, as `build layout` gives it.
   * @param onto The new base: an image of a registry with a tag or a digest.
   * @param login Logins of registries, in the form of docker's `config.json`.
   */
  @func({ cache: "never" })
  async rebase(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
    layout: Directory,
    onto: string,
    login?: Secret,
  ): Promise<Directory> {
    const from = withLogin(anew(this.at(source)), login).withMountedDirectory(places.layout, layout);
    const args = [places.layout, "--onto", onto, "--out", `${places.out}/rebased`, "--json", "--quiet"];
    const after = from.withExec(commandLine(await this.node(), "rebase", args));
    const { result } = JSON.parse(await stdoutOf(after)) as { readonly result: { readonly layout: string } };
    return after.directory(result.layout);
  }

  /**
   * The Kubernetes manifests with the images' digests: the content of `manifests/rendered`.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   */
  @func() async render(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
  ): Promise<Directory> {
    const after = await this.run(this.at(source), "render", ["--out", `${places.out}/images`]);
    return after.directory(`${places.repository}/manifests/rendered`);
  }

  /**
   * Checks specs, lock, maintainer scripts and rendered manifests, and lints the repository. Fails when something is wrong.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   * @param path Lint these files and folders, and check nothing else.
   * @param document Give the document of `--json` in place of text.
   */
  @func() async check(
    @argument({ defaultPath: "/", ignore: [".git", "out", "coverage", "**/node_modules"] }) source: Directory,
    path: string[] = [],
    document: boolean = false,
  ): Promise<string> {
    const args = ["--out", `${places.out}/images`, ...(document ? ["--json"] : []), ...path];
    return stdoutOf(await this.run(this.whole(source), "check", args));
  }

  /**
   * The findings of the lint as SARIF 2.1.0, also when there are some.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   */
  @func() async sarif(
    @argument({ defaultPath: "/", ignore: [".git", "out", "coverage", "**/node_modules"] }) source: Directory,
  ): Promise<File> {
    const file = "/lint.sarif";
    const args = ["--out", `${places.out}/images`, "--json", "--quiet", "--sarif", file];
    const line = commandLine(await this.node(), "check", args);
    return this.whole(source).withExec(line, { expect: ReturnType.Any }).file(file);
  }

  /**
   * Puts every locked input of images into one artefact: an OCI layout, for `capsule` of `build` and `verify`.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   * @param image The images whose inputs go into it; all when none is named.
   */
  @func() async capsule(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
    image: string[] = [],
  ): Promise<Directory> {
    const after = await this.run(this.at(source), "capsule", ["create", "--out", `${places.out}/capsule`], image);
    return after.directory(`${places.out}/capsule`);
  }

  /**
   * Resolves what the specs ask for. Gives the new lock, and what moved.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   * @param only Move this image, package or other input alone, and what must move with it.
   * @param to NAME=VERSION, or the version for `only`.
   * @param licences Fetch the packages that changed, to compare licences and installed sizes.
   * @param advisories A directory of OSV advisories.
   * @param format How the difference is written: `text` or `markdown`.
   */
  @func({ cache: "never" })
  async pin(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
    only?: string,
    to: string[] = [],
    licences: boolean = false,
    advisories?: Directory,
    format: string = "text",
  ): Promise<Pinned> {
    const asked = [...given("--only", only), ...to.flatMap((version) => ["--to", version])];
    const more = [...(licences ? ["--licences"] : []), ...given("--advisories", advisories, places.advisories)];
    const from = withMounts(anew(this.at(source)), { [places.advisories]: advisories });
    const args = [...asked, ...more, "--format", format, "--quiet"];
    const after = from.withExec(commandLine(await this.node(), "pin", args));
    return new Pinned(after.file(`${places.repository}/lockstep.lock`), await stdoutOf(after));
  }

  /**
   * Lists locked packages that the archive has newer versions of.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   * @param names Images and packages to look at; all when none is named.
   */
  @func({ cache: "never" })
  async outdated(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
    names: string[] = [],
  ): Promise<string> {
    const line = commandLine(await this.node(), "outdated", ["--quiet", ...names]);
    return stdoutOf(anew(this.at(source)).withExec(line));
  }

  /**
   * Builds images and pushes them to a registry: what is missing, by digest, tags last.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   * @param to The repository, with a tag or without; `{image}` in it is the image's name.
   * @param image The images to publish; all when none is named.
   * @param tag Tags to give besides the one in `to`.
   * @param expect What each tag must be before, or `absent`.
   * @param login Logins of registries, in the form of docker's `config.json`.
   */
  @func({ cache: "never" })
  async publish(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
    to: string,
    image: string[] = [],
    tag: string[] = [],
    expect?: string,
    login?: Secret,
  ): Promise<string> {
    return (await this.build(source, image)).publish(to, tag, expect, login);
  }

  /**
   * Moves the branch that Argo CD or Flux follows to the commit, when its images are there. The base needs git.
   * @param source The repository, with its `.git` and all history.
   * @param branch The branch to move.
   * @param remote The repository that has it; that of `manifests/delivery.yaml` unless given.
   * @param attestations Want a statement about each image that holds, from this directory.
   * @param key A public key to trust for it.
   * @param trustedRoot What an identity's statement has to verify with: a TrustedRoot of Sigstore.
   * @param signer The identity to trust for it, exactly as certificates have it.
   * @param issuer Who vouches for the identity.
   * @param token A token for the remote.
   * @param login Logins of registries, in the form of docker's `config.json`.
   * @param dryRun Look at everything, and move nothing.
   */
  @func({ cache: "never" })
  async deliver(
    @argument({
      defaultPath: "/",
      ignore: ["*", "!images", "!lockstep.lock", "!manifests", "!.git*", "**/node_modules"],
    })
    source: Directory,
    branch: string,
    remote?: string,
    attestations?: Directory,
    key?: File,
    trustedRoot?: File,
    signer?: string,
    issuer?: string,
    token?: Secret,
    login?: Secret,
    dryRun: boolean = false,
  ): Promise<string> {
    const { attestations: bundles, key: own, trustedRoot: root, token: secret } = places;
    const files = { [own]: key, [root]: trustedRoot };
    const from = withMounts(anew(this.whole(source)), { [bundles]: attestations }, files, { [secret]: token });
    const identity = [...given("--signer", signer), ...given("--issuer", issuer)];
    const trust = [...given("--key", key, own), ...given("--trusted-root", trustedRoot, root), ...identity];
    const asked = [...given("--remote", remote), ...given("--attestations", attestations, bundles), ...trust];
    const more = [...asked, ...given("--token", token, secret), ...(dryRun ? ["--dry-run"] : [])];
    const args = ["--out", `${places.out}/images`, "--branch", branch, ...more];
    return stdoutOf(await this.run(withLogin(from, login), "deliver", args));
  }

  /**
   * Copies an image from one registry to another, unchanged.
   * @param from A reference with a tag or digest.
   * @param to The same; without a tag only the digest finds it.
   * @param platform Copy the image of one platform only, such as linux/arm64.
   * @param referrers Copy signatures, SBOMs and whatever else refers to the image as well.
   * @param expect What the tag must be before, or `absent`.
   * @param login Logins of registries, in the form of docker's `config.json`.
   */
  @func({ cache: "never" })
  async copy(
    from: string,
    to: string,
    platform?: string,
    referrers: boolean = false,
    expect?: string,
    login?: Secret,
  ): Promise<string> {
    const asked = [...given("--platform", platform), ...given("--expect", expect)];
    const args = [...asked, ...(referrers ? ["--referrers"] : []), "--quiet", from, to];
    const line = commandLine(await this.node(), "copy", args);
    return stdoutOf(withLogin(anew(this.container), login).withExec(line));
  }

  /**
   * How two images of registries differ, down to the innermost difference, and why: the document of `explain --json`.
   * @param first A reference with a tag or digest.
   * @param second The same.
   * @param login Logins of registries, in the form of docker's `config.json`.
   */
  @func({ cache: "never" })
  async explain(first: string, second: string, login?: Secret): Promise<string> {
    const from = withLogin(anew(this.container), login);
    const args = [first, second, "--json", "--quiet"];
    return (await answerOf({ from, node: await this.node(), name: "explain", args })).stdout;
  }

  /**
   * Checks, builds, verifies, describes, signs and renders everything.
   * @param source The repository with `images/`, `lockstep.lock` and `manifests/`.
   * @param key The signing key: P-256, PKCS #8, PEM.
   */
  @func({ cache: "never" })
  async ship(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
    key: Secret,
  ): Promise<Shipped> {
    const [from] = withSigner(anew(this.at(source)), key);
    const after = await this.run(from, "ship", ["--out", places.out]);
    const rendered = after.directory(`${places.repository}/manifests/rendered`);
    return new Shipped(after.directory(places.out), rendered, await stdoutOf(after));
  }

  /** The JSON Schema of `image.yaml`, for editors. */
  @func() async schema(): Promise<string> {
    return stdoutOf(this.container.withExec(commandLine(await this.node(), "schema", [])));
  }

  private async checkOf(source: Directory, subject: string): Promise<void> {
    await this.run(this.whole(source), "check", ["--out", `${places.out}/images`, "--about", subject]);
  }

  /** Nothing in the repository that the lint's rules forbid. */
  @func()
  @check()
  async lintIsClean(
    @argument({ defaultPath: "/", ignore: [".git", "out", "coverage", "**/node_modules"] }) source: Directory,
  ): Promise<void> {
    await this.checkOf(source, "lint");
  }

  /** Specs and lock are valid, and the lock is exactly the answer to the specs. */
  @func()
  @check()
  async lockIsFresh(
    @argument({ defaultPath: "/", ignore: [".git", "out", "coverage", "**/node_modules"] }) source: Directory,
  ): Promise<void> {
    await this.checkOf(source, "lock");
  }

  /** The committed manifests are those that `render` gives. */
  @func()
  @check()
  async manifestsAreRendered(
    @argument({ defaultPath: "/", ignore: [".git", "out", "coverage", "**/node_modules"] }) source: Directory,
  ): Promise<void> {
    await this.checkOf(source, "rendered");
  }

  /** Every image comes out the same again, rebuilt in other surroundings from downloads alone. */
  @func()
  @check()
  async imagesAreReproducible(
    @argument({ defaultPath: "/", ignore: ["*", "!images", "!lockstep.lock", "!manifests", "**/node_modules"] })
    source: Directory,
  ): Promise<void> {
    await this.run(this.at(source), "verify", ["--out", `${places.out}/images`, "--again"]);
  }
}
