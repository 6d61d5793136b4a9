/** Strings of SPOP: a varint length and that many bytes. The bytes need not be UTF-8. */
import { Buffer } from 'node:buffer'
import type { Reader } from '../bytes/reader.ts'
import type { Writer } from '../bytes/writer.ts'
import { readVarint, writeVarint } from './varint.ts'

/** Reads a name or a text: UTF-8, with U+FFFD for what is not. */
export function readString(reader: Reader): string {
  return reader.utf8(readVarint(reader))
}

/** A view of the bytes of a string. */
export function readStringBytes(reader: Reader): Buffer {
  return reader.view(readVarint(reader))
}

/** Writes text as UTF-8. */
export function writeString(writer: Writer, text: string): void {
  const length = text.length
  if (length < 64 && writeAscii(writer, text, length)) return
  writeVarint(writer, Buffer.byteLength(text))
  writer.text(text)
}

/** Names are short and ASCII: writing them here is several times cheaper than a call into the runtime. */
function writeAscii(writer: Writer, text: string, length: number): boolean {
  const start = writer.reserve(length + 1)
  const bytes = writer.bytes
  bytes[start] = length
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index)
    if (code > 127) {
      writer.reset(start)
      return false
    }
    bytes[start + 1 + index] = code
  }
  return true
}

/** Writes bytes as they are, behind their length. */
export function writeStringBytes(writer: Writer, bytes: Uint8Array): void {
  writeVarint(writer, bytes.length)
  writer.copy(bytes)
}
