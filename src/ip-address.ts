/**
 * An IP address as it was on the wire: no text is made until somebody asks for it. An IPv4 address is one number, so
 * that it costs nothing to hold, and the bytes of an IPv6 address are a string: of all that can hold 16 bytes, it is the
 * cheapest to make.
 */
import { UsageError } from './errors.ts'
import { formatIp, parseIp } from './ip.ts'

/** See the head of this file. Immutable. */
export class IpAddress {
  /** 4 or 6. */
  readonly family: 4 | 6
  /** The address as an unsigned 32-bit number; 0 for IPv6. */
  readonly v4: number
  /** One character for each byte; undefined for IPv4. */
  readonly #v6: string | undefined

  private constructor(family: 4 | 6, v4: number, v6: string | undefined) {
    this.family = family
    this.v4 = v4
    this.#v6 = v6
  }

  /** An IPv4 address from its four bytes read as a big-endian number. */
  static fromUint32(value: number): IpAddress {
    return new IpAddress(4, value >>> 0, undefined)
  }

  /**
   * An IPv6 address from its 16 bytes, one character for each.
   * @throws UsageError `ERR_SLUICE_ADDRESS` for another number of characters, or one that is no byte.
   */
  static fromLatin1(text: string): IpAddress {
    if (text.length !== 16) {
      throw new UsageError('ERR_SLUICE_ADDRESS', `an IPv6 address has 16 bytes, not ${text.length}`)
    }
    for (let index = 0; index < 16; index++) {
      const code = text.charCodeAt(index)
      if (code > 255) throw new UsageError('ERR_SLUICE_ADDRESS', `character ${code} is not a byte`)
    }
    return new IpAddress(6, 0, text)
  }

  /**
   * From 4 or 16 bytes, which are copied.
   * @throws UsageError `ERR_SLUICE_ADDRESS` for another number of bytes.
   */
  static fromBytes(bytes: Uint8Array): IpAddress {
    if (bytes.length === 16) return new IpAddress(6, 0, String.fromCharCode(...bytes))
    if (bytes.length !== 4) {
      throw new UsageError('ERR_SLUICE_ADDRESS', `an address has 4 or 16 bytes, not ${bytes.length}`)
    }
    const [a = 0, b = 0, c = 0, d = 0] = bytes
    return IpAddress.fromUint32((a << 24) | (b << 16) | (c << 8) | d)
  }

  /**
   * From text such as `192.0.2.1` or `2001:db8::1`.
   * @throws UsageError `ERR_SLUICE_ADDRESS` when it is not an address.
   */
  static parse(text: string): IpAddress {
    const bytes = parseIp(text)
    if (bytes === undefined) throw new UsageError('ERR_SLUICE_ADDRESS', `'${text}' is not an IP address`)
    return IpAddress.fromBytes(bytes)
  }

  /** The 4 or 16 bytes in network order; a fresh copy. */
  get bytes(): Uint8Array {
    if (this.#v6 !== undefined) return toBytes(this.#v6)
    const value = this.v4
    return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
  }

  /** Whether both are the same address of the same family. */
  equals(other: IpAddress): boolean {
    return this.v4 === other.v4 && this.#v6 === other.#v6
  }

  /** The usual text; IPv6 in the short form of RFC 5952. */
  toString(): string {
    if (this.#v6 !== undefined) return formatIp(toBytes(this.#v6))
    const value = this.v4
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
  }

  /** As {@link IpAddress.toString}. */
  toJSON(): string {
    return this.toString()
  }
}

function toBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index)
  return bytes
}
