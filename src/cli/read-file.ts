/** Files that flags name. */
import { readFileSync } from 'node:fs'
import { errorMessage, UsageError } from '../base/errors.ts'

/** What is in it. @throws UsageError `ERR_SLUICE_OPTION` naming the flag, the path and the reason. */
export function readFile(flag: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new UsageError('ERR_SLUICE_OPTION', `${flag} ${path}: ${errorMessage(error)}`, error)
  }
}
