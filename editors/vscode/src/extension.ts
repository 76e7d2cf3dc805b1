/** dockopt in Visual Studio Code: starts the server and shows what it says. */

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import { State } from "vscode-languageclient/node";

import { bundled, find, install } from "./program";
import { configure, makeClient, pageOf, patchOf, Settings, trace, verdict, verify } from "./server";

const TRANSFORMS = [
  "ignore-noise",
  "copy-with-chmod",
  "copy-with-chown",
  "serve-static-with-nginx",
  "split-builder-stage",
  "swap-slim-base",
  "copy-manifests-first",
  "complete-manifests",
  "compile-standard-library-first",
  "order-by-volatility",
  "prune-in-own-stage",
  "join-apt-update",
  "drop-package-lists",
  "skip-recommended-packages",
  "mount-package-cache",
  "drop-unreachable-stage",
];

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const channel = vscode.window.createOutputChannel("dockopt");
  const status = vscode.window.createStatusBarItem("dockopt", vscode.StatusBarAlignment.Right);
  status.name = "dockopt";
  status.command = "dockopt.restart";
  const restart = () => start(context, channel, status);
  context.subscriptions.push(
    channel,
    status,
    vscode.commands.registerCommand("dockopt.restart", restart),
    vscode.commands.registerCommand("dockopt.showPatch", () => withEditor(showPatch)),
    vscode.commands.registerCommand("dockopt.verifyFile", () => withEditor(verifyFile)),
    vscode.commands.registerCommand("dockopt.showPage", showPage),
    vscode.workspace.onDidGrantWorkspaceTrust(reconfigure),
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration("dockopt.path")) {
        await restart();
      } else if (event.affectsConfiguration("dockopt")) {
        await reconfigure();
      }
    }),
  );
  await restart();
}

export async function deactivate(): Promise<void> {
  await client?.stop();
}

function settings(): Settings {
  const history = vscode.workspace.getConfiguration("dockopt").get("history", 500);
  return { trusted: vscode.workspace.isTrusted, history };
}

async function start(
  context: vscode.ExtensionContext,
  channel: vscode.OutputChannel,
  status: vscode.StatusBarItem,
): Promise<void> {
  await client?.dispose();
  client = undefined;
  const program = await programOf(context);
  if (program === undefined) {
    show(status, "$(warning) dockopt", "dockopt is not installed; click to look again");
    return;
  }
  client = makeClient(program, settings(), channel);
  client.onDidChangeState(({ newState }) => {
    const words = { [State.Running]: "runs", [State.Starting]: "starts", [State.Stopped]: "stopped" };
    const sign = newState === State.Stopped ? "$(error)" : "$(layers)";
    show(status, `${sign} dockopt`, `${program} ${words[newState]}; click to restart`);
  });
  await client.start();
  await trace(client, vscode.workspace.getConfiguration("dockopt").get("trace.server", "off"));
}

/** Finds the program, and offers to install it where it is missing. */
async function programOf(context: vscode.ExtensionContext): Promise<string | undefined> {
  const setting = vscode.workspace.getConfiguration("dockopt").get("path", "");
  const storage = context.globalStorageUri.fsPath;
  const found = await find(setting, storage, process.env["PATH"] ?? "");
  if (found !== undefined) {
    return found.program;
  }
  if (setting !== "") {
    await vscode.window.showErrorMessage(`dockopt.path is no program: ${setting}`);
    return undefined;
  }
  const wheel = await bundled(context.extensionPath);
  if (wheel === undefined) {
    await vscode.window.showErrorMessage("dockopt is not installed, and no copy of it came along.");
    return undefined;
  }
  const answer = await vscode.window.showInformationMessage(
    "dockopt is not installed. Install it with pip, into an environment of its own?",
    "Install",
  );
  if (answer !== "Install") {
    return undefined;
  }
  const progress = { location: vscode.ProgressLocation.Notification, title: "Installing dockopt" };
  try {
    return await vscode.window.withProgress(progress, () => install(storage, wheel));
  } catch (error) {
    await vscode.window.showErrorMessage(`dockopt cannot be installed: ${error}`);
    return undefined;
  }
}

function show(status: vscode.StatusBarItem, text: string, tooltip: string): void {
  status.text = text;
  status.tooltip = tooltip;
  status.show();
}

async function reconfigure(): Promise<void> {
  if (client?.isRunning()) {
    await configure(client, settings());
    await trace(client, vscode.workspace.getConfiguration("dockopt").get("trace.server", "off"));
  }
}

/** Does something with the Dockerfile in front of the user; what goes wrong is shown. */
async function withEditor(
  act: (client: LanguageClient, document: vscode.TextDocument) => Promise<void>,
): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  if (client === undefined || document === undefined) {
    await vscode.window.showWarningMessage("dockopt: open a Dockerfile first");
    return;
  }
  try {
    await act(client, document);
  } catch (error) {
    await vscode.window.showErrorMessage(`dockopt: ${(error as Error).message}`);
  }
}

async function showPatch(client: LanguageClient, document: vscode.TextDocument): Promise<void> {
  const patch = await patchOf(client, document.uri.toString());
  if (patch === "") {
    await vscode.window.showInformationMessage("dockopt has nothing to propose here.");
    return;
  }
  await showText(patch, "diff");
}

async function verifyFile(client: LanguageClient, document: vscode.TextDocument): Promise<void> {
  const judged = await verify(client, document.uri.toString());
  const report = "Show the Report";
  const answer = await (judged.code === 0
    ? vscode.window.showInformationMessage(verdict(judged), report)
    : vscode.window.showWarningMessage(verdict(judged), report));
  if (answer === report) {
    await showText(JSON.stringify(judged.report, undefined, 2), "json");
  }
}

async function showPage(): Promise<void> {
  const transform = await vscode.window.showQuickPick(TRANSFORMS);
  if (client !== undefined && transform !== undefined) {
    await showText(await pageOf(client, transform), "markdown");
  }
}

async function showText(content: string, language: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument({ content, language });
  await vscode.window.showTextDocument(document, { preview: true });
}
