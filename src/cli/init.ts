/** `sluice init FOLDER`: a project with an agent of one's own, made from the files of starter/. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorMessage, UsageError } from '../base/errors.ts'
import { print } from './output.ts'
import { packageSource } from './package-source.ts'
import { makeFolder, writeFile } from './write-file.ts'

/** Options of `sluice init`. */
export interface InitOptions {
  /** What the agent is called. @default the name of the folder */
  readonly name?: string
  /** What the project's package.json says where sluice comes from. @default where this one came from */
  readonly from?: string
}

const starter = fileURLToPath(new URL('../../starter', import.meta.url))

/** As npm, HAProxy, systemd and Docker all take it; a variable's name has 63 characters, and the prefix is a part of it. */
const nameForm = /^(?=.{1,32}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/

/**
 * Writes the project, and says what to do next. Resolves to the exit code.
 * @throws UsageError `ERR_SLUICE_OPTION` for a name that will not do, and a folder that has something in it.
 */
export function initCommand(folder: string, options: InitOptions, version: string): number {
  if (folder === '') throw new UsageError('ERR_SLUICE_OPTION', "'' is no folder: name one that is new")
  const target = resolve(folder)
  const name = checkName(options.name ?? basename(target))
  requireEmpty(target, folder)
  const fill = (text: string): string =>
    text
      .replaceAll('my-agent', name)
      .replaceAll('my_agent', name.replaceAll('-', '_'))
      .replaceAll('"SLUICE"', JSON.stringify(options.from ?? packageSource(dirname(starter), version)))
  for (const path of starterFiles()) {
    const text = fill(readFileSync(join(starter, path), 'utf8'))
    const written = join(target, fill(unhide(path)))
    makeFolder('init', dirname(written))
    writeFile('init', written, text)
  }
  print(`${name} is in ${folder}. Next:

  cd ${folder}
  npm install
  npm test
  npm start         # and in another terminal:
  npm run proxy     # http://127.0.0.1:8080

README.md there says the rest.`)
  return 0
}

/** The paths below starter/. */
function starterFiles(): string[] {
  return readdirSync(starter, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(starter.length + 1))
}

/**
 * npm leaves a `.gitignore` out of a package, and a `package.json` or `tsconfig.json` in a folder would be taken for that
 * folder's: in starter/ they have another name.
 */
function unhide(path: string): string {
  return path.replace(/^_(?=\w+ignore$)/, '.').replace(/^_/, '')
}

function checkName(name: string): string {
  if (nameForm.test(name) && name !== 'sluice') return name
  throw new UsageError(
    'ERR_SLUICE_OPTION',
    `'${name}' cannot be the agent's name: use small letters, digits and single hyphens, 32 at most, a letter first, and not 'sluice' (--name NAME)`,
  )
}

/** A repository that was just made may be there. */
function requireEmpty(target: string, folder: string): void {
  let found: string[]
  try {
    found = readdirSync(target)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw new UsageError('ERR_SLUICE_OPTION', `${folder}: ${errorMessage(error)}`, error)
  }
  const [first] = found.filter((each) => each !== '.git')
  if (first === undefined) return
  throw new UsageError(
    'ERR_SLUICE_OPTION',
    `${folder} is not empty (${first}): nothing was written; name a folder that is new`,
  )
}
