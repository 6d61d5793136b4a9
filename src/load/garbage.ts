/** What is no frame, in the ways in which peers get it wrong. */
import { Buffer } from 'node:buffer'
import type { Random } from './random.ts'

const http = Buffer.from('GET / HTTP/1.1\r\nHost: agent\r\n\r\n')
/** A NOTIFY whose message says that it has 200 arguments, and has none. */
const truncated = Buffer.from('0000000c0300000001010101 6dc8'.replace(' ', ''), 'hex')
/** A frame of a type that only agents send. */
const wrongWay = Buffer.from('0000000767000000010101', 'hex')

/** A function that answers each time with the next kind. */
export function createGarbage(random: Random): () => Buffer {
  let count = 0
  return () => {
    switch (count++ % 4) {
      case 0:
        return http
      case 1:
        return lengthPatched(truncated)
      case 2:
        return wrongWay
      default:
        // The high bit of the length is set: no agent waits for two gigabytes.
        return Buffer.from(Array.from({ length: 64 }, (_, at) => random.between(at === 0 ? 128 : 0, 255)))
    }
  }
}

function lengthPatched(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt32BE(copy.length - 4)
  return copy
}
