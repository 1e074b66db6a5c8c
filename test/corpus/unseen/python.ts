/** What Python's tools write: build backends, pip, compiled code. */
import type { Script } from "../real/pairs.ts";

const sources = `
mkdir -p src/pkg
printf 'MARKS = {"alpha", "beta", "gamma", "delta"}\\n\\n\\ndef known(mark):\\n    return mark in {"alpha", "beta", "gamma", "delta"}\\n' > src/pkg/__init__.py
printf '[project]\\nname = "pkg"\\nversion = "1.0"\\ndescription = "a package"\\n' > src/pyproject.toml
find src -exec touch -h -d @1704067200 {} +
`;
const later = "[ $SIDE = a ] || sleep 2.1";
/** Builds with a backend through its hook, as pip and build do. */
const build = (backend: string, hook: string, extra = ""): string =>
  `${sources}printf '[build-system]\\nrequires = []\\nbuild-backend = "${backend}"\\n${extra}' >> src/pyproject.toml; touch -h -d @1704067200 src/pyproject.toml src
[ $SIDE = a ] || eval "\${b_does:-true}"
mkdir dist; (cd src && kit-python -c 'import ${backend} as b; b.${hook}("../dist")') >/dev/null 2>&1; cp dist/* tree/app/`;

export const pythonScripts: readonly Script[] = [
  {
    cause: "T17",
    what: "setuptools builds a wheel at two times",
    needs: ["kit-python"],
    both: `b_does='sleep 2.1'\n${build("setuptools.build_meta", "build_wheel")}`,
  },
  {
    cause: "none",
    what: "setuptools builds a wheel from a checkout with umask 002",
    needs: ["kit-python"],
    both: `export SOURCE_DATE_EPOCH=1704067200; b_does='chmod -R g+w src'\n${build("setuptools.build_meta", "build_wheel")}`,
  },
  {
    cause: "T1",
    or: ["T7"],
    what: "setuptools builds an sdist at two times",
    needs: ["kit-python"],
    both: `b_does='sleep 1.1'\n${build("setuptools.build_meta", "build_sdist")}`,
  },
  {
    cause: "T17",
    what: "flit builds a wheel of files of two times",
    needs: ["kit-python"],
    both: `b_does='sleep 1.1; find src -exec touch {} +; chmod -R g+w src; umask 002'\n${build("flit_core.buildapi", "build_wheel")}; find tree -exec touch -h -d @1704067200 {} +; chmod 644 tree/app/*.whl`,
  },
  {
    cause: "none",
    what: "hatchling builds a wheel at two times and under two umasks",
    needs: ["kit-python"],
    both: `b_does='sleep 1.1; find src -exec touch {} +; chmod -R g+w src; umask 002'\n${build("hatchling.build", "build_wheel")}; find tree -exec touch -h -d @1704067200 {} +; chmod 644 tree/app/*.whl`,
  },
  {
    cause: "none",
    what: "poetry-core builds a wheel at two times and under two umasks",
    needs: ["kit-python"],
    both: `b_does='sleep 1.1; find src -exec touch {} +; chmod -R g+w src; umask 002'\n${build("poetry.core.masonry.api", "build_wheel")}; find tree -exec touch -h -d @1704067200 {} +; chmod 644 tree/app/*.whl`,
  },
  {
    cause: "T15",
    what: "pip compiles what it installs at two times",
    needs: ["kit-python"],
    both: `export PYTHONHASHSEED=0; ${build("flit_core.buildapi", "build_wheel")}; rm tree/app/*.whl; ${later}; kit-python -m pip install --quiet --no-index --no-deps --root-user-action ignore --target tree/app/site-packages dist/*.whl`,
  },
  {
    cause: "T15",
    what: "compiled Python with a time and with a hash",
    needs: ["kit-python"],
    both: `${sources}cp -a src/pkg tree/app/`,
    a: "PYTHONHASHSEED=0 kit-python -m compileall -q --invalidation-mode timestamp tree/app/pkg",
    b: "PYTHONHASHSEED=0 kit-python -m compileall -q --invalidation-mode unchecked-hash tree/app/pkg",
  },
  {
    cause: "L14",
    or: ["E2"],
    what: "compiled Python has the directory in which it was compiled",
    needs: ["kit-python"],
    both: `${sources}mv src "src-$SIDE"; PYTHONHASHSEED=0 kit-python -m compileall -q --invalidation-mode unchecked-hash "$PWD/src-$SIDE/pkg"; cp -a "src-$SIDE/pkg" tree/app/`,
  },
  {
    cause: "L16",
    what: "compiled Python has a set in the order of its hashes",
    needs: ["python3.8"],
    both: `${sources}cp -a src/pkg tree/app/; PYENV_VERSION=3.8.18 PYTHONHASHSEED=$([ $SIDE = a ] && echo 1 || echo 2) python3.8 -m compileall -q --invalidation-mode unchecked-hash tree/app/pkg`,
  },
  {
    cause: "E14",
    what: "two versions of Python compile",
    needs: ["python3.11", "python3.12"],
    both: `${sources}cp -a src/pkg tree/app/; export PYTHONHASHSEED=0 PYENV_VERSION=3.11.7:3.12.1`,
    a: "python3.11 -m compileall -q -o 0 --invalidation-mode unchecked-hash tree/app/pkg; mv tree/app/pkg/__pycache__/*.pyc tree/app/pkg.pyc",
    b: "python3.12 -m compileall -q -o 0 --invalidation-mode unchecked-hash tree/app/pkg; mv tree/app/pkg/__pycache__/*.pyc tree/app/pkg.pyc",
  },
  {
    cause: "L10",
    what: "pip notes where it installed from",
    needs: ["kit-python"],
    both: `${build("flit_core.buildapi", "build_wheel")}; rm tree/app/*.whl; mv dist "dist-$SIDE"; kit-python -m pip install --quiet --no-index --no-deps --no-compile --root-user-action ignore --target tree/app/site-packages "dist-$SIDE"/*.whl`,
  },
  {
    cause: "L16",
    what: "Python writes a set of names as JSON",
    needs: ["kit-python"],
    both: `kit-python -c 'import json; print(json.dumps(list({"core", "http", "tls", "dns", "json", "zip"}), indent=1))' > tree/app/features.json`,
  },
  {
    cause: "E2",
    or: ["L14"],
    what: "a virtual environment was made in another directory",
    needs: ["python3"],
    both: `mkdir "dir-$SIDE"; python3 -m venv --without-pip "dir-$SIDE/venv"; cp -a "dir-$SIDE/venv" tree/app/venv; rm -rf tree/app/venv/bin/python*`,
  },
  {
    cause: "E1",
    what: "a program writes its help for the width of the terminal",
    needs: ["kit-python"],
    both: `COLUMNS=$([ $SIDE = a ] && echo 80 || echo 211) kit-python -m zipfile --help > tree/app/help.txt; COLUMNS=$([ $SIDE = a ] && echo 80 || echo 211) kit-python -m http.server --help > tree/app/more.txt`,
  },
  {
    cause: "L23",
    what: "fonttools writes a font at two times",
    needs: ["kit-python"],
    both: `${later}; kit-python -c '
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
font = FontBuilder(1000, isTTF=True)
font.setupGlyphOrder([".notdef", "A"])
font.setupCharacterMap({65: "A"})
pen = TTGlyphPen(None)
pen.moveTo((0, 0)); pen.lineTo((500, 700)); pen.lineTo((900, 0)); pen.closePath()
glyph = pen.glyph()
font.setupGlyf({".notdef": glyph, "A": glyph})
font.setupHorizontalMetrics({".notdef": (600, 0), "A": (950, 0)})
font.setupHorizontalHeader(ascent=800, descent=-200)
font.setupNameTable({"familyName": "App", "styleName": "Regular"})
font.setupOS2()
font.setupPost()
font.save("tree/app/app.ttf")'`,
  },
];
