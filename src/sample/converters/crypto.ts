/** Converters of cryptography: digests, codes, comparisons and ciphers (configuration.txt 7.3.1). */
import { createDecipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { Buffer } from 'node:buffer'
import type { Arguments } from '../arguments.ts'
import { decodeBase64 } from '../base64.ts'
import type { BuildContext } from '../build-context.ts'
import { castTo, toStr } from '../cast.ts'
import { readVariable } from '../fetches/variable.ts'
import type { Stream } from '../stream.ts'
import { bin, bool, bytesOf, textOf } from '../value.ts'
import { parseVariableName } from '../variables.ts'
import type { Converter, ConverterSpec } from './spec.ts'
import { plain } from './spec.ts'

function digest(algorithm: string): Converter {
  return (value) => bin(createHash(algorithm).update(bytesOf(value)).digest())
}

function buildSha2(args: Arguments): Converter | undefined {
  const bits = args.count32(0) ?? 256
  if (![224, 256, 384, 512].includes(bits))
    return args.wrong(0, `SHA-2 has 224, 256, 384 or 512 bits, not ${bits}`)
  return digest(`sha${bits}`)
}

/** The name of an algorithm that OpenSSL knows; undefined after a complaint. */
function readAlgorithm(args: Arguments): string | undefined {
  const name = args.text(0) ?? ''
  try {
    createHash(name)
    return name
  } catch {
    return args.wrong(0, `'${name}' is no message digest`, 'sha256 is one')
  }
}

function buildDigest(args: Arguments): Converter | undefined {
  const algorithm = readAlgorithm(args)
  return algorithm === undefined ? undefined : digest(algorithm)
}

/** Bytes in base64: as they are written, or those of a variable. */
type Secret = (stream: Stream) => Buffer | undefined

function readSecret(args: Arguments, at: number, context: BuildContext): Secret | undefined {
  const written = args.text(at) ?? ''
  if (typeof parseVariableName(written) === 'string') {
    const bytes = decodeBase64(written)
    if (bytes === undefined) return args.wrong(at, `'${written}' is neither a variable nor base64`)
    return () => bytes
  }
  const variable = readVariable(args, at, context)
  if (variable === undefined) return undefined
  return (stream) => {
    const value = stream.variables(variable.scope)?.get(variable.name)
    const text = value === undefined ? undefined : toStr(value)
    return text === undefined ? undefined : decodeBase64(textOf(text))
  }
}

function buildHmac(args: Arguments, context: BuildContext): Converter | undefined {
  const algorithm = readAlgorithm(args)
  const secret = readSecret(args, 1, context)
  if (algorithm === undefined || secret === undefined) return undefined
  return (value, stream) => {
    const key = secret(stream)
    return key === undefined ? undefined : bin(createHmac(algorithm, key).update(bytesOf(value)).digest())
  }
}

const toBin = castTo('bin')

/** Takes the same time wherever two texts of one length differ. */
function buildCompare(args: Arguments, context: BuildContext): Converter | undefined {
  const variable = readVariable(args, 0, context)
  if (variable === undefined) return undefined
  return (value, stream) => {
    const other = stream.variables(variable.scope)?.get(variable.name)
    const bytes = other === undefined ? undefined : toBin(other)
    if (bytes === undefined) return undefined
    const [ours, theirs] = [bytesOf(value), bytesOf(bytes)]
    return bool(ours.length === theirs.length && timingSafeEqual(ours, theirs))
  }
}

/** Bytes: HAProxy takes shorter ones, too, which whoever sends them can guess. */
const leastTag = 12

const ciphers: ReadonlyMap<number, 'aes-128-gcm' | 'aes-192-gcm' | 'aes-256-gcm'> = new Map([
  [128, 'aes-128-gcm'],
  [192, 'aes-192-gcm'],
  [256, 'aes-256-gcm'],
])

function buildAesGcm(args: Arguments, context: BuildContext): Converter | undefined {
  const bits = args.count32(0) ?? 0
  const cipher = ciphers.get(bits)
  if (cipher === undefined) return args.wrong(0, `a key of AES has 128, 192 or 256 bits, not ${bits}`)
  const [nonce, key, tag] = [1, 2, 3].map((at) => readSecret(args, at, context))
  if (nonce === undefined || key === undefined || tag === undefined) return undefined
  return (value, stream) => {
    const parts = [nonce(stream), key(stream), tag(stream)] as const
    const [iv, secret, authTag] = parts
    if (iv === undefined || secret === undefined || authTag === undefined) return undefined
    if (authTag.length < leastTag) return undefined
    try {
      const decipher = createDecipheriv(cipher, secret, iv, { authTagLength: authTag.length })
      decipher.setAuthTag(authTag)
      return bin(Buffer.concat([decipher.update(bytesOf(value)), decipher.final()]))
    } catch {
      // A wrong key, nonce or tag, in length or in value.
      return undefined
    }
  }
}

const secretDoc = 'in base64, or variables'

/** The registry entries of this file. */
export const cryptoConverters: readonly ConverterSpec[] = [
  plain('sha1', 'bin', 'bin', 'The SHA-1 digest.', digest('sha1')),
  {
    name: 'sha2',
    args: [{ name: 'bits', type: 'sint', optional: true }],
    input: 'bin',
    output: 'bin',
    doc: 'The SHA-2 digest of 224, 256 (the default), 384 or 512 bits.',
    build: buildSha2,
  },
  {
    name: 'digest',
    args: [{ name: 'algorithm', type: 'str' }],
    input: 'bin',
    output: 'bin',
    doc: 'The digest of an algorithm that OpenSSL knows by this name.',
    build: buildDigest,
  },
  {
    name: 'hmac',
    args: [
      { name: 'algorithm', type: 'str' },
      { name: 'key', type: 'str' },
    ],
    input: 'bin',
    output: 'bin',
    doc: `The keyed message authentication code; the key is ${secretDoc.replace('variables', 'a variable')}.`,
    build: buildHmac,
  },
  {
    name: 'secure_memcmp',
    args: [{ name: 'scope.name', type: 'str' }],
    input: 'bin',
    output: 'bool',
    doc: 'Whether it is the same as a variable, in a time that tells nothing of either.',
    build: buildCompare,
  },
  {
    name: 'aes_gcm_dec',
    args: [
      { name: 'bits', type: 'sint' },
      { name: 'nonce', type: 'str' },
      { name: 'key', type: 'str' },
      { name: 'aead_tag', type: 'str' },
    ],
    input: 'bin',
    output: 'bin',
    doc: `What AES-GCM has encrypted; nonce, key and tag are ${secretDoc}.`,
    build: buildAesGcm,
  },
]
