/** What JavaScript tools write: bundlers, compilers, npm. */
import type { Script } from "../real/pairs.ts";

const sources = `
mkdir -p app/src
printf 'import { add } from "./add.js";\\nimport { name } from "./name.js";\\nconsole.log(name, add(1, 2), globalThis.BUILT ?? "");\\n' > app/src/main.js
printf 'export const add = (a, b) => a + b;\\nexport const unused = 7;\\n' > app/src/add.js
printf 'export const name = "app";\\nexport function greet(who) {\\n  return "hello " + who;\\n}\\n' > app/src/name.js
printf '{"name":"app","version":"1.0.0","type":"module"}' > app/package.json
`;
const later = "[ $SIDE = a ] || sleep 1.1";
/** In a directory of another name for each side. */
const elsewhere = (command: string): string =>
  `${sources}mv app "app-$SIDE"; cd "app-$SIDE"; ${command}; cd ..; cp -r "app-$SIDE/dist" tree/app/dist`;
const here = (command: string): string => `${sources}${later}; cd app; ${command}; cd ..; cp -r app/dist tree/app/dist`;

export const bundleScripts: readonly Script[] = [
  {
    cause: "L8",
    what: "esbuild with the time in a banner",
    needs: ["esbuild"],
    both: here(
      'esbuild src/main.js --bundle --minify --log-level=error --banner:js="/*! built $(date -u +%Y-%m-%dT%H:%M:%SZ) */" --outfile=dist/main.js',
    ),
  },
  {
    cause: "L8",
    what: "esbuild with the time as a constant, minified",
    needs: ["esbuild"],
    both: here(
      'esbuild src/main.js --bundle --minify --log-level=error --define:globalThis.BUILT="$(date +%s)000" --outfile=dist/main.js',
    ),
  },
  {
    cause: "L8",
    what: "webpack for development in two directories",
    needs: ["webpack"],
    both: elsewhere(
      "webpack --mode development --devtool eval-source-map --output-devtool-module-filename-template '[absolute-resource-path]' --entry ./src/main.js >/dev/null",
    ),
  },
  {
    cause: "L8",
    what: "webpack hashes a constant with the time into names of chunks",
    needs: ["webpack"],
    both: here(
      'printf "import webpack from \\"$KIT/node_modules/webpack/lib/index.js\\"; export default { mode: \\"production\\", entry: \\"./src/main.js\\", output: { filename: \\"[name].[contenthash].js\\" }, plugins: [new webpack.DefinePlugin({ \\"globalThis.BUILT\\": Date.now() })] };" > webpack.config.mjs; webpack >/dev/null',
    ),
  },
  {
    cause: "L8",
    what: "rollup takes an id of the build into a banner",
    needs: ["rollup"],
    both: here(
      'rollup src/main.js --silent --format es --banner "/* build $(cat /proc/sys/kernel/random/uuid) */" --file dist/main.js',
    ),
  },
  {
    cause: "L9",
    what: "the TypeScript compiler is given the directory as root of sources",
    needs: ["tsc"],
    both: elsewhere(
      'printf "export const f = (a: number): number => a + 1;\\n" > src/f.ts; tsc --target es2022 --module es2022 --outDir dist --rootDir src --sourceMap --sourceRoot "$PWD/src" src/f.ts',
    ),
  },
  {
    cause: "L9",
    what: "rollup writes source maps inline, relative to another directory",
    needs: ["rollup"],
    both: `${sources}mv app "app-$SIDE"; rollup "app-$SIDE/src/main.js" --silent --format es --sourcemap inline --file tree/app/dist/main.js`,
  },
  {
    cause: "L9",
    what: "terser writes a source map with the path of the input",
    needs: ["terser"],
    both: elsewhere(
      'mkdir dist; terser "$PWD/src/name.js" --module --compress --mangle --source-map "filename=name.js,url=name.js.map" --output dist/name.js',
    ),
  },
  {
    cause: "L3",
    or: ["S24"],
    what: "webpack leaves its cache in node_modules",
    needs: ["webpack"],
    both: `${sources}${later}; cd app; webpack --mode production --entry ./src/main.js --cache-type filesystem >/dev/null; cd ..; mkdir -p tree/app/node_modules; cp -r app/node_modules/.cache tree/app/node_modules/`,
  },
  {
    cause: "none",
    what: "npm packs the same files at two times and under two umasks",
    needs: ["npm"],
    both: `${sources}[ $SIDE = a ] || { chmod -R g+w app; find app -exec touch {} +; umask 002; }; (cd app && npm pack --silent --offline >/dev/null); mv app/app-1.0.0.tgz out`,
  },
  {
    cause: "L2",
    what: "npm installs in directories of two names",
    needs: ["npm"],
    both: `mkdir dep "app-$SIDE"; printf '{"name":"dep","version":"1.0.0"}' > dep/package.json; (cd dep && npm pack --silent >/dev/null); printf '{"version":"1.0.0","dependencies":{"dep":"file:../dep/dep-1.0.0.tgz"}}' > "app-$SIDE/package.json"; (cd "app-$SIDE" && npm install --silent --offline --no-audit --no-fund --no-update-notifier --cache ../cache >/dev/null); cp -r "app-$SIDE/node_modules" tree/app/`,
  },
  {
    cause: "L3",
    what: "npm leaves its cache and logs",
    needs: ["npm"],
    both: `${later}; mkdir dep; printf '{"name":"dep","version":"1.0.0"}' > dep/package.json; (cd dep && npm pack --silent >/dev/null); printf '{"name":"app","version":"1.0.0","dependencies":{"dep":"file:../../dep/dep-1.0.0.tgz"}}' > tree/app/package.json; (cd tree/app && npm install --silent --offline --no-audit --no-fund --no-update-notifier --cache ../root/.npm >/dev/null); tar -C tree --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mtime=@1704067200 -cf out .`,
  },
  {
    cause: "L1",
    what: "npm install finds a newer version of a dependency",
    needs: ["npm"],
    both: `mkdir dep; v=1.0.0; [ $SIDE = a ] || v=1.1.0; printf '{"name":"dep","version":"%s"}' $v > dep/package.json; printf 'module.exports = "%s";\\n' $v > dep/index.js; (cd dep && npm pack --silent >/dev/null && mv dep-*.tgz dep.tgz); printf '{"name":"app","version":"1.0.0","dependencies":{"dep":"file:../../dep/dep.tgz"}}' > tree/app/package.json; (cd tree/app && npm install --silent --offline --no-audit --no-fund --no-update-notifier --cache ../../cache >/dev/null)`,
  },
  {
    cause: "V1",
    or: ["V2"],
    what: "npm writes an SBOM in CycloneDX",
    needs: ["npm"],
    both: `${sources}${later}; (cd app && npm install --silent --offline --no-audit --no-fund --cache ../cache >/dev/null; npm sbom --sbom-format cyclonedx --offline --cache ../cache > ../tree/app/bom.json)`,
  },
  {
    cause: "V1",
    or: ["V2"],
    what: "npm writes an SBOM in SPDX",
    needs: ["npm"],
    both: `${sources}${later}; (cd app && npm install --silent --offline --no-audit --no-fund --cache ../cache >/dev/null; npm sbom --sbom-format spdx --offline --cache ../cache > ../tree/app/sbom.spdx.json)`,
  },
  {
    cause: "L21",
    what: "Node writes a date in the language of the machine",
    needs: ["node"],
    both: `[ $SIDE = a ] && export LC_ALL=en_US.UTF-8 || export LC_ALL=de_DE.UTF-8; node -e 'const d = new Date(1704067200000); console.log(JSON.stringify({ released: d.toLocaleDateString(undefined, { dateStyle: "full", timeZone: "UTC" }), size: (1234567.891).toLocaleString() }))' > tree/app/release.json`,
  },
  {
    cause: "L22",
    what: "an asset is compressed with brotli at two levels",
    needs: ["brotli"],
    both: "brotli -q $([ $SIDE = a ] && echo 5 || echo 11) -o tree/app/numbers.txt.br tree/app/lib/numbers.txt",
  },
  {
    cause: "L22",
    what: "an asset is compressed with gzip and with zopfli",
    needs: ["gzip", "zopfli"],
    a: "gzip -n -9 -c tree/app/lib/numbers.txt > tree/app/numbers.txt.gz",
    b: "zopfli -c tree/app/lib/numbers.txt > tree/app/numbers.txt.gz",
  },
];
