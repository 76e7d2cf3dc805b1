/**
 * As much of the editor's API as its language client uses, so that the client itself runs in Node.
 * What features register is kept in `registered`; `open` is what a user does.
 */

import { pathToFileURL, fileURLToPath } from "node:url";

export const version = "1.91.0";

export class Disposable {
  constructor(private readonly end: () => void = () => undefined) {}
  static from(...all: { dispose(): unknown }[]): Disposable {
    return new Disposable(() => all.forEach((each) => each.dispose()));
  }
  dispose(): void {
    this.end();
  }
}

export class EventEmitter<T> {
  private readonly listeners = new Set<(value: T) => unknown>();
  readonly event = (listener: (value: T) => unknown, self?: unknown): Disposable => {
    const bound = self === undefined ? listener : listener.bind(self);
    this.listeners.add(bound);
    return new Disposable(() => this.listeners.delete(bound));
  };
  fire(value: T): void {
    this.listeners.forEach((each) => each(value));
  }
  dispose(): void {
    this.listeners.clear();
  }
}

export class CancellationTokenSource {
  private readonly emitter = new EventEmitter<void>();
  readonly token = {
    isCancellationRequested: false,
    onCancellationRequested: this.emitter.event,
  };
  cancel(): void {
    this.token.isCancellationRequested = true;
    this.emitter.fire();
  }
  dispose(): void {}
}

export class CancellationError extends Error {}

export class Uri {
  private constructor(
    readonly scheme: string,
    private readonly text: string,
  ) {}
  static parse(text: string): Uri {
    return new Uri(text.slice(0, text.indexOf(":")), text);
  }
  static file(path: string): Uri {
    return Uri.parse(pathToFileURL(path).toString());
  }
  get fsPath(): string {
    return fileURLToPath(this.text);
  }
  toString(): string {
    return this.text;
  }
}

export class Position {
  constructor(
    readonly line: number,
    readonly character: number,
  ) {}
}

export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(...at: [number, number, number, number] | [Position, Position]) {
    [this.start, this.end] =
      at.length === 2 ? at : [new Position(at[0], at[1]), new Position(at[2], at[3])];
  }
}

export class Diagnostic {
  source?: string;
  code?: unknown;
  constructor(
    readonly range: Range,
    readonly message: string,
    readonly severity: number,
  ) {}
}

export class CodeAction {
  edit?: WorkspaceEdit;
  constructor(
    readonly title: string,
    readonly kind: CodeActionKind,
  ) {}
}

export class CodeActionKind {
  static readonly Empty = new CodeActionKind("");
  static readonly QuickFix = new CodeActionKind("quickfix");
  static readonly Refactor = new CodeActionKind("refactor");
  static readonly RefactorExtract = new CodeActionKind("refactor.extract");
  static readonly RefactorInline = new CodeActionKind("refactor.inline");
  static readonly RefactorRewrite = new CodeActionKind("refactor.rewrite");
  static readonly Source = new CodeActionKind("source");
  static readonly SourceOrganizeImports = new CodeActionKind("source.organizeImports");
  constructor(readonly value: string) {}
  append(part: string): CodeActionKind {
    return new CodeActionKind(this.value === "" ? part : `${this.value}.${part}`);
  }
}

export class TextEdit {
  constructor(
    readonly range: Range,
    readonly newText: string,
  ) {}
}

interface Question {
  readonly label: string;
  readonly needsConfirmation: boolean;
}

export class WorkspaceEdit {
  readonly made: { uri: Uri; overwrite: boolean }[] = [];
  readonly questions: Question[] = [];
  private readonly edits = new Map<string, TextEdit[]>();
  replace(uri: Uri, range: Range, text: string, question?: Question): void {
    this.edits.set(uri.toString(), [...this.get(uri), new TextEdit(range, text)]);
    if (question !== undefined) {
      this.questions.push(question);
    }
  }
  set(uri: Uri, edits: TextEdit[]): void {
    this.edits.set(uri.toString(), edits);
  }
  get(uri: Uri): TextEdit[] {
    return this.edits.get(uri.toString()) ?? [];
  }
  createFile(uri: Uri, options: { overwrite?: boolean }): void {
    this.made.push({ uri, overwrite: options.overwrite ?? false });
  }
}

export class CodeLens {
  command?: { title: string };
  constructor(readonly range: Range) {}
}

export class MarkdownString {
  value = "";
  constructor(text = "") {
    this.value = text;
  }
  appendMarkdown(text: string): this {
    this.value += text;
    return this;
  }
  appendCodeblock(text: string): this {
    return this.appendMarkdown(text);
  }
}

export class Hover {
  constructor(readonly contents: MarkdownString) {}
}

export class TabInputText {
  constructor(readonly uri: Uri) {}
}
export class TabInputTextDiff {}
export class TabInputCustom {}
export class CompletionItem {}
export class DocumentLink {}
export class InlayHint {}
export class SymbolInformation {}
export class CallHierarchyItem {}
export class TypeHierarchyItem {}
export class SnippetString {}
export class RelativePattern {}
export class ThemeColor {}

export const DiagnosticSeverity = { Error: 0, Warning: 1, Information: 2, Hint: 3 };
export const DiagnosticTag = { Unnecessary: 1, Deprecated: 2 };
export const ProgressLocation = { SourceControl: 1, Window: 10, Notification: 15 };
export const CodeActionTriggerKind = { Invoke: 1, Automatic: 2 };
export const EndOfLine = { LF: 1, CRLF: 2 };
export const CompletionItemKind = {};
export const CompletionItemTag = {};
export const SymbolKind = {};
export const SymbolTag = {};

/** What the client has registered, by the name of the method that took it. */
export const registered = new Map<string, unknown[][]>();

function register(name: string): (...given: unknown[]) => Disposable {
  return (...given) => {
    registered.set(name, [...(registered.get(name) ?? []), given]);
    return new Disposable();
  };
}

/** Returns the provider that was registered for documents. */
export function provider<T>(name: string): T {
  const [given] = registered.get(name) ?? [];
  if (given === undefined) {
    throw new Error(`nobody called ${name}`);
  }
  return given[1] as T;
}

/** Diagnostics by document, as they stand. */
export const problems = new Map<string, Diagnostic[]>();
const problemsChanged = new EventEmitter<void>();

/** Waits until the diagnostics of a document are what is wanted. */
export async function shown(uri: Uri, fits: (found: Diagnostic[]) => boolean): Promise<Diagnostic[]> {
  for (;;) {
    const found = problems.get(uri.toString());
    if (found !== undefined && fits(found)) {
      return found;
    }
    await new Promise<void>((resolve) => {
      const heard = problemsChanged.event(() => (heard.dispose(), resolve()));
    });
  }
}

const collection = {
  set: (uri: Uri, found: Diagnostic[]) => {
    problems.set(uri.toString(), found ?? []);
    problemsChanged.fire();
  },
  delete: (uri: Uri) => problems.delete(uri.toString()),
  has: (uri: Uri) => problems.has(uri.toString()),
  clear: () => problems.clear(),
  dispose: () => undefined,
};

export const languages: Record<string, unknown> = new Proxy(
  {
    createDiagnosticCollection: () => collection,
    match: (selector: { language?: string }[] | { language?: string }, document: Document) =>
      [selector].flat().some((each) => each.language === document.languageId) ? 10 : 0,
  } as Record<string, unknown>,
  { get: (known, name: string) => known[name] ?? register(name) },
);

export const commands = { registerCommand: register("registerCommand") };
export const env = { language: "en", appName: "a test", openExternal: async () => true };

export class Document {
  version = 1;
  readonly languageId = "dockerfile";
  readonly isClosed = false;
  constructor(
    readonly uri: Uri,
    private text: string,
  ) {}
  getText(): string {
    return this.text;
  }
  /** Puts `text` at the end, and returns the change as the editor tells it. */
  append(text: string): object {
    const lines = this.text.split("\n");
    const end = new Position(lines.length - 1, lines.at(-1)?.length ?? 0);
    this.text += text;
    this.version += 1;
    return { range: new Range(end, end), rangeOffset: 0, rangeLength: 0, text };
  }
}

const opened = new EventEmitter<Document>();
const changed = new EventEmitter<object>();

const tabsChanged = new EventEmitter<object>();
const activeChanged = new EventEmitter<object>();

/** Opens a document in front of the user; the events come in the order of the editor's. */
export function open(document: Document): void {
  const tab = { input: new TabInputText(document.uri) };
  window.tabGroups.all = [{ tabs: [tab] }];
  tabsChanged.fire({ opened: [tab], closed: [], changed: [] });
  workspace.textDocuments.push(document);
  window.activeTextEditor = { document };
  activeChanged.fire(window.activeTextEditor);
  opened.fire(document);
}

/** Types at the end of a document. */
export function type(document: Document, text: string): void {
  changed.fire({ document, contentChanges: [document.append(text)], reason: undefined });
}

function never<T>(): EventEmitter<T>["event"] {
  return new EventEmitter<T>().event;
}

export const workspace = {
  textDocuments: [] as Document[],
  notebookDocuments: [],
  workspaceFolders: undefined,
  isTrusted: false,
  getConfiguration: () => ({ get: (_: string, otherwise: unknown) => otherwise }),
  createFileSystemWatcher: () => ({
    onDidCreate: never(),
    onDidChange: never(),
    onDidDelete: never(),
    dispose: () => undefined,
  }),
  applyEdit: async () => true,
  onDidOpenTextDocument: opened.event,
  onDidChangeTextDocument: changed.event,
  onDidCloseTextDocument: never(),
  onDidSaveTextDocument: never(),
  onWillSaveTextDocument: never(),
  onDidOpenNotebookDocument: never(),
  onDidChangeNotebookDocument: never(),
  onDidCloseNotebookDocument: never(),
  onDidSaveNotebookDocument: never(),
  onDidChangeConfiguration: never(),
  onDidChangeWorkspaceFolders: never(),
  onDidCreateFiles: never(),
  onDidRenameFiles: never(),
  onDidDeleteFiles: never(),
  onWillCreateFiles: never(),
  onWillRenameFiles: never(),
  onWillDeleteFiles: never(),
};

export const window = {
  activeTextEditor: undefined as { document: Document } | undefined,
  visibleTextEditors: [],
  visibleNotebookEditors: [],
  tabGroups: { all: [] as object[], onDidChangeTabs: tabsChanged.event },
  onDidChangeActiveTextEditor: activeChanged.event,
  onDidChangeVisibleNotebookEditors: never(),
  createOutputChannel: () => channel,
  showErrorMessage: async (message: string) => void said.push(message),
  showWarningMessage: async (message: string) => void said.push(message),
  showInformationMessage: async (message: string) => void said.push(message),
  showTextDocument: async () => undefined,
  withProgress: async (_: object, task: (report: object, token: object) => unknown) =>
    task({ report: () => undefined }, new CancellationTokenSource().token),
};

/** Messages that were put in front of the user. */
export const said: string[] = [];

/** What was written into output channels. */
export const output: string[] = [];

export const channel = {
  name: "dockopt",
  append: (text: string) => void output.push(text),
  appendLine: (text: string) => void output.push(`${text}\n`),
  show: () => undefined,
  dispose: () => undefined,
};
