import { UsageError } from '../base/errors.ts'
import { show } from '../base/options.ts'
import { formatIp, parseIp, wordAt } from './ip.ts'

/**
 * An IP address as it was on the wire: no text is made until somebody asks for it. It is held in numbers, one for IPv4
 * and four for IPv6, for an array of bytes would cost more than all else of an argument.
 *
 * Immutable.
 */
export class IpAddress {
  /** 4 or 6. */
  readonly family: 4 | 6
  /** The address as an unsigned 32-bit number; 0 for IPv6. */
  readonly v4: number
  // The words of an IPv6 address, in network order.
  readonly #a: number
  readonly #b: number
  readonly #c: number
  readonly #d: number

  private constructor(family: 4 | 6, v4: number, a: number, b: number, c: number, d: number) {
    this.family = family
    this.v4 = v4
    this.#a = a
    this.#b = b
    this.#c = c
    this.#d = d
  }

  /** An IPv4 address from its four bytes read as a big-endian number. */
  static fromUint32(value: number): IpAddress {
    return new IpAddress(4, value >>> 0, 0, 0, 0, 0)
  }

  /** An IPv6 address from its 16 bytes read as four big-endian numbers. */
  static fromWords(a: number, b: number, c: number, d: number): IpAddress {
    return new IpAddress(6, 0, a | 0, b | 0, c | 0, d | 0)
  }

  /**
   * From 4 or 16 bytes, which are copied.
   * @throws UsageError `ERR_SLUICE_ADDRESS` for another number of bytes.
   */
  static fromBytes(bytes: Uint8Array): IpAddress {
    if (!(bytes instanceof Uint8Array)) {
      throw new UsageError('ERR_SLUICE_ADDRESS', `an address has 4 or 16 bytes: ${show(bytes)} are no bytes`)
    }
    if (bytes.length === 16) {
      return IpAddress.fromWords(wordAt(bytes, 0), wordAt(bytes, 4), wordAt(bytes, 8), wordAt(bytes, 12))
    }
    if (bytes.length !== 4) {
      throw new UsageError('ERR_SLUICE_ADDRESS', `an address has 4 or 16 bytes, not ${bytes.length}`)
    }
    return IpAddress.fromUint32(wordAt(bytes, 0))
  }

  /**
   * From text such as `192.0.2.1` or `2001:db8::1`.
   * @throws UsageError `ERR_SLUICE_ADDRESS` when it is not an address.
   */
  static parse(text: string): IpAddress {
    const bytes = parseIp(text)
    if (bytes === undefined) throw new UsageError('ERR_SLUICE_ADDRESS', `${show(text)} is not an IP address`)
    return IpAddress.fromBytes(bytes)
  }

  /** The 4 or 16 bytes in network order; a fresh copy. */
  get bytes(): Uint8Array {
    const bytes = new Uint8Array(this.family === 4 ? 4 : 16)
    if (this.family === 4) setWord(bytes, 0, this.v4)
    else {
      setWord(bytes, 0, this.#a)
      setWord(bytes, 4, this.#b)
      setWord(bytes, 8, this.#c)
      setWord(bytes, 12, this.#d)
    }
    return bytes
  }

  /** Whether both are the same address of the same family; nothing but an address is. */
  equals(other: IpAddress): boolean {
    if (!(other instanceof IpAddress)) return false
    return this.family === other.family && this.v4 === other.v4 && this.toString() === other.toString()
  }

  /** The usual text; IPv6 in the short form of RFC 5952. */
  toString(): string {
    if (this.family === 6) return formatIp(this.bytes)
    const value = this.v4
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
  }

  /** As {@link IpAddress.toString}. */
  toJSON(): string {
    return this.toString()
  }
}

function setWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24
  bytes[at + 1] = word >>> 16
  bytes[at + 2] = word >>> 8
  bytes[at + 3] = word
}
