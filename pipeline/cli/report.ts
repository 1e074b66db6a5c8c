/** `lockstep report`: how two releases differ in size, packages and files, also where nothing is wrong. */
import { resolve } from "node:path";
import { writeFileAtomically } from "../store/store.ts";
import type { CommandModule } from "./command.ts";
import type { ReportDocument } from "./documents/report.ts";

export const define: CommandModule["define"] = (command) => {
  command
    .argument("<first>", "a layout, an archive of an image, a layer, or a reference with a tag or digest")
    .argument("<second>", "the same")
    .option("--platform <platform>", "compare the images of one platform only, such as linux/arm64")
    .option("--html <file>", "write the report as a page that needs no network")
    .option("--markdown <file>", "write the report as Markdown, for a pull request");
};

export const examples: CommandModule["examples"] = [
  "lockstep report registry.example/team/web:1.2 out/images/web",
  "lockstep report old.tar new.tar --html sizes.html --markdown sizes.md",
  "lockstep report old.tar new.tar --platform linux/arm64 --json",
];

export const run: CommandModule["run"] = async (context, options, args) => {
  const { host } = context;
  const { platform, html, markdown } = options;
  const [{ reportReleases }, written] = await Promise.all([
    import("../verify/inventory/report.ts"),
    import("../verify/report/release.ts"),
  ]);
  const narrowed = typeof platform === "string" ? { platform } : {};
  const { report, sizes } = await reportReleases(context, args[0] ?? "", args[1] ?? "", narrowed);
  if (typeof html === "string")
    await writeFileAtomically(host, resolve(host.cwd, html), written.releaseHtml(report, sizes));
  if (typeof markdown === "string")
    await writeFileAtomically(host, resolve(host.cwd, markdown), written.releaseMarkdown(report));
  return {
    exit: 0,
    result: report satisfies ReportDocument,
    text: written.releaseText(report, context.output ?? { color: false }),
  };
};
