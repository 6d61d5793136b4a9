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

/** Up to so many texts, to compare one after the other is cheaper. */
const fewTexts = 8

/** Which of several texts counts. */
type Choice = 'whole' | 'longest' | 'first'

/** Any odd number with its bits mixed well. */
const multiplier = 0x01000193

export class TextTable {
  readonly #texts: TextStore
  readonly #fromEnd: boolean
  readonly #ignoreCase: boolean
  /** Undefined for few texts. */
  #chains: HashChains | undefined
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
    if (size > fewTexts) this.#file(size)
  }

  /** The number of the first text that is this one, or -1. */
  whole(text: string): number {
    return this.#find(text, 'whole')
  }

  /** The number of the longest text that this one has at the side, or -1. */
  longest(text: string): number {
    return this.#find(text, 'longest')
  }

  /** The lowest number of a text that this one has at the side, or -1. */
  first(text: string): number {
    return this.#find(text, 'first')
  }

  #file(size: number): void {
    const chains = new HashChains(size)
    const lengths = new Set<number>()
    let last = -1
    // Of equal texts the one that was added first begins the chain.
    for (let number = size - 1; number >= 0; number--) {
      const length = this.#texts.lengthOf(number)
      if (length !== last) lengths.add(length)
      last = length
      chains.add(number, this.#hashOf(number))
    }
    this.#chains = chains
    this.#lengths = [...lengths].sort((a, b) => a - b)
  }

  #find(given: string, choice: Choice): number {
    this.prepare()
    const text = this.#ignoreCase ? lowerAscii(given) : given
    if (this.#chains === undefined) return this.#findInFew(text, choice)
    if (choice === 'whole' && !this.#lengths.includes(text.length)) return -1
    return this.#findInMany(text, choice, this.#chains)
  }

  #findInFew(text: string, choice: Choice): number {
    let found = -1
    let most = -1
    for (let number = 0; number < this.#filed; number++) {
      const length = this.#texts.lengthOf(number)
      if (length <= most || (choice === 'whole' && length !== text.length)) continue
      if (!this.#texts.isAt(number, text, this.#fromEnd ? text.length - length : 0)) continue
      if (choice !== 'longest') return number
      found = number
      most = length
    }
    return found
  }

  #findInMany(text: string, choice: Choice, chains: HashChains): number {
    const step = this.#fromEnd ? -1 : 1
    let at = this.#fromEnd ? text.length - 1 : 0
    let found = -1
    let hash = 0
    let hashed = 0
    for (const length of this.#lengths) {
      if (length > text.length) break
      for (; hashed < length; hashed++, at += step)
        hash = (Math.imul(hash, multiplier) + text.charCodeAt(at)) | 0
      if (choice === 'whole' && length < text.length) continue
      const number = this.#probe(hash, text, length, chains)
      if (number >= 0 && (found < 0 || choice !== 'first' || number < found)) found = number
    }
    return found
  }

  #probe(hash: number, text: string, length: number, chains: HashChains): number {
    const at = this.#fromEnd ? text.length - length : 0
    let number = chains.first(hash)
    while (number >= 0 && !(this.#texts.lengthOf(number) === length && this.#texts.isAt(number, text, at)))
      number = chains.after(number)
    return number
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
