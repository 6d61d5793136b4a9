/**
 * Finds which of many texts another one is, begins with or ends with, at the cost of a hash probe for each length in use.
 *
 * Hashes are made character by character, so the one of every beginning (or end) is there on the way to the longest.
 */
import { lowerAscii } from '../http-text.ts'
import { HashChains } from './hash-chains.ts'
import { TextStore } from './text-store.ts'

/** From where hashes are made, and with it which part of a text is looked for. */
export type Side = 'beginning' | 'end'

/** Any odd number with its bits mixed well. */
const multiplier = 0x01000193

export class TextTable {
  readonly #texts: TextStore
  readonly #fromEnd: boolean
  readonly #ignoreCase: boolean
  #chains = new HashChains(0)
  /** Shortest first. */
  #lengths: readonly number[] = []
  #filed = 0

  constructor(side: Side, ignoreCase: boolean) {
    this.#texts = new TextStore(ignoreCase)
    this.#fromEnd = side === 'end'
    this.#ignoreCase = ignoreCase
  }

  /** Adds what stands from `start` to `end` of `bytes`: its number is how many were added before. */
  add(bytes: Uint8Array, start: number, end: number): void {
    this.#texts.add(bytes, start, end)
  }

  /** Files what was added; else the first search does. */
  prepare(): void {
    const { size } = this.#texts
    if (size === this.#filed) return
    this.#filed = size
    this.#chains = new HashChains(size)
    const lengths = new Set<number>()
    let last = -1
    // Of equal texts the one that was added first begins the chain.
    for (let number = size - 1; number >= 0; number--) {
      const length = this.#texts.endOf(number) - this.#texts.startOf(number)
      if (length !== last) lengths.add(length)
      last = length
      this.#chains.add(number, this.#hashOf(number))
    }
    this.#lengths = [...lengths].sort((a, b) => a - b)
  }

  /** The number of the first text that is this one, or -1. */
  whole(given: string): number {
    this.prepare()
    return this.#lengths.includes(given.length) ? this.#find(given, given.length, false) : -1
  }

  /** The number of the longest text that this one has at the side, or -1. */
  longest(given: string): number {
    this.prepare()
    return this.#find(given, 0, false)
  }

  /** The lowest number of a text that this one has at the side, or -1. */
  first(given: string): number {
    this.prepare()
    return this.#find(given, 0, true)
  }

  /** Of the texts that are no shorter than `shortest`. */
  #find(given: string, shortest: number, lowest: boolean): number {
    const text = this.#ignoreCase ? lowerAscii(given) : given
    const step = this.#fromEnd ? -1 : 1
    let at = this.#fromEnd ? text.length - 1 : 0
    let found = -1
    let hash = 0
    let hashed = 0
    for (const length of this.#lengths) {
      if (length > text.length) break
      for (; hashed < length; hashed++, at += step)
        hash = (Math.imul(hash, multiplier) + text.charCodeAt(at)) | 0
      if (length < shortest) continue
      const number = this.#probe(hash, text, length)
      if (number >= 0 && (found < 0 || !lowest || number < found)) found = number
    }
    return found
  }

  #probe(hash: number, text: string, length: number): number {
    const at = this.#fromEnd ? text.length - length : 0
    let number = this.#chains.first(hash)
    while (number >= 0 && !this.#is(number, text, at, length)) number = this.#chains.after(number)
    return number
  }

  #is(number: number, text: string, at: number, length: number): boolean {
    return (
      this.#texts.endOf(number) - this.#texts.startOf(number) === length && this.#texts.isAt(number, text, at)
    )
  }

  #hashOf(number: number): number {
    const { bytes } = this.#texts
    const start = this.#texts.startOf(number)
    const end = this.#texts.endOf(number)
    let hash = 0
    if (this.#fromEnd)
      for (let at = end - 1; at >= start; at--) hash = (Math.imul(hash, multiplier) + (bytes[at] ?? 0)) | 0
    else for (let at = start; at < end; at++) hash = (Math.imul(hash, multiplier) + (bytes[at] ?? 0)) | 0
    return hash
  }
}
