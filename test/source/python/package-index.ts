/** A package index on this machine: the simple repository API as JSON and as HTML, with logins where they are wanted. */
import type { IncomingMessage } from "node:http";
import { onTestFinished } from "vitest";
import { sha256Of } from "../debian/tiny-deb.ts";
import { serveBytes, startWebServer, type WebServer } from "../web-server.ts";

export interface PackageIndex extends WebServer {
  /** `http://127.0.0.1:port/simple`. */
  readonly index: string;
  /** Puts a file of a project there and gives the option of a requirement that allows it. */
  add(project: string, file: string, bytes: Uint8Array): string;
  /** Forgets a file. */
  remove(project: string, file: string): void;
}

interface IndexOptions {
  readonly form?: "json" | "json without sizes" | "html";
  /** What the index and its files want to be sent. */
  readonly authorization?: string;
  /** Serves files from another host than the index, and refuses them to who sends a login there. */
  readonly elsewhere?: boolean;
}

export async function startIndex({
  form = "json",
  authorization,
  elsewhere = false,
}: IndexOptions = {}): Promise<PackageIndex> {
  const web = await startWebServer();
  onTestFinished(() => web.close());
  const projects = new Map<string, Map<string, Uint8Array>>();
  const host = elsewhere ? web.base.replace("127.0.0.1", "localhost") : "../..";
  const may = (request: IncomingMessage, file: boolean): boolean =>
    elsewhere && file
      ? request.headers.authorization === undefined
      : authorization === undefined || request.headers.authorization === authorization;
  const page = (project: string): string => {
    const files = [...(projects.get(project) ?? [])];
    if (form === "html") {
      const links = files.map(
        ([file, bytes]) =>
          `<a href="${host}/files/${file.replaceAll("+", "%2B")}#sha256=${sha256Of(bytes)}" data-requires-python="&gt;=3.8">${file}</a><br/>`,
      );
      return `<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.0"></head><body>\n${links.join("\n")}\n</body></html>`;
    }
    const listed = files.map(([filename, bytes]) => ({
      filename,
      url: `${host}/files/${filename}`,
      hashes: { sha256: sha256Of(bytes) },
      ...(form === "json" ? { size: bytes.length } : {}),
    }));
    return JSON.stringify({ meta: { "api-version": "1.1" }, name: project, files: listed });
  };
  const publish = (project: string): void => {
    web.files.set(`/simple/${project}/`, (request, response) => {
      if (may(request, false))
        response
          .setHeader("content-type", form === "html" ? "text/html" : "application/vnd.pypi.simple.v1+json")
          .end(page(project));
      else response.writeHead(401).end();
    });
  };
  return {
    ...web,
    index: `${web.base}/simple`,
    add(project, file, bytes) {
      const files = projects.get(project) ?? new Map<string, Uint8Array>();
      files.set(file, bytes);
      projects.set(project, files);
      publish(project);
      web.files.set(`/files/${file}`, (request, response) => {
        if (may(request, true)) serveBytes(bytes, request, response);
        else response.writeHead(403).end();
      });
      return `--hash=sha256:${sha256Of(bytes)}`;
    },
    remove(project, file) {
      projects.get(project)?.delete(file);
      web.files.delete(`/files/${file}`);
    },
  };
}
