/**
 * An IP address as it was on the wire: no text is made until somebody asks for it. An IPv4 address is one number, so
 * that it costs nothing to hold.
 */
import { UsageError } from './errors.ts'
import { formatIp, parseIp } from './ip.ts'

/** See the head of this file. Immutable. */
export class IpAddress {
  /** 4 or 6. */
  readonly family: 4 | 6
  /** The address as an unsigned 32-bit number; 0 for IPv6. */
  readonly v4: number
  readonly #v6: Uint8Array | undefined

  private constructor(family: 4 | 6, v4: number, v6: Uint8Array | undefined) {
    this.family = family
    this.v4 = v4
    this.#v6 = v6
  }

  /** An IPv4 address from its four bytes read as a big-endian number. */
  static fromUint32(value: number): IpAddress {
    return new IpAddress(4, value >>> 0, undefined)
  }

  /**
   * From 4 or 16 bytes, which are copied.
   * @throws UsageError `ERR_SLUICE_ADDRESS` for another number of bytes.
   */
  static fromBytes(bytes: Uint8Array): IpAddress {
    if (bytes.length === 16) return new IpAddress(6, 0, new Uint8Array(bytes))
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
    if (this.#v6 !== undefined) return new Uint8Array(this.#v6)
    const value = this.v4
    return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
  }

  /** Whether both are the same address of the same family. */
  equals(other: IpAddress): boolean {
    return this.family === other.family && this.v4 === other.v4 && this.toString() === other.toString()
  }

  /** The usual text; IPv6 in the short form of RFC 5952. */
  toString(): string {
    if (this.#v6 !== undefined) return formatIp(this.#v6)
    const value = this.v4
    return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
  }

  /** As {@link IpAddress.toString}. */
  toJSON(): string {
    return this.toString()
  }
}
