/** What an entry of the registry of converters is, and helpers to write one. */
import type { ArgSpec, Arguments } from '../arguments.ts'
import type { BuildContext } from '../build-context.ts'
import type { Stream } from '../stream.ts'
import type { SampleType, SampleValue } from '../value.ts'
import { str, textOf } from '../value.ts'

/** A converter with its arguments bound. Its input was cast to the declared type; undefined when it fails. */
export type Converter = (value: SampleValue, stream: Stream) => SampleValue | undefined

/** One converter: everything that parsing, type checks, documentation and evaluation need. */
export interface ConverterSpec {
  readonly name: string
  readonly args: readonly ArgSpec[]
  readonly input: SampleType
  readonly output: SampleType
  /** One line for the documentation. */
  readonly doc: string
  /** A result does not change when more bytes come: it looks at a message, and knows where that ends. */
  readonly settles?: true
  /** Binds the arguments; undefined after a complaint. */
  build(args: Arguments, context: BuildContext): Converter | undefined
}

/** A converter without arguments. */
export function plain(
  name: string,
  input: SampleType,
  output: SampleType,
  doc: string,
  converter: Converter,
): ConverterSpec {
  return { name, args: [], input, output, doc, build: () => converter }
}

/** A converter of text to text without arguments; it works on `bin` that was not cast, too. */
export function textual(name: string, doc: string, convert: (text: string) => string): ConverterSpec {
  return plain(name, 'str', 'str', doc, (value) => str(convert(textOf(value))))
}
