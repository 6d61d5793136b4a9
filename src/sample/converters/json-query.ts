/** The converter `json_query`: one value of a JSON document (configuration.txt 7.3.1, RFC 8259). */
import type { Arguments } from '../arguments.ts'
import type { SampleValue } from '../value.ts'
import { bool, sint, str, textOf } from '../value.ts'
import type { Converter, ConverterSpec } from './spec.ts'

/** `$.a.b[1].c` as keys and indexes; undefined when it is no path. */
function readPath(text: string): (string | number)[] | undefined {
  if (!text.startsWith('$')) return undefined
  const steps: (string | number)[] = []
  const step = /\.((?:\\.|[^.[\\])+)|\[(\d+)\]/y
  for (step.lastIndex = 1; step.lastIndex < text.length;) {
    const match = step.exec(text)
    if (match === null) return undefined
    steps.push(match[2] === undefined ? (match[1] ?? '').replace(/\\(.)/g, '$1') : Number(match[2]))
  }
  return steps
}

function find(document: unknown, steps: readonly (string | number)[]): unknown {
  let found = document
  for (const step of steps) {
    if (typeof found !== 'object' || found === null) return undefined
    if (Array.isArray(found) !== (typeof step === 'number')) return undefined
    if (!Object.hasOwn(found, step)) return undefined
    found = (found as Record<string | number, unknown>)[step] // an object with this key
  }
  return found
}

/** As `%g` of C: six digits, an exponent for very large and very small numbers. */
function formatNumber(value: number): string {
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [digits = '', exponent = ''] = value.toExponential(5).split('e')
  const power = Number(exponent)
  const short = (text: string): string => (text.includes('.') ? text.replace(/\.?0+$/, '') : text)
  if (power >= -4 && power < 6) return short(value.toFixed(5 - power))
  return `${short(digits)}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
}

/** Objects, arrays and null have no value; text beyond single bytes cannot be written as an escape, as in HAProxy. */
function toSample(found: unknown, asInteger: boolean): SampleValue | undefined {
  switch (typeof found) {
    case 'boolean':
      return bool(found)
    case 'string':
      // eslint-disable-next-line no-control-regex
      return /^[\0-\xff]*$/.test(found) ? str(found) : undefined
    case 'number': {
      if (!asInteger) return str(formatNumber(found))
      const whole = Math.trunc(found)
      return Number.isSafeInteger(whole) ? sint(whole) : undefined
    }
    default:
      return undefined
  }
}

function build(args: Arguments): Converter | undefined {
  const path = readPath(args.text(0) ?? '')
  if (path === undefined) return args.wrong(0, `'${args.text(0) ?? ''}' is no path`, '$.key[0].key is one')
  const type = args.text(1) ?? ''
  if (type !== '' && type !== 'int') return args.wrong(1, `'${type}' is no type of results; int is`)
  return (value) => {
    try {
      return toSample(find(JSON.parse(textOf(value)), path), type === 'int')
    } catch {
      return undefined
    }
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
