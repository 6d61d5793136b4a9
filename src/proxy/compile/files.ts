import { Buffer } from 'node:buffer'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Diagnostics, Place } from '../../config/index.ts'
import { errorMessage } from '../../base/errors.ts'

/** One character for each byte, so that text that is not ASCII leaves the proxy as it stands in the files. */
const encoding = 'latin1'

/**
 * Reads the files that a configuration names, relative to the working directory as HAProxy does. Names are latin1 text of the
 * bytes in the configuration.
 */
export class Files {
  readonly #cwd: string
  readonly #diagnostics: Diagnostics

  constructor(cwd: string, diagnostics: Diagnostics) {
    this.#cwd = cwd
    this.#diagnostics = diagnostics
  }

  /** The files of a `-f` argument: itself, or the `.cfg` files of a folder in the order of their names. */
  expand(path: string): string[] {
    // An empty variable of a script is no name of the working directory.
    if (path === '') return [path]
    const full = resolve(this.#cwd, path)
    try {
      if (!statSync(full).isDirectory()) return [path]
      const names = readdirSync(full).filter((name) => name.endsWith('.cfg') && !name.startsWith('.'))
      return names.sort().map((name) => join(path, name))
    } catch {
      // Reading it will say what is wrong.
      return [path]
    }
  }

  /** The text of a file; undefined after a complaint. */
  text(path: string, place: Place, what: string): string | undefined {
    return this.#read(path, { place, what }, (bytes) => bytes.toString(encoding))
  }

  /** The bytes of a file; undefined after a complaint. */
  bytes(path: string, place: Place, what: string): Buffer | undefined {
    return this.#read(path, { place, what }, (bytes) => bytes)
  }

  /** What `convert` makes of a file: a string cannot be as long as a file can. */
  #read<Result>(
    path: string,
    { place, what }: { readonly place: Place; readonly what: string },
    convert: (bytes: Buffer) => Result,
  ): Result | undefined {
    try {
      return convert(readFileSync(this.#resolve(path)))
    } catch (error) {
      const message = `the ${what} '${path}' cannot be read: ${errorMessage(error)}`
      this.#diagnostics.error('ERR_PROXY_FILE', place, message, `relative names begin in ${this.#cwd}`)
      return undefined
    }
  }

  /** The absolute path of a folder; undefined after a complaint. */
  folder(path: string, place: Place): string | undefined {
    const full = this.#resolve(path)
    let message = `'${path}' is not a folder`
    try {
      if (statSync(full).isDirectory()) return full
    } catch (error) {
      // Without the path, which the system's sentence repeats.
      message += `: ${(error as NodeJS.ErrnoException).code}`
    }
    this.#diagnostics.error('ERR_PROXY_FILE', place, message, `relative names begin in ${this.#cwd}`)
    return undefined
  }

  /** The bytes of a file whose absence somebody else complains about. */
  readonly optionalBytes = (path: string): Buffer | undefined => {
    try {
      return readFileSync(this.#resolve(path))
    } catch {
      return undefined
    }
  }

  #resolve(path: string): string {
    return resolve(this.#cwd, Buffer.from(path, encoding).toString('utf8'))
  }
}
