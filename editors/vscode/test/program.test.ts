/** Where the program is looked for. */

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { afterEach, beforeEach, test } from "node:test";

import { bundled, find, installed } from "../src/program";
import { verdict } from "../src/server";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "dockopt-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

function program(file: string, mode = 0o755): string {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, "#!/bin/sh\n");
  chmodSync(file, mode);
  return file;
}

test("a setting wins, and one that leads nowhere runs nothing else", async () => {
  program(path.join(folder, "bin", "dockopt"));
  const other = program(path.join(folder, "other"));
  const searched = path.join(folder, "bin");
  assert.deepEqual(await find(other, folder, searched), { program: other, by: "setting" });
  assert.equal(await find(path.join(folder, "gone"), folder, searched), undefined);
  assert.equal(await find(path.join(folder, "bin"), folder, searched), undefined);
});

test("an installation of the extension comes before PATH", async () => {
  const onPath = program(path.join(folder, "bin", "dockopt"));
  const searched = `${path.join(folder, "none")}${path.delimiter}${path.join(folder, "bin")}`;
  assert.deepEqual(await find("", folder, searched), { program: onPath, by: "PATH" });
  const own = program(installed(folder));
  assert.deepEqual(await find("", folder, searched), { program: own, by: "extension" });
});

test("what cannot be run and what lies in the workspace is no program", async () => {
  program(path.join(folder, "bin", "dockopt"), 0o644);
  assert.equal(await find("", folder, path.join(folder, "bin")), undefined);
  assert.equal(await find("", folder, `.${path.delimiter}bin`), undefined);
});

test("the wheel that comes along is found", async () => {
  assert.equal(await bundled(folder), undefined);
  const wheel = program(path.join(folder, "server", "dockopt-0.1.0-py3-none-any.whl"));
  assert.equal(await bundled(folder), wheel);
});

test("a verification is one sentence", () => {
  const judged = (code: number, ...said: string[]) => verdict({ code, report: [], said });
  assert.match(judged(0), /held/);
  assert.match(judged(0, "nothing to verify: no change is proposed"), /Nothing to verify/);
  assert.match(judged(1), /broke/);
  assert.match(judged(2, "Dockerfile:3:1: error: no"), /cannot be built: Dockerfile:3/);
  assert.match(judged(3, "no docker"), /no docker/);
});
