/** Converters of dates (configuration.txt 7.3.1). */
import type { Arguments } from '../arguments.ts'
import type { DateUnit } from '../fetches/constant.ts'
import { readUnit } from '../fetches/constant.ts'
import { add, divide, modulo } from '../int64.ts'
import { strftime } from '../strftime.ts'
import type { Integer } from '../value.ts'
import { integerOf, str } from '../value.ts'
import type { Converter, ConverterSpec } from './spec.ts'

/** HAProxy keeps 55 bits of seconds; a Date holds fewer, and what is beyond becomes an empty string. */
function seconds(value: Integer, offset: Integer): number {
  return Number(BigInt(value) & 0x007f_ffff_ffff_ffffn) + Number(offset)
}

function buildFormat(utc: boolean): (args: Arguments) => Converter {
  return (args) => {
    const format = args.text(0) ?? ''
    const offset = args.integer(1) ?? 0
    return (value) => str(strftime(format, seconds(integerOf(value), offset), utc))
  }
}

const perSecond: Readonly<Record<DateUnit, number>> = { s: 1, ms: 1000, us: 1_000_000 }

function buildHttpDate(args: Arguments): Converter | undefined {
  const unit = readUnit(args, 1)
  if (unit === undefined) return undefined
  const offset = args.integer(0) ?? 0
  const scale = perSecond[unit]
  return (value) => {
    const moved = add(integerOf(value), offset)
    // HAProxy writes the fraction without leading zeros.
    const fraction = unit === 's' ? '' : `.${modulo(moved, scale).toString()}`
    const whole = seconds(divide(moved, scale), 0)
    return str(`${strftime('%a, %d %b %Y %H:%M:%S', whole, true)}${fraction} GMT`)
  }
}

const formatArgs = [
  { name: 'format', type: 'str' },
  { name: 'offset', type: 'sint', optional: true },
] as const

/** The registry entries of this file. */
export const timeConverters: readonly ConverterSpec[] = [
  {
    name: 'ltime',
    args: formatArgs,
    input: 'sint',
    output: 'str',
    doc: 'Seconds since 1970 as strftime writes them in local time.',
    build: buildFormat(false),
  },
  {
    name: 'utime',
    args: formatArgs,
    input: 'sint',
    output: 'str',
    doc: 'Seconds since 1970 as strftime writes them in UTC.',
    build: buildFormat(true),
  },
  {
    name: 'http_date',
    args: [
      { name: 'offset', type: 'sint', optional: true },
      { name: 'unit', type: 'str', optional: true },
    ],
    input: 'sint',
    output: 'str',
    doc: 'A date as HTTP writes it, from seconds, milliseconds (ms) or microseconds (us) since 1970.',
    build: buildHttpDate,
  },
]
