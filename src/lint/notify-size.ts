/**
 * How many bytes a NOTIFY takes (SPOE.txt 3.2.6): at least, with everything missing, and at most, when a client fills
 * the buffer of its request in the most expensive way. Variables and maps count as short words: what they hold is not
 * in the configuration.
 */
import type { SpoeArg, SpoeMessage, Word } from '../config/index.ts'
import { compileExpression } from '../sample/index.ts'
import type { SampleType } from '../sample/index.ts'
import { loneContext } from './lone-context.ts'

/** Bytes. */
export interface NotifySize {
  /** Every sample is missing. */
  readonly least: number
  /** The most that one buffer can make. */
  readonly most: number
}

/** A part of a message that clients and servers make as long as a buffer takes. */
type Part = 'path' | 'query' | 'headers' | 'body'

/** Fetches of such parts; one byte of a part counts once for each argument that carries it. */
const partsByFetch: ReadonlyMap<string, readonly Part[]> = new Map([
  ...named('path', ['path']),
  ...named('query url_param urlp', ['query']),
  ...named('pathq url capture.req.uri', ['path', 'query']),
  ...named('base', ['path', 'headers']),
  ...named('baseq', ['path', 'query', 'headers']),
  ...named('req.hdrs req.hdrs_bin hdr req.hdr req.fhdr cook req.cook cookie http_auth_bearer', ['headers']),
  ...named('res.hdrs res.hdrs_bin shdr res.hdr res.fhdr scook res.cook', ['headers']),
  ...named('req.body req.body_param body_param res.body', ['body']),
  // Of a message that is not HTTP: all of it.
  ...named('req.payload res.payload payload', ['body']),
])

function named(names: string, parts: readonly Part[]): [string, readonly Part[]][] {
  return names.split(' ').map((name) => [name, parts])
}

/** TYPE, FLAGS, and the longest STREAM-ID and FRAME-ID that a long-lived process reaches. */
const frameHead = 1 + 4 + 5 + 2

/** What stands for text of unknown length: a variable, a value of a map. */
const shortText = 64

/** Bytes behind the type of a value of fixed size. */
const fixedSizes: Partial<Record<SampleType, number>> = {
  bool: 0,
  sint: 10,
  ipv4: 4,
  ipv6: 16,
  addr: 16,
  meth: 8,
}

/** The size of the NOTIFY that carries `messages`; `room` is what a message may take of its buffer. */
export function notifySize(messages: readonly SpoeMessage[], room: number): NotifySize {
  let [least, fixed] = [frameHead, frameHead]
  const factors: Record<Part, number> = { path: 0, query: 0, headers: 0, body: 0 }
  for (const { name, args } of messages) {
    const head = text(name.length) + 1
    least += head
    fixed += head
    for (const arg of args) {
      const named = text(arg.name?.length ?? 0)
      const value = valueSize(arg)
      least += named + 1 + value.least
      fixed += named + 1 + value.fixed
      for (const part of value.parts) factors[part] += value.factor
    }
  }
  const factor = Math.max(...Object.values(factors))
  return { least, most: fixed + Math.ceil(factor * room) }
}

/** The bytes of a text with its length in front. */
function text(length: number): number {
  return length + (length < 240 ? 1 : length < 2288 ? 2 : 3)
}

interface ValueSize {
  readonly least: number
  /** Apart from {@link parts}. */
  readonly fixed: number
  readonly parts: readonly Part[]
  /** What converters make of one byte. */
  readonly factor: number
}

function valueSize({ expr }: SpoeArg): ValueSize {
  const literal = /^(?:str|bin)\(([^)]*)\)$/.exec(expr.text)?.[1]
  if (literal !== undefined) return fixedSize(text(literal.length), text(literal.length))
  const type = typeOf(expr)
  const size = type === undefined ? undefined : fixedSizes[type]
  if (size !== undefined) return fixedSize(0, size)
  const [fetch = '', ...converters] = expr.text.split(/,(?![^(]*\))/)
  const parts = partsByFetch.get(fetch.replace(/\(.*/s, '').trim()) ?? []
  const conversion = convert(converters, argumentLength(fetch))
  if (parts.length === 0 || conversion.limit !== undefined)
    return fixedSize(0, text(conversion.limit ?? shortText))
  return { least: 0, fixed: 3, parts, factor: conversion.factor }
}

function fixedSize(least: number, fixed: number): ValueSize {
  return { least, fixed, parts: [], factor: 0 }
}

/** `req.payload(0,100)` has 100 bytes at most; 0 is everything. */
function argumentLength(fetch: string): number | undefined {
  const length = Number(/payload\(\s*\d+\s*,\s*(\d+)\s*\)/.exec(fetch)?.[1] ?? 0)
  return length === 0 ? undefined : length
}

/** What converters that change the length do to it. */
const factors: ReadonlyMap<string, number> = new Map([
  ['hex', 2],
  ['base64', 4 / 3],
  ['url_enc', 3],
  ['json', 2],
])
const limits: ReadonlyMap<string, number> = new Map([
  ['sha1', 20],
  ['sha2', 64],
  ['digest', 64],
  ['hmac', 64],
  ['md5', 16],
])

function convert(
  converters: readonly string[],
  start: number | undefined,
): { readonly factor: number; readonly limit: number | undefined } {
  let [factor, limit] = [1, start]
  for (const converter of converters) {
    const [, name = '', args = ''] = /^\s*([\w.-]+)(?:\((.*)\))?/s.exec(converter) ?? []
    const grown = factors.get(name) ?? 1
    factor *= grown
    if (limit !== undefined) limit = Math.ceil(limit * grown)
    const length = Number(/^\s*\d+\s*,\s*(\d+)/.exec(args)?.[1] ?? Number.NaN)
    if (name === 'bytes' && length > 0) limit = length
    limit = limits.get(name) ?? limit
    if (name.startsWith('map')) limit = shortText
  }
  return { factor, limit }
}

/** Undefined when only HAProxy knows. */
function typeOf(expr: Word): SampleType | undefined {
  return compileExpression(expr, loneContext({ event: undefined }, true))?.type
}
