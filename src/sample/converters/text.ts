/** Converters of text (configuration.txt 7.3.1). */
import type { Arguments } from '../arguments.ts'
import type { BuildContext } from '../build-context.ts'
import { complain } from '../build-context.ts'
import { toStr } from '../cast.ts'
import { readVariable } from '../fetches/variable.ts'
import { field, word } from '../fields.ts'
import { lowerAscii, upperAscii } from '../http-text.ts'
import { compileRegex, compileReplacement } from '../regex.ts'
import type { Stream } from '../stream.ts'
import { bin, sint, str, textOf, truthOf } from '../value.ts'
import type { VariableName } from '../variables.ts'
import type { Converter, ConverterSpec } from './spec.ts'
import { plain, textual } from './spec.ts'

/** The variable of an optional argument: undefined when there is none, false after a complaint. */
function optionalVariable(
  args: Arguments,
  at: number,
  context: BuildContext,
): VariableName | undefined | false {
  if ((args.text(at) ?? '') === '') return undefined
  return readVariable(args, at, context) ?? false
}

/** The text of a variable; undefined when it is not set or has none. */
function variableText(stream: Stream, variable: VariableName | undefined): string | undefined {
  const value = variable === undefined ? undefined : stream.variables(variable.scope)?.get(variable.name)
  const text = value === undefined ? undefined : toStr(value)
  return text === undefined ? undefined : textOf(text)
}

function buildConcat(args: Arguments, context: BuildContext): Converter | undefined {
  const variable = optionalVariable(args, 1, context)
  if (variable === false) return undefined
  const before = args.text(0) ?? ''
  const after = args.text(2) ?? ''
  return (value, stream) => str(textOf(value) + before + (variableText(stream, variable) ?? '') + after)
}

function buildAddItem(args: Arguments, context: BuildContext): Converter | undefined {
  const variable = optionalVariable(args, 1, context)
  if (variable === false) return undefined
  const delimiter = args.text(0) ?? ''
  const suffix = args.text(2) ?? ''
  if (variable === undefined && suffix === '') return args.wrong(1, 'add_item needs a variable or a suffix')
  return (value, stream) => {
    const text = textOf(value)
    const item = (variableText(stream, variable) ?? '') + suffix
    return str(text === '' || item === '' ? text + item : text + delimiter + item)
  }
}

function buildStrcmp(args: Arguments, context: BuildContext): Converter | undefined {
  const variable = readVariable(args, 0, context)
  if (variable === undefined) return undefined
  return (value, stream) => {
    const other = variableText(stream, variable)
    return other === undefined ? undefined : sint(compareBytes(textOf(value), other))
  }
}

/** As strncmp of the common length, then by length: the difference of the first bytes that differ, or -1, 0, 1. */
function compareBytes(a: string, b: string): number {
  const common = Math.min(a.length, b.length)
  for (let at = 0; at < common; at++) {
    const difference = a.charCodeAt(at) - b.charCodeAt(at)
    if (difference !== 0) return difference
    if (a.charCodeAt(at) === 0) break
  }
  return Math.sign(a.length - b.length)
}

function buildPart(pick: typeof field): (args: Arguments) => Converter | undefined {
  return (args) => {
    const index = args.count32(0) ?? 0
    const separators = args.text(1) ?? ''
    const count = args.count32(2) ?? 1
    if (index === 0)
      return args.wrong(0, 'the index counts from 1, or from the end when negative; 0 is neither')
    if (separators === '') return args.wrong(1, 'the list of separators is empty')
    return (value) => {
      const part = pick(textOf(value), index, separators, count)
      return part === undefined ? undefined : str(part)
    }
  }
}

function buildBytes(args: Arguments): Converter | undefined {
  const offset = args.count32(0) ?? 0
  const length = args.count32(1)
  if (offset < 0) return args.wrong(0, 'the offset must not be negative')
  if (length !== undefined && length < 0) return args.wrong(1, 'the length must not be negative')
  const end = length === undefined ? undefined : offset + length
  // What came in as a string goes out as one, as in HAProxy.
  return (value) =>
    value.type === 'bin' ? bin(value.value.subarray(offset, end)) : str(textOf(value).slice(offset, end))
}

function buildTrim(side: 'left' | 'right'): (args: Arguments) => Converter {
  return (args) => {
    const chars = args.text(0) ?? ''
    return (value) => {
      const text = textOf(value)
      let first = 0
      let last = text.length
      if (side === 'left') while (first < last && chars.includes(text[first] ?? '')) first++
      else while (last > first && chars.includes(text[last - 1] ?? '')) last--
      return str(text.slice(first, last))
    }
  }
}

function buildRegsub(args: Arguments, context: BuildContext): Converter | undefined {
  const flags = args.text(2) ?? ''
  if (/[^ig]/.test(flags)) return args.wrong(2, `'${flags}' are no flags of regsub; i and g are`)
  const ignoreCase = flags.includes('i')
  const first = compileRegex(args.text(0) ?? '', { ignoreCase })
  const later = compileRegex(args.text(0) ?? '', { ignoreCase, notAtStart: true })
  if (typeof first === 'string' || typeof later === 'string')
    return complain(context, 'CFG_SAMPLE_REGEX', args.placeOf(0), typeof first === 'string' ? first : 'wrong')
  const replace = compileReplacement(args.text(1) ?? '')
  if (typeof replace === 'string') return complain(context, 'CFG_SAMPLE_REGEX', args.placeOf(1), replace)
  const limit = flags.includes('g') ? Number.POSITIVE_INFINITY : 1
  return (value) => str(substitute(textOf(value), first, later, replace, limit))
}

/** Each round starts anew behind the last match; an empty match takes the next character along. */
function substitute(
  text: string,
  first: RegExp,
  later: RegExp,
  replace: (match: RegExpExecArray) => string,
  limit: number,
): string {
  let out = ''
  let rest = text
  for (let round = 0; round < limit; round++) {
    const match = (round === 0 ? first : later).exec(rest)
    if (match === null) break
    const end = match.index + match[0].length
    out += rest.slice(0, match.index) + replace(match)
    if (rest === '') return out
    if (end === 0) out += rest[0] ?? ''
    rest = rest.slice(Math.max(end, 1))
  }
  return out + rest
}

const partArgs = [
  { name: 'index', type: 'sint' },
  { name: 'delimiters', type: 'str' },
  { name: 'count', type: 'sint', optional: true },
] as const

const affixArgs = [
  { name: 'start', type: 'str' },
  { name: 'scope.name', type: 'str', optional: true },
  { name: 'end', type: 'str', optional: true },
] as const

/** The registry entries of this file. */
export const textConverters: readonly ConverterSpec[] = [
  textual('lower', 'A to Z in lower case.', lowerAscii),
  textual('upper', 'a to z in upper case.', upperAscii),
  plain('length', 'str', 'sint', 'The length in bytes.', (value) => sint(textOf(value).length)),
  textual('cut_crlf', 'What stands before the first CR or LF.', (text) => text.split(/[\r\n]/, 1)[0] ?? ''),
  {
    name: 'ltrim',
    args: [{ name: 'chars', type: 'str' }],
    input: 'str',
    output: 'str',
    doc: 'Without these characters at the beginning.',
    build: buildTrim('left'),
  },
  {
    name: 'rtrim',
    args: [{ name: 'chars', type: 'str' }],
    input: 'str',
    output: 'str',
    doc: 'Without these characters at the end.',
    build: buildTrim('right'),
  },
  {
    name: 'bytes',
    args: [
      { name: 'offset', type: 'sint' },
      { name: 'length', type: 'sint', optional: true },
    ],
    input: 'bin',
    output: 'bin',
    doc: 'The bytes from an offset, at most so many.',
    build: buildBytes,
  },
  {
    name: 'field',
    args: partArgs,
    input: 'str',
    output: 'str',
    doc: 'The n-th field between delimiters (several with a count, all that follow with 0); empty ones count.',
    build: buildPart(field),
  },
  {
    name: 'word',
    args: partArgs,
    input: 'str',
    output: 'str',
    doc: 'As field, but neighbouring delimiters are one; empty when there is no such word.',
    build: buildPart(word),
  },
  {
    name: 'concat',
    args: affixArgs,
    input: 'str',
    output: 'str',
    doc: 'With a string, the text of a variable and another string behind it.',
    build: buildConcat,
  },
  {
    name: 'add_item',
    args: [{ name: 'delim', type: 'str' }, ...affixArgs.slice(1)],
    input: 'str',
    output: 'str',
    doc: 'With a variable and a suffix behind it, after a delimiter when both sides have something.',
    build: buildAddItem,
  },
  {
    name: 'strcmp',
    args: [{ name: 'scope.name', type: 'str' }],
    input: 'str',
    output: 'sint',
    doc: 'Compared with the text of a variable: negative, 0 or positive.',
    build: buildStrcmp,
  },
  {
    name: 'regsub',
    args: [
      { name: 'regex', type: 'str' },
      { name: 'subst', type: 'str' },
      { name: 'flags', type: 'str', optional: true },
    ],
    input: 'str',
    output: 'str',
    doc: 'With the first match replaced, or all with flag g; flag i ignores case.',
    build: buildRegsub,
  },
  {
    name: 'iif',
    args: [
      { name: 'true', type: 'str' },
      { name: 'false', type: 'str' },
    ],
    input: 'bool',
    output: 'str',
    doc: 'The first string when true, else the second.',
    build: (args) => {
      const yes = str(args.text(0) ?? '')
      const no = str(args.text(1) ?? '')
      return (value) => (truthOf(value) ? yes : no)
    },
  },
]
