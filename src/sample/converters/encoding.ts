/** Converters between bytes and their encodings, and hashes (configuration.txt 7.3.1). */
import type { Arguments } from '../arguments.ts'
import { decodeBase64, decodeBase64Url } from '../base64.ts'
import { avalanche, crc32, crc32c, djb2, sdbm, wt6, xxh32, xxh64 } from '../hash.ts'
import { normalize, wrap } from '../int64.ts'
import type { Integer, SampleValue } from '../value.ts'
import { bin, bytesOf, sint, str, textOf } from '../value.ts'
import { xxh3 } from '../xxh3.ts'
import type { Converter, ConverterSpec } from './spec.ts'
import { plain } from './spec.ts'

function upperHex(value: SampleValue): string {
  return bytesOf(value).toString('hex').toUpperCase()
}

/** The low 64 bits of a number in hex. */
function readHexNumber(text: string): Integer | undefined {
  if (text === '') return 0
  return /^[0-9a-f]+$/i.test(text) ? wrap(BigInt(`0x${text}`)) : undefined
}

/** `%XX` everywhere; `+` is a space within a form or behind a question mark. A NUL ends the text. */
function decodeUrl(text: string, inForm: boolean): string | undefined {
  const end = text.indexOf('\0')
  const whole = end < 0 ? text : text.slice(0, end)
  if (/%(?![0-9A-Fa-f]{2})/.test(whole)) return undefined
  const mark = inForm ? -1 : whole.indexOf('?')
  const head = inForm ? '' : mark < 0 ? whole : whole.slice(0, mark)
  return unescape(head) + unescape(whole.slice(head.length).replaceAll('+', ' '))
}

function unescape(text: string): string {
  return text.includes('%')
    ? text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text
}

function encodeUrl(text: string): string {
  return text.replace(
    /[^A-Za-z0-9._~-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  )
}

function buildUrlDecode(args: Arguments): Converter {
  const inForm = (args.integer(0) ?? 0) !== 0
  return (value) => {
    const decoded = decodeUrl(textOf(value), inForm)
    return decoded === undefined ? undefined : str(decoded)
  }
}

function buildUrlEncode(args: Arguments): Converter | undefined {
  const kind = args.text(0) ?? ''
  if (kind !== '' && kind !== 'query') return args.wrong(0, `'${kind}' is no kind of encoding; query is`)
  return (value) => str(encodeUrl(textOf(value)))
}

/** Numbers or hex of every chunk of bytes with separators between. */
function chunked(
  value: SampleValue,
  separator: string,
  size: number,
  cut: boolean,
  format: (hex: string) => string,
): SampleValue {
  const hex = upperHex(value)
  const width = size * 2
  let out = ''
  for (let at = 0; at < hex.length && !(cut && at + width > hex.length); at += width)
    out += (at === 0 ? '' : separator) + format(hex.slice(at, at + width))
  return str(out)
}

function buildChunks(isDecimal: boolean): (args: Arguments) => Converter | undefined {
  return (args) => {
    const separator = args.text(0) ?? ''
    const size = args.count32(1) ?? 0
    const truncate = args.integer(2) ?? 0
    if (truncate !== 0 && truncate !== 1) return args.wrong(2, 'truncate must be 0 or 1')
    if (isDecimal && (size < 1 || size > 8)) return args.wrong(1, 'the chunk size must be 1 to 8')
    if (!isDecimal && size < 1 && (separator !== '' || truncate === 1))
      return args.wrong(1, 'the chunk size must be positive')
    if (!isDecimal && separator === '' && truncate === 0) return (value) => str(upperHex(value))
    const format = isDecimal ? (hex: string) => BigInt(`0x${hex}`).toString() : (hex: string) => hex
    return (value) => chunked(value, separator, size, truncate === 1, format)
  }
}

const chunkArgs = [
  { name: 'separator', type: 'str' },
  { name: 'chunk_size', type: 'sint', optional: true },
  { name: 'truncate', type: 'sint', optional: true },
] as const

/** A 32-bit hash; with an argument other than 0 its bits are spread. */
function hash(name: string, doc: string, compute: (text: string) => number): ConverterSpec {
  return {
    name,
    args: [{ name: 'avalanche', type: 'sint', optional: true }],
    input: 'bin',
    output: 'sint',
    doc,
    build: (args) => {
      const spread = (args.integer(0) ?? 0) !== 0
      return (value) => {
        const hashed = compute(textOf(value))
        return sint(spread ? avalanche(hashed) : hashed)
      }
    },
  }
}

const seedArgs = [{ name: 'seed', type: 'sint', optional: true }] as const

/** The registry entries of this file. */
export const encodingConverters: readonly ConverterSpec[] = [
  plain('hex', 'bin', 'str', 'Two upper-case hex digits a byte.', (value) => str(upperHex(value))),
  plain(
    'hex2i',
    'str',
    'sint',
    'The integer of hex digits; none when there is another character.',
    (value) => {
      const number = readHexNumber(textOf(value))
      return number === undefined ? undefined : sint(number)
    },
  ),
  plain('base64', 'bin', 'str', 'Base64, padded.', (value) => str(bytesOf(value).toString('base64'))),
  plain('b64dec', 'str', 'bin', 'The bytes of padded base64; none when it is not that.', (value) => {
    const bytes = decodeBase64(textOf(value))
    return bytes === undefined ? undefined : bin(bytes)
  }),
  plain('ub64enc', 'bin', 'str', 'Base64 for URLs, without padding.', (value) =>
    str(bytesOf(value).toString('base64url')),
  ),
  plain('ub64dec', 'str', 'bin', 'The bytes of base64 for URLs; none when it is not that.', (value) => {
    const bytes = decodeBase64Url(textOf(value))
    return bytes === undefined ? undefined : bin(bytes)
  }),
  {
    name: 'be2dec',
    args: chunkArgs,
    input: 'bin',
    output: 'str',
    doc: 'The big-endian numbers of every chunk of bytes, with a separator between.',
    build: buildChunks(true),
  },
  {
    name: 'be2hex',
    args: chunkArgs,
    input: 'bin',
    output: 'str',
    doc: 'The hex digits of every chunk of bytes, with a separator between.',
    build: buildChunks(false),
  },
  {
    name: 'url_dec',
    args: [{ name: 'in_form', type: 'sint', optional: true }],
    input: 'str',
    output: 'str',
    doc: 'With %XX decoded, and + too behind a question mark or with the argument 1.',
    build: buildUrlDecode,
  },
  {
    name: 'url_enc',
    args: [{ name: 'enc_type', type: 'str', optional: true }],
    input: 'str',
    output: 'str',
    doc: 'With %XX for all but unreserved characters.',
    build: buildUrlEncode,
  },
  hash('crc32', 'The CRC-32 of zlib.', crc32),
  hash('crc32c', 'The CRC-32C.', crc32c),
  hash('djb2', 'The hash djb2.', djb2),
  hash('sdbm', 'The hash sdbm.', sdbm),
  hash('wt6', 'The hash wt6.', wt6),
  {
    name: 'xxh32',
    args: seedArgs,
    input: 'bin',
    output: 'sint',
    doc: 'The hash XXH32 with a seed.',
    build: (args) => {
      const seed = Number(BigInt.asUintN(32, BigInt(args.integer(0) ?? 0)))
      return (value) => sint(xxh32(textOf(value), seed))
    },
  },
  {
    name: 'xxh64',
    args: seedArgs,
    input: 'bin',
    output: 'sint',
    doc: 'The hash XXH64 with a seed, as a signed integer.',
    build: (args) => {
      const seed = BigInt(args.integer(0) ?? 0)
      return (value) => sint(normalize(BigInt.asIntN(64, xxh64(textOf(value), seed))))
    },
  },
  {
    name: 'xxh3',
    args: seedArgs,
    input: 'bin',
    output: 'sint',
    doc: 'The hash XXH3 of 64 bits with a seed, as a signed integer.',
    build: (args) => {
      const seed = BigInt(args.integer(0) ?? 0)
      return (value) => sint(normalize(BigInt.asIntN(64, xxh3(textOf(value), seed))))
    },
  },
]
