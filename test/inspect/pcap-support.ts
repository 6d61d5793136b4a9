/** Captured conversations as captures for Wireshark, made by our writer; tshark judges them. */
import { PcapWriter } from '#src/inspect/capture/pcap-writer.js'
import { epoch, type Step } from './support.ts'

/** The steps as a file. */
export function pcapOf(
  steps: readonly Step[],
  client = '127.0.0.1:40000',
  server = '127.0.0.1:12345',
): Buffer {
  const pieces: Buffer[] = []
  const writer = new PcapWriter((bytes) => pieces.push(bytes))
  const open = new Set<number>()
  for (const { from, what, at, connection = 1 } of steps) {
    const time = epoch + at
    if (!open.has(connection)) {
      const port = Number(/\d+$/.exec(client)?.[0]) + connection
      writer.open(connection, client.replace(/\d+$/, String(port)), server, time)
      open.add(connection)
    }
    if (typeof what === 'string') writer.end(connection, from, what, time)
    else writer.data(connection, from, what, time)
  }
  return Buffer.concat(pieces)
}
