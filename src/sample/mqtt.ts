/**
 * The packets that open an MQTT connection, CONNECT and CONNACK (MQTT 3.1, 3.1.1 and 5.0, sections 3.1 and 3.2 of the
 * specifications), with the names that HAProxy gives to their fields: words, and for properties their numbers.
 */
import type { Buffer } from 'node:buffer'

/** The packets that can be read. */
export type MqttType = 'connect' | 'connack'

/** A packet whose rules hold. */
export interface MqttPacket {
  readonly type: MqttType
  /** Numbers as decimal text. Of MQTT 5.0, a number that was not sent is 0; a text that is empty is none. */
  readonly fields: ReadonlyMap<string, string>
}

type Kind =
  | 'flag'
  | 'byte'
  | 'two'
  | 'two, not 0'
  | 'four'
  | 'four, not 0'
  | 'text'
  | 'text, not empty'
  | 'pair'

/** MQTT 5.0 section 2.2.2.2. */
const connectProperties: ReadonlyMap<number, Kind> = new Map([
  [17, 'four'],
  [21, 'text'],
  [22, 'text'],
  [23, 'flag'],
  [25, 'flag'],
  [33, 'two, not 0'],
  [34, 'two'],
  [38, 'pair'],
  [39, 'four, not 0'],
])

const willProperties: ReadonlyMap<number, Kind> = new Map([
  [1, 'flag'],
  [2, 'four'],
  [3, 'text'],
  [8, 'text'],
  [9, 'text'],
  [24, 'four'],
  [38, 'pair'],
])

const connackProperties: ReadonlyMap<number, Kind> = new Map([
  [17, 'four'],
  [18, 'text, not empty'],
  [19, 'two'],
  [21, 'text'],
  [22, 'text'],
  [26, 'text'],
  [28, 'text'],
  [31, 'text'],
  [33, 'two, not 0'],
  [34, 'two'],
  [36, 'flag'],
  [37, 'flag'],
  [38, 'pair'],
  [39, 'four, not 0'],
  [40, 'flag'],
  [41, 'flag'],
  [42, 'flag'],
])

const propertyNames = (...tables: readonly ReadonlyMap<number, Kind>[]): string[] =>
  tables.flatMap((table) => [...table].flatMap(([id, kind]) => (kind === 'pair' ? [] : [String(id)])))

/** The fields that a packet may have. */
export const mqttFields: Readonly<Record<MqttType, ReadonlySet<string>>> = {
  connect: new Set([
    'flags',
    'protocol_name',
    'protocol_version',
    'client_identifier',
    'will_topic',
    'will_payload',
    'username',
    'password',
    'keepalive',
    ...propertyNames(connectProperties, willProperties),
  ]),
  connack: new Set(['flags', 'protocol_version', 'reason_code', ...propertyNames(connackProperties)]),
}

/** The packet at the beginning of the bytes. What stands behind it is not looked at. */
export function readMqtt(bytes: Buffer): MqttPacket | 'invalid' | 'incomplete' {
  if (bytes.length < 2) return 'incomplete'
  // The kind in the upper half, and flags that must be 0 in the lower.
  const type = bytes[0] === 0x10 ? 'connect' : bytes[0] === 0x20 ? 'connack' : undefined
  if (type === undefined) return 'invalid'
  try {
    const length = readVariable(bytes, 1)
    if (length === undefined || length.end + length.value > bytes.length) return 'incomplete'
    const packet = new PacketReader(bytes.subarray(length.end, length.end + length.value))
    if (type === 'connect') packet.connect()
    else packet.connack()
    return { type, fields: packet.fields }
  } catch (error) {
    if (error instanceof Malformed) return 'invalid'
    throw error
  }
}

class Malformed extends Error {}

/** A variable byte integer (section 1.5.5); undefined when it is cut. */
function readVariable(bytes: Buffer, at: number): { value: number; end: number } | undefined {
  let value = 0
  for (let size = 0; size < 4; size++) {
    const byte = bytes[at + size]
    if (byte === undefined) return undefined
    value += (byte & 127) * 128 ** size
    if (byte < 128) return { value, end: at + size + 1 }
  }
  throw new Malformed()
}

/** Reads what is behind the fixed header. */
class PacketReader {
  readonly fields = new Map<string, string>()
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  connect(): void {
    const name = this.#text()
    must(/^(?:mqtt|mqisdp)$/i.test(name))
    this.fields.set('protocol_name', name)
    const version = this.#number('protocol_version', 1)
    must(version >= 3 && version <= 5)
    const flags = this.#number('flags', 1)
    // Bit 0 is reserved. Of a QoS without a will, only 3 without retain is refused, as HAProxy does.
    must((flags & 0x01) === 0 && (flags & 0x3c) !== 0x18)
    this.#number('keepalive', 2)
    if (version === 5) this.#properties(connectProperties)
    must(!this.fields.has('22') || this.fields.has('21'))
    this.#named('client_identifier')
    if ((flags & 0x04) !== 0) {
      if (version === 5) this.#properties(willProperties)
      this.#named('will_topic')
      this.#named('will_payload')
    }
    if ((flags & 0x80) !== 0) this.#named('username')
    if ((flags & 0x40) !== 0) this.#named('password')
    must(this.#at === this.#bytes.length)
  }

  connack(): void {
    // A CONNACK has no version; only that of 5.0 has properties, or room for them.
    const version = this.#bytes.length === 2 ? 4 : 5
    this.fields.set('protocol_version', String(version))
    must((this.#number('flags', 1) & 0xfe) === 0)
    this.#number('reason_code', 1)
    if (version === 5) this.#properties(connackProperties)
    must(this.#at === this.#bytes.length)
  }

  /** The properties, each at most once; numbers that are absent are 0. */
  #properties(table: ReadonlyMap<number, Kind>): void {
    const length = readVariable(this.#bytes, this.#at)
    must(length !== undefined && length.end + length.value <= this.#bytes.length)
    this.#at = length.end
    const end = length.end + length.value
    const seen = new Set<number>()
    while (this.#at < end) {
      const id = this.#integer(1)
      const kind = table.get(id)
      must(kind !== undefined && (kind === 'pair' || !seen.has(id)))
      seen.add(id)
      this.#property(String(id), kind)
    }
    must(this.#at === end)
    for (const [id, kind] of table) {
      if (!seen.has(id) && !kind.startsWith('text') && kind !== 'pair') this.fields.set(String(id), '0')
    }
  }

  #property(name: string, kind: Kind): void {
    switch (kind) {
      case 'pair':
        this.#text()
        this.#text()
        return
      case 'text':
      case 'text, not empty': {
        const text = this.#named(name)
        must(kind === 'text' || text !== '')
        return
      }
      default: {
        const size = kind.startsWith('four') ? 4 : kind.startsWith('two') ? 2 : 1
        const value = this.#number(name, size)
        must(kind.endsWith('not 0') ? value !== 0 : kind !== 'flag' || value <= 1)
      }
    }
  }

  #named(name: string): string {
    const text = this.#text()
    if (text !== '') this.fields.set(name, text)
    return text
  }

  #number(name: string, size: number): number {
    const value = this.#integer(size)
    this.fields.set(name, String(value))
    return value
  }

  #integer(size: number): number {
    const end = this.#at + size
    must(end <= this.#bytes.length)
    const value = this.#bytes.readUIntBE(this.#at, size)
    this.#at = end
    return value
  }

  /** Two bytes of length, then the text (section 1.5.4), latin1 here. */
  #text(): string {
    const length = this.#integer(2)
    const end = this.#at + length
    must(end <= this.#bytes.length)
    const text = this.#bytes.toString('latin1', this.#at, end)
    this.#at = end
    return text
  }
}

function must(condition: boolean): asserts condition {
  if (!condition) throw new Malformed()
}
