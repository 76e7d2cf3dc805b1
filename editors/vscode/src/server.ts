/** The client of one server: what it is told, and what it may be asked. */

import type * as vscode from "vscode";
import {
  ExecuteCommandRequest,
  LanguageClient,
  LanguageClientOptions,
  ServerOptions,
  Trace,
} from "vscode-languageclient/node";

/** What the server's user has set; `trusted` is the editor's word, not a setting of the workspace. */
export interface Settings {
  readonly trusted: boolean;
  readonly history: number;
}

/** What `dockopt.verify` answers. */
export interface Judged {
  readonly code: number;
  readonly report: unknown;
  readonly said: readonly string[];
}

/** Returns the client that runs `program`; it is not started yet. */
export function makeClient(
  program: string,
  settings: Settings,
  channel: vscode.OutputChannel,
): LanguageClient {
  const server: ServerOptions = { command: program, args: ["lsp"] };
  const options: LanguageClientOptions = {
    // Ignore files are told as they are typed: changes may add lines to them.
    documentSelector: [
      { scheme: "file", language: "dockerfile" },
      { scheme: "untitled", language: "dockerfile" },
      { scheme: "file", pattern: "**/{.dockerignore,*.dockerignore}" },
    ],
    initializationOptions: settings,
    outputChannel: channel,
  };
  return new LanguageClient("dockopt", "dockopt", server, options);
}

/** Tells the server what has changed in the settings. */
export async function configure(client: LanguageClient, settings: Settings): Promise<void> {
  await client.sendNotification("workspace/didChangeConfiguration", {
    settings: { dockopt: settings },
  });
}

export async function trace(client: LanguageClient, value: string): Promise<void> {
  await client.setTrace(Trace.fromString(value));
}

/** Returns the patch of all changes in a document, "" where there are none. */
export async function patchOf(client: LanguageClient, uri: string): Promise<string> {
  return (await ask(client, "dockopt.patch", { uri })) as string;
}

/** Returns the page of a transform. */
export async function pageOf(client: LanguageClient, transform: string): Promise<string> {
  return (await ask(client, "dockopt.page", { transform })) as string;
}

/** Has a saved document built before and after its changes. Rejects where that is not allowed. */
export async function verify(client: LanguageClient, uri: string): Promise<Judged> {
  return (await ask(client, "dockopt.verify", { uri })) as Judged;
}

/** Returns what is to be said of a verification in one sentence. */
export function verdict(judged: Judged): string {
  const said = judged.said.filter((line) => line !== "");
  switch (judged.code) {
    case 0:
      return said.some((line) => line.startsWith("nothing to verify"))
        ? "Nothing to verify: no change is proposed."
        : "Every promise held in real builds.";
    case 1:
      return "A promise broke in a real build; the report says which.";
    case 2:
      return `The original cannot be built: ${said.at(-1) ?? "no reason was given"}`;
    default:
      return `No build could tell: ${said.join(" ") || "no reason was given"}`;
  }
}

async function ask(client: LanguageClient, command: string, argument: object): Promise<unknown> {
  return client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [argument] });
}
