/** The client of the extension against the real server: what a user of the editor gets. */

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";
import { after, before, test } from "node:test";
import type { LanguageClient } from "vscode-languageclient/node";

import { configure, makeClient, pageOf, patchOf, verify } from "../src/server";
import * as editor from "./vscode";

const ROOT = path.resolve(__dirname, "..", "..", "..", "..");
const PROGRAM = process.env["DOCKOPT"] ?? path.join(ROOT, ".venv", "bin", "dockopt");
const CASE = path.join(ROOT, "fixtures/cases/copy-manifests-first/npm-ci-below-copy-everything");
const FIXED = readFileSync(path.join(CASE, "after", "Dockerfile"), "utf8");

type Provide<T> = (document: editor.Document, ...more: unknown[]) => Promise<T>;

let folder: string;
let client: LanguageClient;
let document: editor.Document;
const token = new editor.CancellationTokenSource().token;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "dockopt-"));
  cpSync(path.join(CASE, "before"), folder, { recursive: true });
  client = makeClient(PROGRAM, { trusted: false, history: 500 }, editor.channel as never);
  await client.start();
  const file = path.join(folder, "Dockerfile");
  document = new editor.Document(editor.Uri.file(file), readFileSync(file, "utf8"));
  editor.open(document);
});

after(async () => {
  await client.stop();
  rmSync(folder, { recursive: true });
});

function isOffer(found: editor.Diagnostic): boolean {
  return found.severity === editor.DiagnosticSeverity.Information;
}

function applied(text: string, edits: editor.TextEdit[]): string {
  const lines = text.split("\n");
  const offset = (at: editor.Position) =>
    lines.slice(0, at.line).reduce((sum, line) => sum + line.length + 1, 0) + at.character;
  const last = [...edits].sort((a, b) => offset(b.range.start) - offset(a.range.start));
  return last.reduce(
    (now, edit) =>
      now.slice(0, offset(edit.range.start)) + edit.newText + now.slice(offset(edit.range.end)),
    text,
  );
}

test("a quick fix makes the golden file", async () => {
  const [offer] = (await editor.shown(document.uri, (found) => found.some(isOffer))).filter(isOffer);
  assert.ok(offer);
  assert.match(offer.message, /npm ci/);
  const actions = editor.provider<{
    provideCodeActions: Provide<editor.CodeAction[]>;
    resolveCodeAction(action: editor.CodeAction, token: object): Promise<editor.CodeAction>;
  }>("registerCodeActionsProvider");
  const context = { diagnostics: [offer], only: undefined, triggerKind: 1 };
  const found = await actions.provideCodeActions(document, offer.range, context, token);
  const fix = found.find((each) => each.kind.value === "quickfix.dockopt.copy-manifests-first");
  assert.ok(fix);
  assert.equal(fix.edit, undefined);
  const { edit } = await actions.resolveCodeAction(fix, token);
  assert.ok(edit);
  assert.equal(applied(document.getText(), edit.get(document.uri)), FIXED);
  assert.deepEqual(edit.questions, []);
});

test("steps have lenses and hovers", async () => {
  const lenses = editor.provider<{ provideCodeLenses: Provide<editor.CodeLens[]> }>(
    "registerCodeLensProvider",
  );
  const found = await lenses.provideCodeLenses(document, token);
  assert.match(found.at(-1)?.command?.title ?? "", /^rebuilds on \d+ of \d+ .*commits/);
  const hovers = editor.provider<{ provideHover: Provide<editor.Hover> }>("registerHoverProvider");
  const line = document.getText().split("\n").indexOf("RUN npm ci");
  const hover = await hovers.provideHover(document, new editor.Position(line, 0), token);
  assert.match(JSON.stringify(hover), /Cache key/);
});

test("the patch and the pages are given", async () => {
  assert.match(await patchOf(client, document.uri.toString()), /^diff --git /);
  assert.match(await pageOf(client, "copy-manifests-first"), /What it does/);
});

test("nothing is built before the workspace is trusted", async () => {
  await assert.rejects(verify(client, document.uri.toString()), /not trusted/);
  await configure(client, { trusted: true, history: 500 });
  editor.type(document, "# not saved\n");
  await assert.rejects(verify(client, document.uri.toString()), /save the file first/);
});

test("what is typed is looked at", async () => {
  editor.type(document, "FORM a\n");
  const isError = (each: editor.Diagnostic) => each.severity === editor.DiagnosticSeverity.Error;
  const found = await editor.shown(document.uri, (all) => all.some(isError));
  assert.match(found.find(isError)?.message ?? "", /FORM/i);
});
