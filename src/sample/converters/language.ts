/** The converter `language`: what of a list an Accept-Language field likes best (configuration.txt 7.3.1). */
import type { Arguments } from '../arguments.ts'
import { str, textOf } from '../value.ts'
import type { Converter, ConverterSpec } from './spec.ts'

/** `en-GB` asks for `en`, too; case matters, as in HAProxy. */
function matches(range: string, language: string): boolean {
  return range === language || range.startsWith(`${language}-`)
}

/** In thousandths; what cannot be read counts as 1, as in HAProxy (`http_parse_qvalue` in src/http.c). */
function readQuality(parameters: string): number {
  const written = /^;\s*q\s*=\s*(\d)(?:\.(\d{0,3}))?/.exec(parameters)
  if (written === null) return 1000
  return Math.min(1000, Number(written[1]) * 1000 + Number((written[2] ?? '').padEnd(3, '0')))
}

function choose(field: string, languages: readonly string[]): string | undefined {
  let best: string | undefined
  let most = 0
  for (const part of field.split(',')) {
    const [, range = '', parameters = ''] = /^\s*([^;\s]*)\s*(.*)$/s.exec(part) ?? []
    const language = range === '' ? undefined : languages.find((each) => matches(range, each))
    // Behind a range only parameters make sense.
    if (language === undefined || (parameters !== '' && !parameters.startsWith(';'))) continue
    const quality = readQuality(parameters)
    if (quality <= most) continue
    best = language
    most = quality
    if (most === 1000) break
  }
  return best
}

function build(args: Arguments): Converter {
  const languages = (args.text(0) ?? '').split(';').filter((each) => each !== '')
  const fallback = args.text(1) ?? ''
  return (value) => {
    const chosen = choose(textOf(value), languages) ?? fallback
    return chosen === '' ? undefined : str(chosen)
  }
}

/** The registry entries of this file. */
export const languageConverters: readonly ConverterSpec[] = [
  {
    name: 'language',
    args: [
      { name: 'languages', type: 'str' },
      { name: 'default', type: 'str', optional: true },
    ],
    input: 'str',
    output: 'str',
    doc: 'The language of a list, separated by semicolons, that an Accept-Language field likes best.',
    build,
  },
]
