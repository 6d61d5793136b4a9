/** Frames of all kinds for fast-check: any that can be sent, the odd ones more often than chance would. */
import fc from 'fast-check'
import {
  Message,
  scopes,
  StringData,
  IpAddress,
  type Action,
  type Frame,
  type Id,
  type Item,
  type TypedData,
} from 'sluice/spop'

/** Numbers where the length or the kind of a varint changes, and their neighbours. */
const edges = [
  0n,
  239n,
  240n,
  2287n,
  2288n,
  264431n,
  264432n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n,
]

const narrow = (value: bigint): number | bigint =>
  Number.isSafeInteger(Number(value)) ? Number(value) : value

const between = (min: bigint, max: bigint) =>
  fc
    .oneof(fc.bigInt({ min, max }), fc.constantFrom(...edges, ...edges.map((edge) => -edge), min, max))
    .filter((value) => value >= min && value <= max)
    .map(narrow)

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))

/** Names, which are UTF-8. */
const name = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom('', '__proto__', 'constructor', 'n'.repeat(63), 'n'.repeat(64), 'n'.repeat(240)),
  fc.string({ maxLength: 70, unit: 'grapheme' }),
)

/** An id of 64 bits. */
export const id: fc.Arbitrary<Id> = between(0n, 2n ** 64n - 1n)

/** A typed value. */
export const typedData: fc.Arbitrary<TypedData> = fc.oneof(
  fc.constant<TypedData>({ type: 'null' }),
  fc.boolean().map((value): TypedData => ({ type: 'boolean', value })),
  between(-(2n ** 31n), 2n ** 31n - 1n).map((value): TypedData => ({ type: 'int32', value })),
  between(0n, 2n ** 32n - 1n).map((value): TypedData => ({ type: 'uint32', value })),
  between(-(2n ** 63n), 2n ** 63n - 1n).map((value): TypedData => ({ type: 'int64', value })),
  between(0n, 2n ** 64n - 1n).map((value): TypedData => ({ type: 'uint64', value })),
  fc
    .uint8Array({ minLength: 4, maxLength: 4 })
    .map((value): TypedData => ({ type: 'ipv4', value: IpAddress.fromBytes(value) })),
  fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((value): TypedData => ({ type: 'ipv6', value: IpAddress.fromBytes(value) })),
  bytes(300).map((value): TypedData => new StringData(value)),
  bytes(300).map((value): TypedData => ({ type: 'binary', value })),
)

const items: fc.Arbitrary<Item[]> = fc.array(fc.tuple(name, typedData), { maxLength: 6 })

const scope = fc.constantFrom(...scopes)
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ type: fc.constant('set-var' as const), scope, name, value: typedData }),
  fc.record({ type: fc.constant('unset-var' as const), scope, name }),
)

const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined })
const uint32 = fc.nat(2 ** 31 - 1)
const ids = { streamId: id, frameId: id }
const message = fc.tuple(name, items).map(([called, args]) => new Message(called, args))

/** A whole NOTIFY. */
export const notify: fc.Arbitrary<Frame> = fc.record({
  type: fc.constant('notify' as const),
  ...ids,
  fin: fc.constant(true),
  abort: fc.constant(false),
  messages: fc.array(message, { maxLength: 4 }),
  fragment: fc.constant(undefined),
})

const fragment: fc.Arbitrary<Frame> = fc.record({
  type: fc.constant('notify' as const),
  ...ids,
  fin: fc.constant(false),
  abort: fc.boolean(),
  messages: fc.constant([]),
  fragment: bytes(300),
})

/** A frame that can be sent. */
export const frame: fc.Arbitrary<Frame> = fc.oneof(
  notify,
  fragment,
  fc.record({
    type: fc.constant('ack' as const),
    ...ids,
    fin: fc.constant(true),
    abort: fc.boolean(),
    actions: fc.array(action, { maxLength: 6 }),
  }),
  fc.record({
    type: fc.constant('unset' as const),
    ...ids,
    fin: fc.boolean(),
    abort: fc.boolean(),
    payload: bytes(300),
  }),
  fc.record({
    type: fc.constant('unknown' as const),
    frameType: fc.nat(255).filter((type) => ![0, 1, 2, 3, 101, 102, 103].includes(type)),
    ...ids,
    fin: fc.boolean(),
    abort: fc.boolean(),
    payload: bytes(300),
  }),
  fc.record({
    type: fc.constant('haproxy-hello' as const),
    supportedVersions: maybe(name),
    maxFrameSize: maybe(uint32),
    capabilities: maybe(name),
    healthcheck: fc.boolean(),
    engineId: maybe(name),
  }),
  fc.record({
    type: fc.constant('agent-hello' as const),
    version: maybe(name),
    maxFrameSize: maybe(uint32),
    capabilities: maybe(name),
  }),
  fc.record({
    type: fc.constantFrom('haproxy-disconnect' as const, 'agent-disconnect' as const),
    statusCode: uint32,
    message: fc.string({ maxLength: 60 }),
  }),
)
