// The hand-written types, as strict projects see them; what they describe is run as well.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { installed } from "./harness/paths.mjs";
import { command, project } from "./harness/project.mjs";
import { server } from "./harness/server.mjs";

const STRICT = {
  target: "es2022",
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  skipLibCheck: false,
  outDir: "out",
};
const RESOLUTIONS = [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
];
const NODE = ["@types/node", "undici-types"];
const REACT = ["@types/react", "csstype"];

for (const resolution of RESOLUTIONS) {
  test(`tsc --strict, ${resolution.moduleResolution}: the whole API`, async (t) => {
    const lib = ["es2023", "esnext.disposable"];
    const compilerOptions = { ...STRICT, ...resolution, lib, types: ["node"] };
    const folder = await compiled(t, "whole-api.ts", compilerOptions, NODE);
    const provider = await server(t);
    const run = [join("out", "whole-api.js"), provider.url];
    assert.deepEqual(JSON.parse(await command(folder, process.execPath, run)), [
      "signedOut custom",
      "signedIn 3 custom",
      "prompt 3 true",
      "true 200 200 true",
      "signedOut custom",
      "revoked true",
      "not_signed_in undefined 2 AstropassError true",
      "redirect undefined",
      "signedOut",
    ]);
  });

  test(`tsc --strict, ${resolution.moduleResolution}: astropass/react`, async (t) => {
    const lib = ["es2023", "esnext.disposable", "dom"];
    const options = { ...STRICT, ...resolution, lib, types: [], jsx: "react-jsx" };
    await compiled(t, "whole-react.tsx", options, REACT);
  });
}

async function compiled(t, file, compilerOptions, packages) {
  const folder = await project(t, [file], packages);
  const config = JSON.stringify({ compilerOptions, files: [file] });
  await writeFile(join(folder, "tsconfig.json"), config);
  await command(folder, process.execPath, [join(installed("typescript"), "bin/tsc")]);
  return folder;
}
