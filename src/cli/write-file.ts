/** Files and folders that the commands make. */
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { errorMessage, UsageError } from '../base/errors.ts'

/** Writes a file; `flag` is what asked for it. @throws UsageError `ERR_SLUICE_OPTION` naming the flag, the path and the reason. */
export function writeFile(flag: string, path: string, content: string): void {
  attempt(flag, path, () => writeFileSync(path, content))
}

/** Makes a folder and those above it, where they are not there. @throws UsageError as {@link writeFile}. */
export function makeFolder(flag: string, path: string): void {
  attempt(flag, path, () => makeFolders(resolve(path)))
}

/** Without `recursive`: in a file system such as /proc, where nothing can be made, Node.js would try for ever. */
function makeFolders(path: string): void {
  if (existsSync(path) && statSync(path).isDirectory()) return
  const above = dirname(path)
  if (!existsSync(above)) makeFolders(above)
  mkdirSync(path)
}

function attempt(flag: string, path: string, make: () => void): void {
  try {
    make()
  } catch (error) {
    throw new UsageError('ERR_SLUICE_OPTION', `${flag} ${path}: ${errorMessage(error)}`, error)
  }
}
