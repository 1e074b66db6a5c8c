/** The `registries` section of the user's config.yaml: what short names mean, and how single registries are reached. */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { messageOf, systemCode } from "../host/errors.ts";
import type { Host } from "../host/host.ts";
import { type Fault, mapOf, readSettings } from "../host/settings.ts";
import { isHost, type ShortNames } from "./reference.ts";

export interface HostSettings {
  /** Whether the registry is spoken to without TLS; unless set, only registries on this machine are. */
  readonly plainHttp?: boolean;
  /** Host that answers for the registry, where that is not the one in its name. */
  readonly address?: string;
  /** What the registry is called in auth files, where that is not its name. */
  readonly login?: string;
  /** PEM of the authorities that are trusted for this registry, in place of the machine's. */
  readonly ca?: string;
}

export interface RegistrySettings extends ShortNames {
  readonly hosts: ReadonlyMap<string, HostSettings>;
}

const noSettings: RegistrySettings = { short: new Map(), hosts: new Map() };

/** A name that short names can be completed with: it begins with a host. */
function wholeName(value: unknown, path: readonly string[], fault: Fault): string {
  const text = typeof value === "string" ? value.replace(/\/+$/, "") : "";
  const host = text.split("/")[0] ?? "";
  if (!isHost(host) || !/[.:]|^localhost$/.test(host))
    throw fault(`${path.join(".")} does not begin with a registry, such as registry.example/library`, path);
  return text;
}

async function hostSettings(
  value: unknown,
  path: readonly string[],
  file: string,
  fault: Fault,
): Promise<HostSettings> {
  let settings: HostSettings = {};
  for (const [key, item] of Object.entries(mapOf(value, path, fault))) {
    const here = [...path, key];
    if (key === "plainHttp" && typeof item === "boolean") settings = { ...settings, plainHttp: item };
    else if ((key === "address" || key === "login") && typeof item === "string") {
      if (!isHost(item)) throw fault(`${here.join(".")}: "${item}" is not a host`, here);
      settings = { ...settings, [key]: item };
    } else if (key === "ca" && typeof item === "string") {
      try {
        settings = { ...settings, ca: await readFile(resolve(dirname(file), item), "utf8") };
      } catch (error) {
        throw fault(`${here.join(".")}: ${item} cannot be read (${systemCode(error) ?? messageOf(error)})`, here);
      }
    } else throw fault(`${here.join(".")} is not a setting, or of the wrong type`, here);
  }
  if (settings.plainHttp === true && settings.ca !== undefined)
    throw fault(`${path.join(".")} has both plainHttp and ca`, path);
  return settings;
}

async function sectionOf(value: unknown, file: string, fault: Fault): Promise<RegistrySettings> {
  let settings: RegistrySettings = noSettings;
  for (const [key, item] of Object.entries(mapOf(value, ["registries"], fault))) {
    const path = ["registries", key];
    if (key === "default") settings = { ...settings, prefix: wholeName(item, path, fault) };
    else if (key === "short") {
      const names = Object.entries(mapOf(item, path, fault));
      const short = new Map(names.map(([name, whole]) => [name, wholeName(whole, [...path, name], fault)]));
      settings = { ...settings, short };
    } else if (key === "hosts") {
      const hosts = new Map<string, HostSettings>();
      for (const [name, one] of Object.entries(mapOf(item, path, fault))) {
        if (!isHost(name)) throw fault(`registries.hosts: "${name}" is not a host`, [...path, name]);
        hosts.set(name, await hostSettings(one, [...path, name], file, fault));
      }
      settings = { ...settings, hosts };
    } else throw fault(`registries.${key} is not a setting`, path);
  }
  return settings;
}

/** Reads the section; other sections belong to other rooms. Throws LS3203 with the place of what is not usable. */
export async function readRegistrySettings(host: Host): Promise<RegistrySettings> {
  const hint = "docs/registries.md has an example of the section";
  const read = await readSettings(host, "registries", { code: "LS3203", hint });
  return read === undefined ? noSettings : sectionOf(read.section, read.file, read.fault);
}
