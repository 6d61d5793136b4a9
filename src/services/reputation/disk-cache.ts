/** The last good copy of each list that came over HTTP, so that a start without the network has data. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Version } from './download.ts'

/** A copy. */
export interface CachedList {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly version: Version
  /** Milliseconds since 1970. */
  readonly fetchedAt: number
}

interface Head {
  readonly url: string
  readonly size: number
  readonly fetchedAt: number
  readonly version: Version
}

/** A folder with two files for each list. */
export class DiskCache {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The copy of a list, when there is one of that address. A half-written one is none. */
  async read(name: string, url: string): Promise<CachedList | undefined> {
    try {
      const head = JSON.parse(await readFile(this.#path(name, 'json'), 'utf8')) as Head
      const file = await readFile(this.#path(name, 'list'))
      if (head.url !== url || head.size !== file.length || !Number.isFinite(head.fetchedAt)) return undefined
      return { bytes: new Uint8Array(file), version: head.version ?? {}, fetchedAt: head.fetchedAt }
    } catch {
      return undefined
    }
  }

  /** Keeps a copy. A reader sees the old one or the new one. */
  async write(name: string, url: string, { bytes, version, fetchedAt }: CachedList): Promise<void> {
    await mkdir(this.#folder, { recursive: true })
    const head: Head = { url, size: bytes.length, fetchedAt, version }
    await this.#replace(this.#path(name, 'list'), bytes)
    await this.#replace(this.#path(name, 'json'), JSON.stringify(head))
  }

  /** Says that the copy is still the newest. */
  async touch(name: string, url: string, fetchedAt: number): Promise<void> {
    try {
      const head = JSON.parse(await readFile(this.#path(name, 'json'), 'utf8')) as Head
      if (head.url === url)
        await this.#replace(this.#path(name, 'json'), JSON.stringify({ ...head, fetchedAt }))
    } catch {
      // The next whole answer writes it anew.
    }
  }

  async #replace(path: string, content: Uint8Array | string): Promise<void> {
    const fresh = `${path}.${process.pid}.new`
    await writeFile(fresh, content)
    await rename(fresh, path)
  }

  #path(name: string, kind: 'list' | 'json'): string {
    return join(this.#folder, `${name}.${kind}`)
  }
}
