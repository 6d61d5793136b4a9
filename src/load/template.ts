/** Text with places that are filled anew for each exchange: `/user/{seq}?from={ip}`. */
import { Buffer } from 'node:buffer'
import { UsageError } from '../base/errors.ts'
import { parseCidr } from '../net/cidr-map.ts'
import { IpAddress } from '../net/ip-address.ts'
import type { Random } from './random.ts'

/** What templates are filled from: the exchange that is about to be sent. */
export interface Turn {
  /** How many exchanges were begun before this one. */
  seq: number
  /** How many streams were begun before its own: the same for all exchanges of a stream. */
  stream: number
  readonly random: Random
}

/** One place: as text, and as a number or an address where it is one. */
export interface Place {
  text(turn: Turn): string
  readonly number?: (turn: Turn) => number
  readonly address?: (turn: Turn) => IpAddress
}

/** A template that was read: `text` of it is whole, `place` is there when it is one place and nothing else. */
export interface Template {
  readonly text: (turn: Turn) => string
  /** Undefined: it changes with each exchange. */
  readonly fixed: string | undefined
  readonly place: Place | undefined
}

type Maker = (params: string) => Place | undefined

const ofNumber = (number: (turn: Turn) => number): Place => ({ number, text: (turn) => String(number(turn)) })
const ofAddress = (address: (turn: Turn) => IpAddress): Place => ({
  address,
  text: (turn) => address(turn).toString(),
})

function counter(params: string): Place | undefined {
  if (!/^\d{0,15}$/.test(params)) return undefined
  const first = Number(params)
  return ofNumber((turn) => first + turn.seq)
}

function integer(params: string): Place | undefined {
  const match = /^(-?\d{1,15})-(-?\d{1,15})$/.exec(params)
  const [least, most] = [Number(match?.[1]), Number(match?.[2])]
  // NaN is not at most anything.
  return least <= most ? ofNumber((turn) => turn.random.between(least, most)) : undefined
}

function address(params: string): Place | undefined {
  const range = parseCidr(params === '' ? '10.0.0.0/8' : params)
  if (range === undefined) return undefined
  const { bytes, bits } = range
  const base = Array.from({ length: bytes.length / 4 }, (_, word) =>
    Buffer.from(bytes).readUInt32BE(word * 4),
  )
  /** Of each word, the bits that are free. */
  const free = base.map((_, word) => {
    const fixed = Math.min(32, Math.max(0, bits - word * 32))
    return fixed === 32 ? 0 : 0xffff_ffff >>> fixed
  })
  const word = (at: number, { random }: Turn) => {
    const mask = free[at] ?? 0
    return (((base[at] ?? 0) & ~mask) | (mask === 0 ? 0 : random.bits() & mask)) >>> 0
  }
  return base.length === 1
    ? ofAddress((turn) => IpAddress.fromUint32(word(0, turn)))
    : ofAddress((turn) => IpAddress.fromWords(word(0, turn), word(1, turn), word(2, turn), word(3, turn)))
}

function digits(random: Random, count: number): string {
  let text = ''
  while (text.length < count) text += random.bits().toString(16).padStart(8, '0')
  return text.slice(0, count)
}

const largestFill = 65_536

function sized(params: string, text: (count: number, turn: Turn) => string): Place | undefined {
  const count = Number(params)
  if (!/^\d{1,5}$/.test(params) || count < 1 || count > largestFill) return undefined
  return { text: (turn) => text(count, turn) }
}

function uuid({ random }: Turn): string {
  const hex = digits(random, 30)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(12, 15)}-8${hex.slice(15, 18)}-${hex.slice(18)}`
}

function choice(params: string): Place | undefined {
  const words = params.split('|')
  return params === ''
    ? undefined
    : { text: ({ random }) => words[random.between(0, words.length - 1)] ?? '' }
}

/** What may stand in braces, and how it is shown to whoever gets it wrong. */
const makers: Readonly<Record<string, readonly [form: string, make: Maker]>> = {
  seq: ['{seq} or {seq:FIRST}', counter],
  stream: ['{stream}', (params) => (params === '' ? ofNumber((turn) => turn.stream) : undefined)],
  int: ['{int:LEAST-MOST}', integer],
  ip: ['{ip} or {ip:RANGE/BITS}', address],
  hex: ['{hex:DIGITS}', (params) => sized(params, (count, { random }) => digits(random, count))],
  fill: ['{fill:BYTES}', (params) => sized(params, (count) => 'x'.repeat(count))],
  uuid: ['{uuid}', (params) => (params === '' ? { text: uuid } : undefined)],
  pick: ['{pick:ONE|OTHER|…}', choice],
}

const forms = Object.values(makers).map(([form]) => form)

/** A brace that was doubled, or a place. Other braces, such as those of JSON, stand for themselves. */
const token = /\{\{|\{([a-z0-9]+)(?::([^{}]*))?\}/g

/**
 * Reads a template. `{{` is a brace.
 * @param where names it in errors, such as `--arg ip=ip:{ipp}`.
 * @throws UsageError `ERR_SLUICE_OPTION` naming the place and the forms that there are.
 */
export function parseTemplate(text: string, where: string): Template {
  const parts: (string | Place)[] = []
  let at = 0
  for (const match of text.matchAll(token)) {
    parts.push(text.slice(at, match.index))
    parts.push(match[1] === undefined ? '{' : makePlace(match[0], match[1], match[2] ?? '', where))
    at = match.index + match[0].length
  }
  parts.push(text.slice(at))
  const filled = parts.filter((part) => part !== '')
  const [only] = filled
  if (filled.length === 1 && typeof only === 'object') {
    return { text: (turn) => only.text(turn), fixed: undefined, place: only }
  }
  if (filled.every((part) => typeof part === 'string')) {
    const fixed = filled.join('')
    return { text: () => fixed, fixed, place: undefined }
  }
  const render = (turn: Turn) => {
    let result = ''
    for (const part of filled) result += typeof part === 'string' ? part : part.text(turn)
    return result
  }
  return { text: render, fixed: undefined, place: undefined }
}

function makePlace(written: string, name: string, params: string, where: string): Place {
  const found = Object.hasOwn(makers, name) ? makers[name] : undefined
  const place = found?.[1](params)
  if (place !== undefined) return place
  const wanted = found === undefined ? forms.join(', ') : found[0]
  throw new UsageError(
    'ERR_SLUICE_OPTION',
    `${where}: ${written} is no template; use ${wanted}, or {{ for a brace`,
  )
}
