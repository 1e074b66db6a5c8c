/** Encoders of gzip and zstd as they are in use, as oracles: programs of the machine, Go's libraries, Python's packages. */
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createHost } from "../../../pipeline/host/host.ts";
import type { Encoder } from "../../../pipeline/verify/encoder/recognised.ts";
import { hasProgram, run } from "../../support.ts";
import { toolsDirectory } from "../../tools.ts";

export interface Tool {
  readonly name: string;
  /** What the answer has to have among its candidates. */
  readonly encoder: Encoder;
  readonly levels: readonly number[];
  /** Whether encoding again proves it, so that over enough content the answer is certain. */
  readonly proven: boolean;
  /** Undefined where the tool is not to be had. */
  readonly encode?: (content: Buffer, level: number) => Buffer;
  readonly needs: string;
}

const host = createHost();

async function goProgram(
  name: string,
  source: string,
  toolchain: string,
  requires: readonly string[],
): Promise<string | undefined> {
  const bin = join(toolsDirectory, name);
  const program = join(bin, "program");
  if (existsSync(program)) return program;
  const scratch = `${bin}.${host.token(4)}`;
  const go = async (...args: readonly string[]): Promise<boolean> => {
    try {
      const env = { ...host.environment(), CGO_ENABLED: "0", GOTOOLCHAIN: toolchain };
      return (await host.run("go", args, { cwd: scratch, env })).code === 0;
    } catch {
      return false;
    }
  };
  try {
    await mkdir(scratch, { recursive: true });
    await writeFile(join(scratch, "main.go"), source);
    await writeFile(join(scratch, "go.mod"), "module encoder\n\ngo 1.21\n");
    for (const module of requires) if (!(await go("get", module))) return undefined;
    if (!(await go("build", "-o", "program", "."))) return undefined;
    await rm(join(scratch, "main.go"));
    await rename(scratch, bin);
    return program;
  } catch {
    return undefined;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

const goMain = (imports: string, make: string): string => `package main

import (
	"io"
	"os"
	"strconv"
${imports}
)

func main() {
	level, _ := strconv.Atoi(os.Args[1])
	var out io.WriteCloser
	${make}
	io.Copy(out, os.Stdin)
	out.Close()
}
`;

const goGzip = goMain('\t"compress/gzip"', "out, _ = gzip.NewWriterLevel(os.Stdout, level)");
const klauspost = "github.com/klauspost/compress@v1.20.4";

async function python(): Promise<string | undefined> {
  const home = join(toolsDirectory, "encoders-1");
  const program = join(home, "bin", "python3");
  if (existsSync(join(home, "complete"))) return program;
  const unfinished = `${home}.${host.token(4)}`;
  try {
    if ((await host.run("python3", ["-m", "venv", unfinished])).code !== 0) return undefined;
    await rm(home, { recursive: true, force: true });
    await rename(unfinished, home);
    const wanted = ["zlib-ng==1.1.0", "isal==1.9.1"];
    if ((await host.run(program, ["-m", "pip", "install", "--quiet", ...wanted])).code !== 0) return undefined;
    await writeFile(join(home, "complete"), "");
    return program;
  } catch {
    return undefined;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

/** Runs a program that reads content and writes it compressed. */
function filter(program: string | undefined, args: (level: number) => readonly string[]): Pick<Tool, "encode"> {
  if (program === undefined) return {};
  return {
    encode: (content, level) => {
      const { status, stdout, stderr } = run(program, args(level), { input: content });
      if (status !== 0) throw new Error(`${program} failed: ${stderr.toString()}`);
      return stdout;
    },
  };
}

const machine = (program: string, args: (level: number) => readonly string[]): Pick<Tool, "encode"> =>
  filter(hasProgram(program) ? program : undefined, args);

const pythonZlib =
  "import sys, zlib; c = zlib.compressobj(int(sys.argv[1]), wbits=31); d = sys.stdin.buffer.read(); sys.stdout.buffer.write(c.compress(d) + c.flush())";
const pythonModule = (module: string): string =>
  `import sys; from ${module} import ${module === "isal" ? "igzip as m" : "gzip_ng as m"}; sys.stdout.buffer.write(m.compress(sys.stdin.buffer.read(), int(sys.argv[1])))`;

/** All encoders; those of Go and Python are built or installed at the first use. */
export async function encodersOfTheWorld(): Promise<readonly Tool[]> {
  const [before, since, gzip, pgzip, zstd, venv] = await Promise.all([
    goProgram("encoder-go-1.26.0", goGzip, "go1.26.0", []),
    goProgram("encoder-go-1.27.0", goGzip, "go1.27.0", []),
    goProgram(
      "encoder-klauspost-1.20.4",
      goGzip.replace("compress/gzip", "github.com/klauspost/compress/gzip"),
      "local",
      [klauspost],
    ),
    goProgram(
      "encoder-pgzip-1.3.0",
      goGzip.replace("compress/gzip", "github.com/klauspost/pgzip").replace("gzip.New", "pgzip.New"),
      "local",
      [klauspost, "github.com/klauspost/pgzip@v1.3.0"],
    ),
    goProgram(
      "encoder-klauspost-zstd-1.20.4",
      goMain(
        '\t"github.com/klauspost/compress/zstd"',
        "out, _ = zstd.NewWriter(os.Stdout, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)))",
      ),
      "local",
      [klauspost],
    ),
    python(),
  ]);
  const level = (value: number): readonly string[] => [String(value)];
  const flag = (value: number): readonly string[] => [`-${value}`, "-c"];
  const some = [1, 3, 6, 9];
  return [
    {
      name: "Node's zlib",
      encoder: "node",
      levels: some,
      proven: true,
      needs: "",
      encode: (content, value) => gzipSync(content, { level: value }),
    },
    {
      name: "Python's zlib",
      encoder: "zlib",
      levels: some,
      proven: true,
      needs: "python3",
      ...machine("python3", (value) => ["-c", pythonZlib, String(value)]),
    },
    // Level 6 is also what BusyBox has.
    {
      name: "GNU gzip",
      encoder: "gnu-gzip",
      levels: [1, 2, 3, 4, 5, 7, 8, 9],
      proven: true,
      needs: "gzip",
      ...machine("gzip", (value) => ["-n", ...flag(value)]),
    },
    {
      name: "GNU gzip at its default",
      encoder: "gnu-gzip",
      levels: [6],
      proven: false,
      needs: "gzip",
      ...machine("gzip", (value) => ["-n", ...flag(value)]),
    },
    {
      name: "BusyBox",
      encoder: "busybox",
      levels: [6],
      proven: false,
      needs: "busybox",
      ...machine("busybox", () => ["gzip", "-c"]),
    },
    {
      name: "pigz",
      encoder: "pigz",
      levels: some,
      proven: true,
      needs: "pigz",
      ...machine("pigz", (value) => ["-n", ...flag(value)]),
    },
    {
      name: "pigz with one thread",
      encoder: "pigz",
      levels: [6],
      proven: true,
      needs: "pigz",
      ...machine("pigz", (value) => ["-n", "-p", "2", "-b", "256", ...flag(value)]),
    },
    {
      name: "libdeflate",
      encoder: "libdeflate",
      levels: [1, 2, 6, 12],
      proven: false,
      needs: "libdeflate-gzip",
      ...machine("libdeflate-gzip", flag),
    },
    { name: "igzip", encoder: "isal", levels: [0, 1, 2, 3], proven: false, needs: "igzip", ...machine("igzip", flag) },
    {
      name: "Go before 1.27",
      encoder: "go-before-1.27",
      levels: some,
      proven: false,
      needs: "go 1.26",
      ...filter(before, level),
    },
    {
      name: "Go since 1.27",
      encoder: "go-1.27",
      levels: some,
      proven: false,
      needs: "go 1.27",
      ...filter(since, level),
    },
    {
      name: "klauspost/compress",
      encoder: "klauspost",
      levels: some,
      proven: false,
      needs: "go",
      ...filter(gzip, level),
    },
    { name: "klauspost/pgzip", encoder: "pgzip", levels: some, proven: false, needs: "go", ...filter(pgzip, level) },
    {
      name: "zlib-ng",
      encoder: "zlib-ng",
      levels: some,
      proven: false,
      needs: "python3 with pip",
      ...filter(venv, (value) => ["-c", pythonModule("zlib_ng"), String(value)]),
    },
    {
      name: "Python's isal",
      encoder: "isal",
      levels: [0, 1, 2, 3],
      proven: false,
      needs: "python3 with pip",
      ...filter(venv, (value) => ["-c", pythonModule("isal"), String(value)]),
    },
    {
      name: "klauspost/compress for zstd",
      encoder: "klauspost-zstd",
      levels: [1, 3, 9, 19],
      proven: false,
      needs: "go",
      ...filter(zstd, level),
    },
    {
      name: "zstd",
      encoder: "libzstd",
      levels: [1, 3, 9, 19],
      proven: false,
      needs: "zstd",
      ...machine("zstd", (value) => ["-q", ...flag(value)]),
    },
  ];
}
