/** Converters of FIX messages (configuration.txt 7.3.1). */
import { Buffer } from 'node:buffer'
import type { Arguments } from '../arguments.ts'
import { checkFix, fixTag, fixValue } from '../fix.ts'
import { bin, bool, textOf } from '../value.ts'
import type { Converter, ConverterSpec } from './spec.ts'

function buildTagValue(args: Arguments): Converter | undefined {
  const text = args.text(0) ?? ''
  const tag = fixTag(text)
  if (tag === 0) return args.wrong(0, `'${text}' is no FIX tag`)
  return (value) => {
    const found = fixValue(textOf(value), tag)
    return found === undefined ? undefined : bin(Buffer.from(found, 'latin1'))
  }
}

/** The registry entries of this file. */
export const fixConverters: readonly ConverterSpec[] = [
  {
    name: 'fix_is_valid',
    args: [],
    input: 'bin',
    output: 'bool',
    doc: 'Whether it is a FIX message; none while it is not whole.',
    settles: true,
    build: () => (value) => {
      const verdict = checkFix(textOf(value))
      return verdict === 'incomplete' ? undefined : bool(verdict === 'valid')
    },
  },
  {
    name: 'fix_tag_value',
    args: [{ name: 'tag', type: 'str' }],
    input: 'bin',
    output: 'bin',
    doc: 'The value of a tag of a FIX message, by its number or one of the names of the standard header.',
    settles: true,
    build: buildTagValue,
  },
]
