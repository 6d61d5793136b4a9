/** MQTT packets, made by hand from the specifications: expressions that samples.test.ts asks HAProxy and us. */

const two = (value: number): number[] => [value >> 8, value & 255]
const four = (value: number): number[] => [...two(Math.floor(value / 65_536)), ...two(value % 65_536)]
const text = (value: string): number[] => [...two(value.length), ...Buffer.from(value, 'latin1')]
const sized = (bytes: readonly number[]): number[] =>
  bytes.length < 128 ? [bytes.length, ...bytes] : [(bytes.length & 127) | 128, bytes.length >> 7, ...bytes]

const connect = (version: number, flags: number, rest: readonly number[], name = 'MQTT'): number[] => [
  0x10,
  ...sized([...text(name), version, flags, ...two(60), ...rest]),
]
const connack = (...rest: readonly number[]): number[] => [0x20, ...sized(rest)]

const connectProperties: readonly (readonly number[])[] = [
  [17, ...four(120)],
  [33, ...two(20)],
  [39, ...four(70_000)],
  [34, ...two(5)],
  [25, 1],
  [23, 0],
  [38, ...text('a'), ...text('b')],
  [38, ...text('a'), ...text('c')],
  [21, ...text('m')],
  [22, ...text('d')],
]

const willProperties: readonly (readonly number[])[] = [
  [24, ...four(9)],
  [1, 1],
  [2, ...four(4_000_000_000)],
  [3, ...text('t/p')],
  [8, ...text('r')],
  [9, ...text('data')],
  [38, ...text('e'), ...text('f')],
]

const connackProperties: readonly (readonly number[])[] = [
  [17, ...four(1)],
  [18, ...text('id')],
  [19, ...two(2)],
  [31, ...text('why')],
  [26, ...text('i')],
  [28, ...text('s')],
  [33, ...two(3)],
  [34, ...two(4)],
  [36, 1],
  [37, 0],
  [38, ...text('a'), ...text('b')],
  [39, ...four(5)],
  [40, 1],
  [41, 0],
  [42, 1],
  [21, ...text('m')],
  [22, ...text('d')],
]

const packets: Readonly<Record<string, readonly number[]>> = {
  '3.1': connect(3, 0xc2, [...text('id'), ...text('user'), ...text('word')], 'MQIsdp'),
  '3.1.1': connect(4, 0x02, text('client')),
  'a will': connect(4, 0x2e, [...text(''), ...text('topic'), ...text('payload')]),
  '5.0 without properties': connect(5, 0x02, [0, ...text('client')]),
  '5.0': connect(5, 0xee, [
    ...sized(connectProperties.flat()),
    ...text('client'),
    ...sized(willProperties.flat()),
    ...text('topic'),
    ...text('payload'),
    ...text('user'),
    ...text('word'),
  ]),
  'data without a method': connect(5, 0x02, [...sized([22, ...text('d')]), ...text('client')]),
  'a property twice': connect(5, 0x02, [...sized([25, 1, 25, 1]), ...text('client')]),
  'CONNACK 3.1.1': connack(0, 5),
  'CONNACK 5.0': connack(1, 0x87, ...sized(connackProperties.flat())),
  'CONNACK 5.0 without properties': connack(0, 0, 0),
  'a long one': connect(4, 0x02, text('x'.repeat(200))),
  'a length of five bytes': [0x10, 0x80, 0x80, 0x80, 0x80, 0x01, 0],
  PINGREQ: [0xc0, 0],
}

const asBin = (bytes: readonly number[]): string => `bin(${Buffer.from(bytes).toString('hex')})`

const fields: Readonly<Record<string, string>> = {
  connect:
    'flags protocol_name protocol_version client_identifier will_topic will_payload username password keepalive ' +
    '1 2 3 8 9 17 21 22 23 24 25 33 34 39',
  connack: 'flags protocol_version reason_code 17 18 19 21 22 26 28 31 33 34 36 37 39 40 41 42',
}

const fieldCases = Object.values(packets).flatMap((bytes) =>
  Object.entries(fields).flatMap(([type, names]) =>
    // One of the other type is enough.
    (type === (bytes[0] === 0x20 ? 'connack' : 'connect') ? names.split(' ') : ['flags']).map(
      (name) => `${asBin(bytes)},mqtt_field_value(${type},${name})`,
    ),
  ),
)

/** Each byte on its own is made one more, and each beginning is tried: most of these are wrong in one thing. */
const damaged = ['3.1', 'a will', '5.0', 'CONNACK 3.1.1'].flatMap((name) => {
  const bytes = packets[name] ?? []
  return bytes.flatMap((_, at) => [
    ...(at > 0 && at % 7 === 0 ? [bytes.slice(0, at)] : []),
    bytes.map((byte, index) => (index === at ? (byte + 1) % 256 : byte)),
  ])
})

/** Properties that are wrong. (Of one that CONNACK does not have, HAProxy says that bytes are missing.) */
const wrongProperties = [
  ...[36, 37, 40, 41, 42].map((id) => [id, 2]),
  ...[17, 39].map((id) => [id, ...two(0)]),
  [39, ...four(0)],
  [33, ...two(0)],
  [18, ...text('')],
  [18, ...two(9), 1],
  [19, 1],
  [31, ...text('a'), 31, ...text('b')],
  [38, ...text('a')],
].map((bytes) => connack(0, 0, ...sized(bytes)))

/** Every expression of this file. */
export const mqttExpressions: readonly string[] = [
  ...Object.values(packets).map((bytes) => `${asBin(bytes)},mqtt_is_valid`),
  ...fieldCases,
  ...[...damaged, ...wrongProperties].map((bytes) => `${asBin(bytes)},mqtt_is_valid`),
]
