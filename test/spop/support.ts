/** What the tests of this folder share. */
import { createReader, SpopError, Writer, type Reader } from 'sluice/spop'
import { parseHex } from '../support/hex.ts'

/** A reader over annotated hex. */
export const reading = (hex: string): Reader => createReader(parseHex(hex))

/** What `write` has written, as hex. */
export function written(write: (writer: Writer) => void): string {
  const writer = new Writer(1)
  write(writer)
  return writer.view().toString('hex')
}

/** The hex of annotated hex, to compare with. */
export const hex = (text: string): string => parseHex(text).toString('hex')

/** For assert.throws: a SpopError of that code, whose message matches. */
export function spopError(code: string, message?: RegExp, fault = 'peer') {
  return (error: unknown): boolean =>
    error instanceof SpopError &&
    error.code === code &&
    error.fault === fault &&
    (message === undefined || message.test(error.message))
}
