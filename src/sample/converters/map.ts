/**
 * Converters that look values up in a map file (configuration.txt 7.3.1 `map`): `map_<match>_<type>`, where the match
 * is a matching method and the type that of the result.
 */
import { readAddress } from '../address.ts'
import type { ArgSpec, Arguments } from '../arguments.ts'
import type { BuildContext } from '../build-context.ts'
import { complain } from '../build-context.ts'
import { parseInteger } from '../int64.ts'
import type { MatchName } from '../patterns/match-method.ts'
import { matchMethods } from '../patterns/match-method.ts'
import { readMapLines, unreadableHint } from '../patterns/pattern-file.ts'
import type { PatternSet } from '../patterns/pattern-set.ts'
import { RegexPatterns } from '../patterns/regex-patterns.ts'
import { compileReplacement } from '../regex.ts'
import type { SampleType, SampleValue } from '../value.ts'
import { addr, sint, str, textOf } from '../value.ts'
import type { Converter, ConverterSpec } from './spec.ts'

/** A map is a matching method and the type of its results. */
type ResultType = 'str' | 'int' | 'ip'

const outputs: Readonly<Record<ResultType, SampleType>> = { str: 'str', int: 'sint', ip: 'addr' }

function readResult(text: string, type: ResultType): SampleValue | undefined {
  if (type === 'str') return str(text)
  if (type === 'int') {
    const integer = parseInteger(text)
    return integer === undefined ? undefined : sint(integer)
  }
  const bytes = readAddress(text)
  return bytes === undefined ? undefined : addr(bytes)
}

/** The text of the map file, or undefined after a complaint. */
function readMap(args: Arguments, context: BuildContext): string | undefined {
  const path = args.text(0) ?? ''
  const text = context.readPatternFile(path)
  if (text !== undefined) return text
  const message = `map file '${path}' cannot be read`
  return complain(context, 'CFG_SAMPLE_FILE', args.placeOf(0), message, unreadableHint)
}

/** Adds every line; false after complaints, which name the line of the map file. */
function fill<Value>(
  set: PatternSet<Value>,
  text: string,
  read: (value: string) => Value | string,
  file: string,
  context: BuildContext,
): boolean {
  let right = true
  readMapLines(text, (pattern, value, line) => {
    const result = read(value)
    const complaint = typeof result === 'string' ? result : set.add(pattern, result)
    if (complaint === undefined) return
    complain(context, 'CFG_SAMPLE_FILE', { file, line, column: 1 }, complaint)
    right = false
  })
  set.prepare?.()
  return right
}

function buildMap(match: MatchName, type: ResultType): ConverterSpec['build'] {
  return (args, context) => {
    const text = readMap(args, context)
    const written = type === 'int' ? args.integer(1)?.toString() : args.text(1)
    const fallback = written === undefined ? undefined : readResult(written, type)
    if (written !== undefined && fallback === undefined)
      return args.wrong(1, `default '${written}' is no address`)
    if (text === undefined) return undefined
    const set = matchMethods[match].create<SampleValue>(false, context.patternCache)
    const read = (value: string): SampleValue | string =>
      readResult(value, type) ?? `value '${value}' is not ${type === 'int' ? 'an integer' : 'an address'}`
    if (!fill(set, text, read, args.text(0) ?? '', context)) return undefined
    return (value) => set.find(value) ?? fallback
  }
}

/** As map_reg, with groups of the match in the value. */
function buildRegexMap(args: Arguments, context: BuildContext): Converter | undefined {
  const text = readMap(args, context)
  if (text === undefined) return undefined
  const set = new RegexPatterns<(match: RegExpExecArray) => string>(false)
  if (!fill(set, text, compileReplacement, args.text(0) ?? '', context)) return undefined
  const written = args.text(1)
  const fallback = written === undefined ? undefined : str(written)
  return (value) => {
    const found = set.findMatch(textOf(value))
    return found === undefined ? fallback : str(found.value(found.match))
  }
}

function argsFor(type: ResultType): readonly ArgSpec[] {
  return [
    { name: 'file', type: 'str' },
    { name: 'default', type: type === 'int' ? 'sint' : 'str', optional: true },
  ]
}

function spec(name: string, match: MatchName, type: ResultType): ConverterSpec {
  return {
    name,
    args: argsFor(type),
    input: matchMethods[match].expects,
    output: outputs[type],
    doc: `The value in a map file; keys match by \`${match}\`.`,
    build: buildMap(match, type),
  }
}

const mapMatches = ['str', 'beg', 'sub', 'dir', 'dom', 'end', 'reg', 'int', 'ip'] as const

/** The registry entries of this file. */
export const mapConverters: readonly ConverterSpec[] = [
  spec('map', 'str', 'str'),
  ...mapMatches.flatMap((match) => [
    spec(`map_${match}`, match, 'str'),
    spec(`map_${match}_int`, match, 'int'),
    spec(`map_${match}_ip`, match, 'ip'),
  ]),
  {
    ...spec('map_regm', 'reg', 'str'),
    doc: 'As map_reg; the value refers to groups of the match as \\0 to \\9.',
    build: buildRegexMap,
  },
]
