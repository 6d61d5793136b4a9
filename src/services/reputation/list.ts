/** One list: gets it, judges whether it may replace the one before, and keeps it fresh. */
import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { longestTimer, wallClock } from '../../base/clock.ts'
import { errorMessage } from '../../base/errors.ts'
import { watchFile } from '../../base/file-watch.ts'
import type { Logger } from '../../base/logger.ts'
import type { ServiceErrorCode } from '../errors.ts'
import { buildAside } from './build-aside.ts'
import type { ListConfig } from './config.ts'
import type { DiskCache } from './disk-cache.ts'
import { download, type Version } from './download.ts'
import { RangeTable } from './range-table.ts'

/** A list that can be asked. */
export interface LoadedList {
  readonly table: RangeTable
  /** Milliseconds since 1970: when the file was written, or the list was fetched and found unchanged last. */
  readonly time: number
  readonly version: Version
}

/** After a failure it is tried again so soon, in milliseconds, and twice as late each time. */
const firstRetry = 15_000
/** Of a list that is not strict, at most so large a share of the lines may be no ranges. */
const mostWrong = 0.5

/** What a list needs beside its configuration. */
export interface ListSurroundings {
  readonly folder: string
  readonly cache: DiskCache | undefined
  /** Milliseconds: older copies, of lists that come over HTTP, are not used. */
  readonly maxAge: number
  readonly logger: Logger
}

/** A list that is kept. */
export class ReputationList {
  readonly config: ListConfig
  /** Says whether another configuration means the same list. */
  readonly fingerprint: string
  readonly #around: ListSurroundings
  readonly #ending = new AbortController()
  #loaded: LoadedList | undefined
  #trouble: string | undefined
  #failures = 0
  /** Of the file that was read. It is looked at now and then, too: not every folder can be watched. */
  #stamp = ''
  #timer: NodeJS.Timeout | undefined
  #watcher: { close(): void } | undefined
  #turn: Promise<void> = Promise.resolve()

  constructor(config: ListConfig, around: ListSurroundings) {
    this.config = config
    this.fingerprint = JSON.stringify(config)
    this.#around = around
  }

  /** What is asked now; undefined when there is nothing, or it is too old. */
  get loaded(): LoadedList | undefined {
    const list = this.#loaded
    if (list === undefined || this.config.url === undefined) return list
    return wallClock() - list.time > this.#around.maxAge ? undefined : list
  }

  /** What is wrong, in words. */
  get trouble(): string | undefined {
    return this.#trouble ?? (this.#loaded !== undefined && this.loaded === undefined ? 'too old' : undefined)
  }

  /** Seconds until it is asked for anew; 0 for a file, which is watched. */
  get freshFor(): number {
    return this.config.url === undefined ? 0 : Math.round(this.config.refresh / 1000)
  }

  /** Takes what the list of an earlier configuration has, or gets it. Resolves when there is a list, or none can be had now. */
  async start(before: LoadedList | undefined): Promise<void> {
    const { url, file } = this.config
    this.#loaded = before
    if (url === undefined) {
      await this.refresh()
      this.#watch(resolve(this.#around.folder, file ?? ''))
      return
    }
    if (this.#loaded === undefined) await this.#readCache(url)
    const { loaded } = this
    // A copy answers at once; whether there is a newer one is found out meanwhile.
    if (loaded === undefined) await this.refresh()
    else this.#schedule(Math.max(0, this.config.refresh - Math.max(0, wallClock() - loaded.time)))
  }

  /** Gets it now. One after the other. */
  refresh(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#refresh())
    return this.#turn
  }

  async #refresh(): Promise<void> {
    if (this.#ending.signal.aborted) return
    const { url, name, refresh } = this.config
    try {
      if (url === undefined) await this.#readFile()
      else await this.#fetch(url)
      this.#trouble = undefined
      this.#failures = 0
    } catch (error) {
      if (this.#ending.signal.aborted) return
      this.#trouble = errorMessage(error)
      this.#failures++
      const kept = this.#loaded === undefined ? 'there is none' : 'the old one is kept'
      const code: ServiceErrorCode = 'ERR_SERVICE_DATA'
      this.#around.logger.warn({ list: name, code, err: error }, `list cannot be used, ${kept}`)
    }
    this.#schedule(this.#failures === 0 ? refresh : Math.min(refresh, firstRetry * 2 ** (this.#failures - 1)))
  }

  #schedule(delay: number): void {
    clearTimeout(this.#timer)
    if (this.#ending.signal.aborted) return
    const spread = 1 + this.config.jitter * (Math.random() * 2 - 1)
    this.#timer = setTimeout(() => void this.refresh(), Math.min(delay * spread, longestTimer)).unref()
  }

  #watch(path: string): void {
    if (this.#ending.signal.aborted) return
    const { logger } = this.#around
    const tell = (error: unknown) =>
      logger.warn({ list: this.config.name, err: error }, 'changes of the list are not noticed')
    this.#watcher = watchFile(path, () => void this.refresh(), tell)
  }

  async #readFile(): Promise<void> {
    const path = resolve(this.#around.folder, this.config.file ?? '')
    const { mtimeMs, size, ino } = await stat(path)
    const stamp = `${mtimeMs} ${size} ${ino}`
    if (stamp === this.#stamp && this.#failures === 0) return
    if (size > this.config.max_bytes)
      throw new Error(`it is larger than ${this.config.max_bytes} bytes (max_bytes)`)
    await this.#take(await readWhole(path), { time: mtimeMs, version: {} })
    this.#stamp = stamp
  }

  async #readCache(url: string): Promise<void> {
    const { name } = this.config
    const copy = await this.#around.cache?.read(name, url)
    if (copy === undefined || wallClock() - copy.fetchedAt > this.#around.maxAge) return
    // Of a clock that was ahead: it would be fresh for as long as that.
    const time = Math.min(copy.fetchedAt, wallClock())
    try {
      await this.#take(copy.bytes, { time, version: copy.version })
    } catch (error) {
      this.#around.logger.warn({ list: name, err: error }, 'the copy of a list cannot be used')
    }
  }

  async #fetch(url: string): Promise<void> {
    const { name, headers, timeout, max_bytes: maxBytes } = this.config
    const { signal } = this.#ending
    const got = await download({ url, headers, timeout, maxBytes, have: this.#loaded?.version, signal })
    const time = wallClock()
    if (got === undefined) {
      if (this.#loaded !== undefined) this.#loaded = { ...this.#loaded, time }
      await this.#around.cache?.touch(name, url, time)
      return
    }
    const bytes = await this.#take(got.bytes, { time, version: got.version })
    await this.#keep(url, { bytes, version: got.version, fetchedAt: time })
  }

  async #keep(url: string, copy: Parameters<DiskCache['write']>[2]): Promise<void> {
    try {
      await this.#around.cache?.write(this.config.name, url, copy)
    } catch (error) {
      this.#around.logger.warn({ list: this.config.name, err: error }, 'the copy of a list cannot be written')
    }
  }

  /** Makes a table and lets it answer from now on. Returns the bytes. */
  async #take(
    bytes: Uint8Array<ArrayBuffer>,
    about: Omit<LoadedList, 'table'>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { name, weight, max_entries: maxEntries, sha256, format, column, delimiter, pointer } = this.config
    const built = await buildAside({ bytes, weight, maxEntries, sha256, format, column, delimiter, pointer })
    this.#judge(built)
    this.#loaded = { table: new RangeTable(built.v4, built.v6, built.entries), ...about }
    this.#around.logger.info({ list: name, entries: built.entries }, 'list read')
    if (built.wrong > 0) {
      this.#around.logger.warn(
        { list: name, wrong: built.wrong, first: built.firstWrong },
        'a list has lines that are no ranges: left out',
      )
    }
    return built.bytes
  }

  /** @throws Error when the list must not replace the one that is there. */
  #judge({
    entries,
    wrong,
    firstWrong,
  }: {
    entries: number
    wrong: number
    firstWrong: string | undefined
  }): void {
    const { strict = this.config.url === undefined, min_entries: least, max_shrink: shrink } = this.config
    if (wrong > 0 && (strict || wrong > (entries + wrong) * mostWrong))
      throw new Error(`${firstWrong ?? ''}${wrong > 1 ? `, and ${wrong - 1} more` : ''}`)
    if (entries < least) throw new Error(`it has ${entries} entries, and min_entries is ${least}`)
    const before = this.#loaded?.table.entries ?? 0
    if (entries < before * (1 - shrink))
      throw new Error(
        `it has shrunk from ${before} to ${entries} entries, which is more than max_shrink allows`,
      )
  }

  /** Ends timer, watcher and a download that is under way. */
  close(): void {
    this.#ending.abort()
    clearTimeout(this.#timer)
    this.#watcher?.close()
  }
}

/** Into memory of its own, which can move to a thread: small files would else lie in a pool. */
async function readWhole(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const file = await readFile(path)
  return isWhole(file) ? file : new Uint8Array(file)
}

function isWhole(file: Buffer): file is Buffer<ArrayBuffer> {
  return file.byteOffset === 0 && file.byteLength === file.buffer.byteLength
}
