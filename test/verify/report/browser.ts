/** The page of a comparison in Debian's Chromium. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import { hasProgram, run } from "../../support.ts";

export const hasChromium = hasProgram("chromium");

let browser: Browser | undefined;

export async function startBrowser(): Promise<void> {
  const executablePath = run("sh", ["-c", "command -v chromium"]).stdout.toString().trim();
  browser = await chromium.launch({ executablePath, args: ["--disable-gpu", "--disable-dev-shm-usage"] });
}

export async function stopBrowser(): Promise<void> {
  await browser?.close();
}

/**
 * Opens a page from a file, offline. When the test ends, it must have asked for nothing but that file, and nothing may have been
 * refused by its policy or failed in its script.
 */
export async function open(html: string, options: BrowserContextOptions = {}): Promise<Page> {
  if (browser === undefined) throw new Error("no browser was started");
  const directory = mkdtempSync(join(tmpdir(), "lockstep-page-"));
  const file = join(directory, "page.html");
  writeFileSync(file, html);
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 }, offline: true, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (request.url() !== pathToFileURL(file).href) complaints.push(`asked for ${request.url()}`);
  });
  onTestFinished(async () => {
    await context.close();
    rmSync(directory, { recursive: true, force: true });
    expect(complaints).toEqual([]);
  });
  await page.goto(pathToFileURL(file).href);
  return page;
}
