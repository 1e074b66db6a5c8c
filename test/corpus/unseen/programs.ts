/** What compilers and linkers write: C, Go, Rust. */
import type { Script } from "../real/pairs.ts";

const later = "[ $SIDE = a ] || sleep 1.1";
const c = `
printf '#include <assert.h>\\nint f(int x) { assert(x > 0); return x + 1; }\\n' > f.c
printf 'int g(int x) { return x * 3; }\\n' > g.c
printf '#include <stdio.h>\\nint f(int), g(int);\\nint main(int n, char **v) { (void)v; double s = 0; for (int i = 0; i < n * 64; i++) s += f(i + 1) * 0.5 + g(i); printf("%%f\\\\n", s); return 0; }\\n' > m.c
`;
const go = `
mkdir -p project
printf 'package main\\n\\nimport "os"\\n\\nvar built, version string\\n\\nfunc main() {\\n\\tif len(os.Args) > 9 {\\n\\t\\tpanic(built)\\n\\t}\\n\\tprintln("hi", built, version)\\n}\\n' > project/main.go
printf 'module example/app\\n\\ngo 1.21\\n' > project/go.mod
export CGO_ENABLED=0 GOFLAGS=-mod=mod GOCACHE="$KIT/go-cache" GOTOOLCHAIN=\${GOTOOLCHAIN:-local}
`;
const commit = (message: string): string =>
  `git init -q project; git -C project add -A; GIT_AUTHOR_DATE='1704067200 +0000' GIT_COMMITTER_DATE='1704067200 +0000' git -C project -c user.name=a -c user.email=a@mail.example commit -qm "${message}"`;
const rust = `
mkdir -p app/src dep/src
printf '[package]\\nname = "app"\\nversion = "1.0.0"\\nedition = "2021"\\n[dependencies]\\ndep = { path = "../dep" }\\n[profile.release]\\nincremental = false\\n' > app/Cargo.toml
printf 'fn main() {\\n    let v: Vec<String> = std::env::args().collect();\\n    println!("{}", dep::pick(&v, v.len()));\\n}\\n' > app/src/main.rs
printf '[package]\\nname = "dep"\\nversion = "1.0.0"\\nedition = "2021"\\n' > dep/Cargo.toml
printf 'pub fn pick(list: &[String], at: usize) -> &str {\\n    &list[at]\\n}\\n\\npub fn twice(x: i64) -> i64 {\\n    x * 2\\n}\\n' > dep/src/lib.rs
cargob() { (cd "$1" && cargo build --quiet --offline --release); }
`;

export const programScripts: readonly Script[] = [
  {
    cause: "L14",
    what: "assert takes the path of the source that cmake names",
    needs: ["gcc"],
    both: `${c}mkdir "dir-$SIDE"; mv ./*.c "dir-$SIDE"; gcc -O2 -o tree/app/m -Wl,--build-id=none "$PWD/dir-$SIDE/m.c" "$PWD/dir-$SIDE/f.c" "$PWD/dir-$SIDE/g.c"`,
  },
  {
    cause: "L14",
    or: ["L15"],
    what: "a stripped shared library that was linked in another directory",
    needs: ["gcc", "strip"],
    both: `${c}mkdir "dir-$SIDE"; mv ./*.c "dir-$SIDE"; cd "dir-$SIDE"; gcc -g -O2 -fPIC -shared -o ../tree/app/libf.so "$PWD/f.c" g.c; cd ..; strip --strip-debug tree/app/libf.so`,
  },
  {
    cause: "L15",
    what: "ld makes a build id by chance",
    needs: ["gcc"],
    both: `${c}gcc -O2 -o tree/app/m -Wl,--build-id=uuid m.c f.c g.c`,
  },
  {
    cause: "E10",
    what: "gcc names sections of objects for link-time optimisation by chance",
    needs: ["gcc", "gcc-ar"],
    both: `${c}gcc -O2 -flto -ffat-lto-objects -c f.c g.c; gcc-ar rcD tree/app/libf.a f.o g.o`,
  },
  {
    cause: "L19",
    what: "gcc compiles for the processor of the machine",
    needs: ["gcc"],
    both: `${c}gcc -O3 -march=$([ $SIDE = a ] && echo x86-64 || echo x86-64-v3) -o tree/app/m -Wl,--build-id=none m.c f.c g.c`,
  },
  {
    cause: "O1",
    or: ["L16"],
    what: "objects are linked in the order of the directory",
    needs: ["gcc"],
    both: `${c}gcc -O2 -c m.c f.c g.c; gcc -o tree/app/m -Wl,--build-id=none $([ $SIDE = a ] && echo m.o f.o g.o || echo g.o m.o f.o)`,
  },
  {
    cause: "O1",
    or: ["L16"],
    what: "a static library has its objects in the order of the directory",
    needs: ["gcc", "ar"],
    both: `${c}gcc -O2 -c f.c g.c m.c; ar rcD tree/app/libf.a $([ $SIDE = a ] && echo f.o g.o m.o || echo m.o g.o f.o)`,
  },
  {
    cause: "E14",
    what: "two versions of gcc",
    needs: ["gcc-11", "gcc-12"],
    both: `${c}gcc-$([ $SIDE = a ] && echo 11 || echo 12) -O2 -o tree/app/m -Wl,--build-id=none m.c f.c g.c`,
  },
  {
    cause: "T14",
    what: "a header that make writes has the time of the build",
    needs: ["gcc"],
    both: `${later}; ${c}printf '#define BUILT "%s"\\n' "$(date -u '+%Y-%m-%d %H:%M:%S')" > built.h; printf '#include <stdio.h>\\n#include "built.h"\\nint main(void) { puts("app 1.0, built " BUILT); return 0; }\\n' > v.c; gcc -O2 -s -o tree/app/m -Wl,--build-id=none v.c`,
    or: ["T11"],
  },
  {
    cause: "L11",
    what: "Go with and without -trimpath",
    needs: ["go"],
    both: `${go}(cd project && go build -buildvcs=false $([ $SIDE = a ] || echo -trimpath) -o ../tree/app/m .)`,
  },
  {
    cause: "L11",
    what: "Go stamps the commit of the checkout",
    needs: ["go", "git"],
    both: `${go}${commit("change $SIDE")}; (cd project && go build -trimpath -o ../tree/app/m .)`,
  },
  {
    cause: "T14",
    or: ["T11"],
    what: "Go's linker is given the time of the build as a variable",
    needs: ["go"],
    both: `${later}; ${go}(cd project && go build -trimpath -buildvcs=false -ldflags "-s -w -X main.built=$(date -u +%Y-%m-%dT%H:%M:%SZ)" -o ../tree/app/m .)`,
  },
  {
    cause: "E14",
    what: "two versions of Go",
    needs: ["go"],
    both: `export GOTOOLCHAIN=$([ $SIDE = a ] && echo go1.26.0 || echo go1.27.0)\n${go}(cd project && go build -trimpath -buildvcs=false -o ../tree/app/m .)`,
  },
  {
    cause: "L12",
    or: ["L14"],
    what: "cargo builds in two directories, with a dependency beside",
    needs: ["cargo"],
    both: `${rust}mkdir "dir-$SIDE"; mv app dep "dir-$SIDE"; cargob "dir-$SIDE/app"; cp "dir-$SIDE/app/target/release/app" tree/app/m`,
  },
  {
    cause: "L12",
    what: "cargo with another number of units",
    needs: ["cargo"],
    both: `${rust}export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=$([ $SIDE = a ] && echo 1 || echo 16) CARGO_PROFILE_RELEASE_OPT_LEVEL=1; cargob app; cp app/target/release/app tree/app/m`,
  },
  {
    cause: "T14",
    or: ["T11"],
    what: "a build script of cargo takes the time",
    needs: ["cargo"],
    both: `${later}; ${rust}printf 'fn main() {\\n    let t = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();\\n    println!("cargo:rustc-env=BUILT={}", t);\\n}\\n' > app/build.rs; sed -i 's/^    println.*$/    println!("{} {}", env!("BUILT"), v.len());/' app/src/main.rs; export CARGO_PROFILE_RELEASE_STRIP=true; cargob app; cp app/target/release/app tree/app/m`,
  },
];
