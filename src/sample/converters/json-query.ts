/** The converter `json_query`: one value of a JSON document (configuration.txt 7.3.1, RFC 8259). */
import type { Arguments } from '../arguments.ts'
import { normalize } from '../int64.ts'
import { findJson, parseJsonPath } from '../json-path.ts'
import type { JsonToken } from '../json-path.ts'
import type { SampleValue } from '../value.ts'
import { bool, sint, str, textOf } from '../value.ts'
import type { Converter, ConverterSpec } from './spec.ts'

/** As `%g` of C: six digits, an exponent for very large and very small numbers. */
function formatNumber(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [digits = '', exponent = ''] = value.toExponential(5).split('e')
  const power = Number(exponent)
  const short = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)
  if (power >= -4 && power < 6) return short(value.toFixed(5 - power))
  return `${short(digits)}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['\\', '\\'],
  ['"', '"'],
])

/** HAProxy reads `\u00XX` as one byte, and gives up at other code points and at `\/`. */
function unescape(text: string): string | undefined {
  let known = true
  const plain = text.replace(/\\(?:u00([0-9a-fA-F]{2})|(.?))/gs, (_, hex?: string, char?: string) => {
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
    const escaped = escapes.get(char ?? '')
    known &&= escaped !== undefined
    return escaped ?? ''
  })
  return known ? plain : undefined
}

/** What stands before a point; beyond the integers of JSON (53 bits) there is no result. */
function toInteger(text: string): SampleValue | undefined {
  const value = normalize(BigInt(/^-?\d+/.exec(text)?.[0] ?? 0))
  return typeof value === 'number' ? sint(value) : undefined
}

/** Objects, arrays and null have no value. */
function toSample({ type, text }: JsonToken, asInteger: boolean): SampleValue | undefined {
  switch (type) {
    case 'number':
      return asInteger ? toInteger(text) : str(formatNumber(Number(text)))
    case 'string': {
      const plain = unescape(text.slice(1, -1))
      return plain === undefined ? undefined : str(plain)
    }
    case 'true':
    case 'false':
      return bool(type === 'true')
    default:
      return undefined
  }
}

function build(args: Arguments): Converter | undefined {
  const path = parseJsonPath(args.text(0) ?? '')
  if (path === undefined) return args.wrong(0, `'${args.text(0) ?? ''}' is no path`, '$.key[0].key is one')
  const type = args.text(1) ?? ''
  if (type !== '' && type !== 'int') return args.wrong(1, `'${type}' is no type of results; int is`)
  return (value) => {
    const found = findJson(textOf(value), path)
    return found === undefined ? undefined : toSample(found, type === 'int')
  }
}

/** The registry entries of this file. */
export const jsonQueryConverters: readonly ConverterSpec[] = [
  {
    name: 'json_query',
    args: [
      { name: 'path', type: 'str' },
      { name: 'type', type: 'str', optional: true },
    ],
    input: 'str',
    output: 'any',
    doc: 'A string, number or boolean of a JSON document, by a path such as `$.key[0].key`; numbers as text, or with the type int as integers.',
    build,
  },
]
