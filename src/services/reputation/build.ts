/** From the bytes of a list to a table; what a thread does for large ones. */
import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { readList, type ListFormat } from './formats.ts'
import { RangeBuilder } from './range-builder.ts'
import type { FlatRanges } from './range-table.ts'

/** What to make of the bytes. */
export interface BuildRequest extends ListFormat {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** How bad an address is that a list without scores has, from 0 to 100. */
  readonly weight: number
  readonly maxEntries: number
  /** What the SHA-256 of the bytes must be, in hex. */
  readonly sha256: string | undefined
}

/** A list, as arrays that can go from one thread to another. */
export interface BuiltList {
  readonly v4: FlatRanges
  readonly v6: FlatRanges
  readonly entries: number
  /** How many things were no ranges, and the first of them. */
  readonly wrong: number
  readonly firstWrong: string | undefined
  /** Those of the request, back again. */
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** @throws Error that says why the list cannot be used. */
export function buildList(request: BuildRequest): BuiltList {
  const { bytes, weight, maxEntries } = request
  checkDigest(request)
  const builder = new RangeBuilder()
  let wrong = 0
  let firstWrong: string | undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  readList(text, request, {
    onRange: (range, badness) => {
      // Such a range says nothing about anybody; it is a mistake, or an attack on whoever reads the list.
      if (range.bits === 0) throw new Error('it lists all addresses (a range of /0)')
      if (builder.entries >= maxEntries)
        throw new Error(`it has more than ${maxEntries} entries (max_entries)`)
      builder.add(range, badness ?? weight)
    },
    onWrong: (where, what) => {
      wrong++
      firstWrong ??= `${where}: ${what}`
    },
  })
  return { ...builder.finish(), entries: builder.entries, wrong, firstWrong, bytes }
}

function checkDigest({ bytes, sha256 }: BuildRequest): void {
  if (sha256 === undefined) return
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found !== sha256.toLowerCase()) throw new Error(`its SHA-256 is ${found}`)
}

/** The buffers of a built list, which move to another thread without a copy. */
export function buffersOf({ v4, v6, bytes }: BuiltList): ArrayBuffer[] {
  const buffers = [v4, v6].flatMap(({ starts, bits, values, index }) => [
    starts.buffer,
    bits.buffer,
    values.buffer,
    index.buffer,
  ])
  return [...new Set([...buffers, bytes.buffer])]
}
