/** Where the `dockopt` program is, and how it gets there. Nothing here needs an editor. */

import { execFile } from "node:child_process";
import { constants, promises as fs } from "node:fs";
import * as path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** What Python has to be able to run for dockopt to be installed. */
const PYTHONS = process.platform === "win32" ? ["py", "python"] : ["python3", "python"];

/** Says where a program was found, and who said so. */
export interface Found {
  readonly program: string;
  readonly by: "setting" | "extension" | "PATH";
}

/** The folder in which an installation of our own lies, below the extension's storage. */
export function environment(storage: string): string {
  return path.join(storage, "environment");
}

/** The program of our own installation. */
export function installed(storage: string): string {
  const folder = process.platform === "win32" ? "Scripts" : "bin";
  return path.join(environment(storage), folder, programName());
}

/**
 * Finds the program: what the user set, else the installation of this extension, else `PATH`.
 * A setting that leads nowhere is no reason to run another program.
 */
export async function find(
  setting: string,
  storage: string,
  searched: string,
): Promise<Found | undefined> {
  if (setting !== "") {
    return (await isProgram(setting)) ? { program: setting, by: "setting" } : undefined;
  }
  if (await isProgram(installed(storage))) {
    return { program: installed(storage), by: "extension" };
  }
  // A relative folder would be one of the workspace.
  const folders = searched.split(path.delimiter).filter((each) => path.isAbsolute(each));
  for (const folder of folders) {
    const program = path.join(folder, programName());
    if (await isProgram(program)) {
      return { program, by: "PATH" };
    }
  }
  return undefined;
}

/** Returns the wheel that comes with an extension, undefined where there is none. */
export async function bundled(extension: string): Promise<string | undefined> {
  const folder = path.join(extension, "server");
  const names = await fs.readdir(folder).catch(() => []);
  const wheel = names.find((name) => name.endsWith(".whl"));
  return wheel === undefined ? undefined : path.join(folder, wheel);
}

/**
 * Installs dockopt into an environment of its own below `storage` and returns the program.
 * `wheel` is dockopt itself; what it needs comes from where pip gets everything. Rejects with
 * what pip said.
 */
export async function install(storage: string, wheel: string): Promise<string> {
  await fs.mkdir(storage, { recursive: true });
  const python = await findPython();
  const folder = environment(storage);
  await run(python, ["-m", "venv", "--clear", folder], { cwd: storage });
  const own = path.join(path.dirname(installed(storage)), path.basename(python));
  // The folder of the workspace is no place for modules: pip runs in the storage.
  await run(own, ["-m", "pip", "install", "--quiet", wheel], { cwd: storage });
  return installed(storage);
}

async function findPython(): Promise<string> {
  for (const name of PYTHONS) {
    try {
      await run(name, ["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]);
      return name;
    } catch {
      continue;
    }
  }
  throw new Error("dockopt needs Python 3.11 or newer");
}

function programName(): string {
  return process.platform === "win32" ? "dockopt.exe" : "dockopt";
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await fs.access(file, constants.X_OK);
    return (await fs.stat(file)).isFile();
  } catch {
    return false;
  }
}
