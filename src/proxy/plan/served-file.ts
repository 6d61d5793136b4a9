/** A file that answers a request, opened: whoever is given it closes it. */
import type { FileHandle } from 'node:fs/promises'

/** See the head of this file. */
export interface ServedFile {
  readonly handle: FileHandle
  /** In bytes. */
  readonly size: number
  /** When it was changed last, in milliseconds since 1970. */
  readonly changed: number
  /** Undefined: nobody knows what is in it. */
  readonly contentType: string | undefined
}
