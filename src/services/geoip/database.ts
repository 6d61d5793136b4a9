/** One database: read whole, tried, and only then in place of the one before. */
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Reader } from 'mmdb-lib'
import { wallClock } from '../../base/clock.ts'
import { errorMessage } from '../../base/errors.ts'
import { watchFile } from '../../base/file-watch.ts'
import type { Logger } from '../../base/logger.ts'
import type { IpAddress } from '../../net/ip-address.ts'
import type { ServiceErrorCode } from '../errors.ts'
import { RecentMap } from '../frame/recent-map.ts'
import { loadPackage } from '../frame/optional-package.ts'
import type { DatabaseConfig } from './config.ts'
import { readFields, type GeoFields } from './fields.ts'

/** What a database needs beside its configuration. */
export interface DatabaseSurroundings {
  readonly folder: string
  readonly locale: string
  /** Addresses whose fields are kept. */
  readonly cache: number
  readonly watch: boolean
  readonly logger: Logger
}

type MmdbReader = Reader<Record<string, never>>

/** A database that was read and tried. */
interface Opened {
  readonly reader: MmdbReader
  /** Milliseconds since 1970. */
  readonly built: number
  /** A new database has a cache of its own. */
  readonly cache: RecentMap<string, GeoFields>
}

/** Nothing is known of it. */
const unknown: GeoFields = {}

/** So many addresses of each family are looked up in a database before it is used. */
const trials = 500

/** A database that is kept. */
export class GeoDatabase {
  readonly config: DatabaseConfig
  readonly #around: DatabaseSurroundings
  readonly #path: string
  #opened: Opened | undefined
  #trouble: string | undefined
  #watcher: { close(): void } | undefined
  #closed = false
  #turn: Promise<void> = Promise.resolve()
  #open: ((file: Buffer) => MmdbReader) | undefined

  constructor(config: DatabaseConfig, around: DatabaseSurroundings) {
    this.config = config
    this.#around = around
    this.#path = resolve(around.folder, config.path)
  }

  /** What is wrong, in words. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  get ready(): boolean {
    return this.#opened !== undefined
  }

  /** Seconds since 1970, of when it was made. */
  get epoch(): number {
    return Math.floor((this.#opened?.built ?? 0) / 1000)
  }

  get ageSeconds(): number | undefined {
    return this.#opened === undefined ? undefined : Math.max(0, (wallClock() - this.#opened.built) / 1000)
  }

  /** Reads it, and from then on whenever it changes. @throws ServiceError `ERR_SERVICE_PACKAGE`. */
  async start(): Promise<void> {
    const { Reader } = await loadPackage(() => import('mmdb-lib'), 'mmdb-lib', '3', 'geoip')
    this.#open = (file) => new Reader(file)
    await this.refresh()
    if (!this.#around.watch || this.#closed) return
    const tell = (err: unknown) =>
      this.#around.logger.warn({ database: this.config.path, err }, 'changes of the database are not noticed')
    this.#watcher = watchFile(this.#path, () => void this.refresh(), tell)
  }

  /** Reads it now. One after the other. */
  refresh(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#refresh())
    return this.#turn
  }

  async #refresh(): Promise<void> {
    const open = this.#open
    if (this.#closed || open === undefined) return
    const { path } = this.config
    try {
      const reader = open(await readFile(this.#path))
      tryOut(reader)
      const { buildEpoch, databaseType } = reader.metadata
      this.#opened = { reader, built: Number(buildEpoch), cache: new RecentMap(this.#around.cache) }
      this.#trouble = undefined
      this.#around.logger.info(
        { database: path, type: databaseType, built: buildEpoch.toISOString() },
        'database read',
      )
    } catch (error) {
      this.#trouble = errorMessage(error)
      const code: ServiceErrorCode = 'ERR_SERVICE_DATA'
      const kept = this.#opened === undefined ? 'there is none' : 'the old one is kept'
      this.#around.logger.warn({ database: path, code, err: error }, `database cannot be used, ${kept}`)
    }
  }

  /** What it says about an address, which must not be an IPv4-mapped one; nothing when it is not there. */
  find(address: IpAddress): GeoFields {
    const opened = this.#opened
    // Asked for an address of IPv6, a database of IPv4 takes its first 32 bits for one.
    if (opened === undefined || (address.family === 6 && opened.reader.metadata.ipVersion === 4))
      return unknown
    const text = address.toString()
    const before = opened.cache.get(text)
    if (before !== undefined) return before
    const record: unknown = opened.reader.get(text)
    const fields = record === null ? unknown : readFields(record, this.#around.locale)
    opened.cache.set(text, fields)
    return fields
  }

  close(): void {
    this.#closed = true
    this.#watcher?.close()
  }
}

/** A file that was cut, or is being written, may begin well. @throws Error that says what is wrong. */
function tryOut(reader: MmdbReader): void {
  const { recordSize, nodeCount, ipVersion } = reader.metadata
  if (![24, 28, 32].includes(recordSize) || !(nodeCount > 0)) throw new Error('its metadata make no sense')
  for (let count = 0; count < trials; count++) {
    // All over the address space, and not at random: the same file is always judged alike.
    const bits = (Math.imul(count, 0x9e37_79b1) >>> 0).toString(2).padStart(32, '0')
    const byte = (at: number) => Number.parseInt(bits.slice(at * 8, at * 8 + 8), 2)
    reader.get(`${byte(0)}.${byte(1)}.${byte(2)}.${byte(3)}`)
    if (ipVersion === 6)
      reader.get(
        `2${byte(0).toString(16).padStart(3, '0')}:${byte(1).toString(16)}:${byte(2).toString(16)}::${byte(3).toString(16)}`,
      )
  }
}
