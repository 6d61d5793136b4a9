/**
 * Converters that look values up in a map file (configuration.txt 7.3.1 `map`): `map_<match>_<type>`, where the match
 * is a matching method and the type that of the result.
 */
import type { Buffer } from 'node:buffer'
import type { ArgSpec, Arguments } from '../arguments.ts'
import type { BuildContext } from '../build-context.ts'
import { complain } from '../build-context.ts'
import type { MatchName } from '../patterns/match-method.ts'
import { matchMethods } from '../patterns/match-method.ts'
import { PatternFile, unreadableHint } from '../patterns/pattern-file.ts'
import type { PatternSet } from '../patterns/pattern-set.ts'
import { RegexPatterns } from '../patterns/regex-patterns.ts'
import { compileReplacement } from '../regex.ts'
import type { SampleType } from '../value.ts'
import { str, textOf } from '../value.ts'
import { MapResults, readResult, type ResultType } from './map-results.ts'
import type { Converter, ConverterSpec } from './spec.ts'

const outputs: Readonly<Record<ResultType, SampleType>> = { str: 'str', int: 'sint', ip: 'addr' }

/** The bytes of the map file, or undefined after a complaint. */
function readMap(args: Arguments, context: BuildContext): Buffer | undefined {
  const path = args.text(0) ?? ''
  const bytes = context.readPatternFile(path)
  if (bytes !== undefined) return bytes
  const message = `map file '${path}' cannot be read`
  return complain(context, 'CFG_SAMPLE_FILE', args.placeOf(0), message, unreadableHint)
}

/** Adds every line; false after complaints, which name the line of the map file. `addValue` complains as a set does. */
function fill(
  set: PatternSet,
  bytes: Buffer,
  addValue: (bytes: Buffer, start: number, end: number) => string | undefined,
  file: string,
  context: BuildContext,
): boolean {
  let right = true
  const lines = new PatternFile(bytes, true)
  while (lines.next()) {
    const complaint =
      addValue(bytes, lines.valueStart, lines.valueEnd) ?? set.add(bytes, lines.start, lines.end)
    if (complaint === undefined) continue
    complain(context, 'CFG_SAMPLE_FILE', { file, line: lines.line, column: 1 }, complaint)
    right = false
  }
  set.prepare?.()
  return right
}

function buildMap(match: MatchName, type: ResultType): ConverterSpec['build'] {
  return (args, context) => {
    const bytes = readMap(args, context)
    const written = type === 'int' ? args.integer(1)?.toString() : args.text(1)
    const fallback = written === undefined ? undefined : readResult(written, type)
    if (written !== undefined && fallback === undefined)
      return args.wrong(1, `default '${written}' is no address`)
    if (bytes === undefined) return undefined
    const set = matchMethods[match].create(false, context.patternCache)
    const results = new MapResults(type)
    const addValue = results.add.bind(results)
    if (!fill(set, bytes, addValue, args.text(0) ?? '', context)) return undefined
    return (value) => {
      const number = set.find(value)
      return number < 0 ? fallback : results.get(number)
    }
  }
}

/** As map_reg, with groups of the match in the value. */
function buildRegexMap(args: Arguments, context: BuildContext): Converter | undefined {
  const bytes = readMap(args, context)
  if (bytes === undefined) return undefined
  const set = new RegexPatterns(false)
  const replacements: ((match: RegExpExecArray) => string)[] = []
  const addValue = (bytes: Buffer, start: number, end: number): string | undefined => {
    const replacement = compileReplacement(bytes.toString('latin1', start, end))
    if (typeof replacement === 'string') return replacement
    replacements.push(replacement)
    return undefined
  }
  if (!fill(set, bytes, addValue, args.text(0) ?? '', context)) return undefined
  const written = args.text(1)
  const fallback = written === undefined ? undefined : str(written)
  return (value) => {
    const found = set.findMatch(textOf(value))
    if (found === undefined) return fallback
    return str(replacements[found.number]?.(found.match) ?? '')
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
