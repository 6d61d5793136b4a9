/** `--pcap FILE`: what was inspected, as a capture. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { errorMessage, UsageError } from '../base/errors.ts'
import { PcapWriter } from '../inspect/capture/pcap-writer.ts'
import type { Entry, Side } from '../inspect/entry.ts'

/** A file that packets are written to as they come: it can be read at any time. */
export class PcapFile {
  readonly #file: number
  readonly #writer: PcapWriter

  /** @throws UsageError `ERR_SLUICE_OPTION` when it cannot be written. */
  constructor(path: string) {
    try {
      // It may hold secrets, or what is left of them.
      this.#file = openSync(path, 'w', 0o600)
    } catch (error) {
      throw new UsageError('ERR_SLUICE_OPTION', `--pcap ${path}: ${errorMessage(error)}`, error)
    }
    this.#writer = new PcapWriter((bytes) => writeSync(this.#file, bytes))
  }

  /** Beginnings and ends of connections. */
  onEntry(entry: Entry): void {
    if (entry.kind === 'open') this.#writer.open(entry.connection, entry.client, entry.server, entry.time)
    if (entry.kind === 'end') this.#writer.end(entry.connection, entry.from, entry.how, entry.time)
  }

  /** Bytes of a side. */
  onBytes(connection: number, from: Side, bytes: Buffer, time: number): void {
    this.#writer.data(connection, from, bytes, time)
  }

  close(): void {
    closeSync(this.#file)
  }
}
