/** The converter `json`: text that may stand between the quotes of a JSON string (configuration.txt 7.3.1). */
import type { Arguments } from '../arguments.ts'
import { str, textOf } from '../value.ts'
import type { Converter, ConverterSpec } from './spec.ts'

/** How a byte sequence is read: `strict` refuses overlong forms, `skip` leaves out what is wrong instead of failing. */
interface Mode {
  readonly utf8: boolean
  readonly strict: boolean
  readonly skip: boolean
}

const modes: ReadonlyMap<string, Mode> = new Map([
  ['', { utf8: false, strict: false, skip: false }],
  ['ascii', { utf8: false, strict: false, skip: false }],
  ['utf8', { utf8: true, strict: true, skip: false }],
  ['utf8s', { utf8: true, strict: true, skip: true }],
  ['utf8p', { utf8: true, strict: false, skip: false }],
  ['utf8ps', { utf8: true, strict: false, skip: true }],
])

const escapes: ReadonlyMap<number, string> = new Map([
  [0x22, '\\"'],
  [0x5c, '\\\\'],
  [0x2f, '\\/'],
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [12, '\\f'],
  [13, '\\r'],
])

function escape(code: number): string {
  const short = escapes.get(code)
  if (short !== undefined) return short
  return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : `\\u${code.toString(16).padStart(4, '0')}`
}

interface Sequence {
  readonly code: number
  readonly length: number
  readonly broken: boolean
  readonly overlong: boolean
}

/** The UTF-8 sequence at a position of latin1 text, in the old form of up to six bytes. */
function readSequence(text: string, at: number): Sequence {
  const first = text.charCodeAt(at)
  if (first < 0x80) return { code: first, length: 1, broken: false, overlong: false }
  const wanted = first < 0xc0 || first >= 0xfe ? 0 : sequenceLength(first)
  if (wanted === 0 || at + wanted > text.length)
    return { code: first, length: 1, broken: true, overlong: false }
  let code = first & (0x7f >> wanted)
  for (let offset = 1; offset < wanted; offset++) {
    const next = text.charCodeAt(at + offset)
    if ((next & 0xc0) !== 0x80) return { code, length: offset, broken: true, overlong: false }
    code = code * 64 + (next & 0x3f)
  }
  const needed = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : code < 0x20_0000 ? 4 : wanted
  const invalid = (code >= 0xd800 && code <= 0xdfff) || code === 0xfffe || code === 0xffff
  return { code, length: wanted, broken: invalid, overlong: wanted > needed }
}

function sequenceLength(first: number): number {
  for (let length = 2; length < 6; length++) if (first < 0x100 - (0x80 >> length)) return length
  return 6
}

/** Undefined when the input is not what the mode wants. */
function encode(text: string, mode: Mode): string | undefined {
  let out = ''
  for (let at = 0; at < text.length;) {
    if (!mode.utf8) {
      out += escape(text.charCodeAt(at++))
      continue
    }
    const sequence = readSequence(text, at)
    at += sequence.length
    const wrong = sequence.broken || (mode.strict && sequence.overlong) || sequence.code > 0xffff
    if (!wrong) out += escape(sequence.code)
    else if (!mode.skip) return undefined
  }
  return out
}

function build(args: Arguments): Converter | undefined {
  const mode = modes.get(args.text(0) ?? '')
  if (mode === undefined)
    return args.wrong(0, `'${args.text(0) ?? ''}' is no input code; ascii, utf8, utf8s, utf8p and utf8ps are`)
  return (value) => {
    const encoded = encode(textOf(value), mode)
    return encoded === undefined ? undefined : str(encoded)
  }
}

/** The registry entries of this file. */
export const jsonConverters: readonly ConverterSpec[] = [
  {
    name: 'json',
    args: [{ name: 'input-code', type: 'str', optional: true }],
    input: 'str',
    output: 'str',
    doc: 'Escaped for a JSON string; the input is ascii (bytes) or UTF-8: utf8, utf8s, utf8p, utf8ps.',
    build,
  },
]
