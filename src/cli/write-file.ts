/** Files and folders that the commands make. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { errorMessage, UsageError } from '../base/errors.ts'

/** Writes a file; `flag` is what asked for it. @throws UsageError `ERR_SLUICE_OPTION` naming the flag, the path and the reason. */
export function writeFile(flag: string, path: string, content: string): void {
  attempt(flag, path, () => writeFileSync(path, content))
}

/** Makes a folder and those above it, where they are not there. @throws UsageError as {@link writeFile}. */
export function makeFolder(flag: string, path: string): void {
  attempt(flag, path, () => mkdirSync(path, { recursive: true }))
}

function attempt(flag: string, path: string, make: () => void): void {
  try {
    make()
  } catch (error) {
    throw new UsageError('ERR_SLUICE_OPTION', `${flag} ${path}: ${errorMessage(error)}`, error)
  }
}
