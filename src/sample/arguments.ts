/**
 * The arguments of fetches and converters (`make_arg_list` in src/arg.c): `(a,b,c)` with quotes and escapes of their
 * own, since those of the configuration line are gone by then. `'…'` keeps all, `"…"` keeps commas and parentheses,
 * and outside single quotes `\\`, `\ `, `\"`, `\'`, `\r`, `\n` and `\t` are escapes while any other backslash stays.
 */
import type { Place } from '../config/text/diagnostics.ts'
import { parseIp } from '../net/ip.ts'
import { parseMask } from './address.ts'
import type { BuildContext } from './build-context.ts'
import { complain } from './build-context.ts'
import { parseInteger } from './int64.ts'
import type { Source } from './source.ts'
import { placeAt } from './source.ts'
import type { Integer } from './value.ts'

/** What an argument must be. */
export type ArgType = 'str' | 'sint' | 'ipv4' | 'ipv6' | 'mask4' | 'mask6'

/** One argument of a fetch or converter. */
export interface ArgSpec {
  readonly name: string
  readonly type: ArgType
  readonly optional?: boolean
}

type ArgValue = string | Integer | Uint8Array

/** Arguments that fit their specs. */
export class Arguments {
  readonly #values: readonly (ArgValue | undefined)[]
  readonly #places: readonly Place[]
  readonly #context: BuildContext
  /** Where the keyword stands that they belong to. */
  readonly place: Place

  constructor(
    values: readonly (ArgValue | undefined)[],
    places: readonly Place[],
    place: Place,
    context: BuildContext,
  ) {
    this.#values = values
    this.#places = places
    this.place = place
    this.#context = context
  }

  /** How many were written. */
  get count(): number {
    return this.#values.length
  }

  /** The text of a `str` argument; undefined when it was left out. */
  text(at: number): string | undefined {
    const value = this.#values[at]
    return typeof value === 'string' ? value : undefined
  }

  /** The value of a `sint` argument; undefined when it was left out. */
  integer(at: number): Integer | undefined {
    const value = this.#values[at]
    return typeof value === 'number' || typeof value === 'bigint' ? value : undefined
  }

  /** As {@link integer}, for positions and counts: what is beyond safe integers is cut to one. */
  count32(at: number): number | undefined {
    const value = this.integer(at)
    if (typeof value !== 'bigint') return value
    return value < 0n ? -0x7fff_ffff : 0x7fff_ffff
  }

  /** The bytes of an address or mask argument; undefined when it was left out. */
  bytes(at: number): Uint8Array | undefined {
    const value = this.#values[at]
    return value instanceof Uint8Array ? value : undefined
  }

  /** Where an argument stands. */
  placeOf(at: number): Place {
    return this.#places[at] ?? this.place
  }

  /** Complains about an argument. Undefined, so that a builder can return it. */
  wrong(at: number, message: string, hint?: string): undefined {
    return complain(this.#context, 'CFG_SAMPLE_ARGUMENT', this.placeOf(at), message, hint)
  }
}

interface Piece {
  readonly text: string
  readonly at: number
}

/**
 * Parses the list at `at`, if there is one there. Undefined after a complaint.
 * @returns the arguments, and the offset behind the list
 */
export function parseArguments(
  source: Source,
  at: number,
  keyword: string,
  specs: readonly ArgSpec[],
  place: Place,
  context: BuildContext,
): { args: Arguments; end: number } | undefined {
  const written = splitArguments(source, at, keyword, context)
  if (written === undefined) return undefined
  const { end } = written
  let { pieces } = written
  // `()` is one empty string where a string may stand, else no argument at all.
  if (pieces.length === 1 && pieces[0]?.text === '' && specs[0]?.type !== 'str') pieces = []
  // A string that must be there is empty when no list is written at all.
  if (pieces.length === 0 && required(specs, 0) && specs[0]?.type === 'str') pieces = [{ text: '', at }]
  if (pieces.length > specs.length) {
    const surplus = pieces[specs.length]?.at ?? at
    const most = specs.length === 0 ? 'no argument' : `at most ${specs.length}`
    return complain(context, 'CFG_SAMPLE_ARGUMENT', placeAt(source, surplus), `'${keyword}' takes ${most}`)
  }
  const values = convertAll(source, pieces, keyword, specs, context)
  if (values === undefined) return undefined
  if (required(specs, pieces.length)) {
    const missing = specs[pieces.length]?.name ?? ''
    return complain(context, 'CFG_SAMPLE_ARGUMENT', place, `'${keyword}' misses its argument <${missing}>`)
  }
  const places = pieces.map((piece) => placeAt(source, piece.at))
  return { args: new Arguments(values, places, place, context), end }
}

function required(specs: readonly ArgSpec[], at: number): boolean {
  const spec = specs[at]
  return spec !== undefined && spec.optional !== true
}

function splitArguments(
  source: Source,
  at: number,
  keyword: string,
  context: BuildContext,
): { pieces: Piece[]; end: number } | undefined {
  const { text } = source
  if (text[at] !== '(') return { pieces: [], end: at }
  const pieces: Piece[] = []
  let position = at
  do {
    const first = position + 1
    const piece = readArgument(text, first)
    pieces.push({ text: piece.text, at: first })
    position = piece.end
  } while (text[position] === ',')
  if (text[position] === ')') return { pieces, end: position + 1 }
  return complain(
    context,
    'CFG_SAMPLE_SYNTAX',
    placeAt(source, at),
    `'${keyword}' has an argument list without its closing parenthesis`,
    "in an argument, commas and parentheses need quotes that reach HAProxy's second level: \"'a,b'\"",
  )
}

function readArgument(text: string, from: number): { text: string; end: number } {
  let out = ''
  let quote = ''
  let at = from
  for (; at < text.length; at++) {
    const char = text[at] ?? ''
    if (quote === '' && (char === ',' || char === ')')) break
    if ((char === '"' || char === "'") && (quote === '' || quote === char)) quote = quote === '' ? char : ''
    else if (char === '\\' && quote !== "'") {
      const escaped = escapes.get(text[at + 1] ?? '')
      out += escaped ?? char
      if (escaped !== undefined) at++
    } else out += char
  }
  return { text: out, end: at }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['\\', '\\'],
  [' ', ' '],
  ['"', '"'],
  ["'", "'"],
  ['r', '\r'],
  ['n', '\n'],
  ['t', '\t'],
])

function convertAll(
  source: Source,
  pieces: readonly Piece[],
  keyword: string,
  specs: readonly ArgSpec[],
  context: BuildContext,
): (ArgValue | undefined)[] | undefined {
  const values: (ArgValue | undefined)[] = []
  for (const [index, piece] of pieces.entries()) {
    const spec = specs[index]
    if (spec === undefined) return undefined
    const value = convert(piece.text, spec.type)
    if (value === undefined && (piece.text !== '' || spec.optional !== true)) {
      const message =
        piece.text === ''
          ? `argument <${spec.name}> of '${keyword}' is empty; ${wanted[spec.type]} is wanted`
          : `argument <${spec.name}> of '${keyword}' is '${piece.text}', which is not ${wanted[spec.type]}`
      return complain(context, 'CFG_SAMPLE_ARGUMENT', placeAt(source, piece.at), message)
    }
    values.push(value)
  }
  return values
}

const wanted: Readonly<Record<ArgType, string>> = {
  str: 'a string',
  sint: 'an integer',
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  mask4: 'an IPv4 mask',
  mask6: 'an IPv6 mask',
}

function convert(text: string, type: ArgType): ArgValue | undefined {
  switch (type) {
    case 'str':
      return text
    case 'sint':
      return parseInteger(text)
    case 'ipv4':
    case 'ipv6': {
      const bytes = parseIp(text)
      return bytes?.length === (type === 'ipv4' ? 4 : 16) ? bytes : undefined
    }
    case 'mask4':
      return parseMask(text, 4)
    case 'mask6':
      return parseMask(text, 16)
  }
}

/** `name(arg[,arg])` as the documentation writes it. */
export function formatSyntax(name: string, specs: readonly ArgSpec[]): string {
  if (specs.length === 0) return name
  let list = ''
  for (const [index, spec] of specs.entries()) {
    const comma = index === 0 ? '' : ','
    list += spec.optional === true ? `[${comma}${spec.name}]` : `${comma}${spec.name}`
  }
  return `${name}(${list})`
}
