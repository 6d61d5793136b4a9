/** The files below a root, as far as it takes to find the script of a request. Paths have one character per byte. */
import { Buffer } from 'node:buffer'
import { stat } from 'node:fs/promises'

/** What there is at a path. */
export type FileKind = 'file' | 'folder' | 'none'

/** Looks at files below a root. */
export interface ScriptFiles {
  kind(path: string): Promise<FileKind>
}

/** Those of a folder on this machine. Symbolic links are followed: what is below the root is trusted. */
export function scriptFilesOf(root: string): ScriptFiles {
  const prefix = Buffer.from(root)
  return {
    async kind(path) {
      try {
        const found = await stat(Buffer.concat([prefix, Buffer.from(path, 'latin1')]))
        return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'none'
      } catch {
        // Not there, or nothing that may be looked at: the next thing is tried, as by nginx.
        return 'none'
      }
    },
  }
}
