/**
 * Frames as text: plain hexadecimal, and the dumps of xxd, hexdump -C, od and Wireshark. A line that begins with `>` is
 * the client's, one with `<` the server's, as `sluice probe --verbose` prints them; without either, each frame says by its
 * type who sent it.
 */
import { Buffer } from 'node:buffer'
import { UsageError } from '../../base/errors.ts'
import type { Side } from '../entry.ts'

/** Bytes of one side, or of whoever sends such frames. */
export interface HexPiece {
  readonly from: Side | undefined
  readonly bytes: Buffer
}

/** An offset, and bytes behind it up to two blanks or a bar. */
const dump = /^(?:0x)?[0-9a-f]{4,8}(?::\s+|\s{2,})((?:[0-9a-f]{2,}[ -]?)+)(?:\s{1,}.*)?$/i
/** Words that tell of the end of a connection in our own transcripts. */
const ends = /^(?:FIN|RST|E[A-Z]+)$/

/**
 * Reads text. Empty lines and what stands behind `#` do not count.
 * @throws UsageError `ERR_SLUICE_OPTION` naming the line that is no hexadecimal.
 */
export function readHexText(text: string): HexPiece[] {
  const pieces: HexPiece[] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const piece = readLine(line, index + 1)
    if (piece !== undefined) pieces.push(piece)
  }
  return pieces
}

function readLine(line: string, number: number): HexPiece | undefined {
  const content = line.replace(/#.*$/, '').trim()
  const mark = /^([<>])\s*(.*)$/.exec(content)
  const rest = mark?.[2] ?? content
  if (rest === '' || (mark !== null && ends.test(rest))) return undefined
  const digits = (dump.exec(rest)?.[1] ?? rest).replace(/[\s:,-]|0x/g, '')
  if (!/^(?:[0-9a-f]{2})+$/i.test(digits)) {
    throw new UsageError(
      'ERR_SLUICE_OPTION',
      `line ${number} is no hexadecimal: '${line
        .trim()
        .slice(0, 60)
        .replace(/[^\x20-\x7e]/g, '.')}'`,
    )
  }
  const from = mark === null ? undefined : mark[1] === '>' ? 'client' : 'server'
  return { from, bytes: Buffer.from(digits, 'hex') }
}
