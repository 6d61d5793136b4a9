/** `--pcap FILE`: what was inspected, as a capture. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { errorMessage, UsageError } from '../base/errors.ts'
import { PcapWriter } from '../inspect/capture/pcap-writer.ts'
import type { Entry, Side } from '../inspect/entry.ts'
import { note } from './output.ts'

/** A file that packets are written to as they come: it can be read at any time. */
export class PcapFile {
  readonly #path: string
  readonly #file: number
  readonly #writer: PcapWriter
  #begun = false
  #lost = false

  /** @throws UsageError `ERR_SLUICE_OPTION` when it cannot be written. */
  constructor(path: string) {
    this.#path = path
    try {
      // It may hold secrets, or what is left of them.
      this.#file = openSync(path, 'w', 0o600)
      this.#writer = new PcapWriter((bytes) => this.#write(bytes))
      this.#begun = true
    } catch (error) {
      throw new UsageError('ERR_SLUICE_OPTION', `--pcap ${path}: ${errorMessage(error)}`, error)
    }
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

  /** A disk that is full costs the capture, and not the connections that pass here. */
  #write(bytes: Buffer): void {
    if (this.#lost) return
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(this.#file, bytes, at)
    } catch (error) {
      if (!this.#begun) throw error
      this.#lost = true
      note(`--pcap ${this.#path}: the capture ends here: ${errorMessage(error)}`)
    }
  }

  close(): void {
    closeSync(this.#file)
  }
}
