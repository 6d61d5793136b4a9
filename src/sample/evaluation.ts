/** How a compiled expression runs: a fetch, then for each converter a cast and the conversion, as closures. */
import { castTo } from './cast.ts'
import type { Converter, ConverterSpec } from './converters/spec.ts'
import type { Fetch } from './fetches/spec.ts'
import type { Stream } from './stream.ts'
import type { SampleType, SampleValue } from './value.ts'

/** Cast, then convert. */
export type Step = (value: SampleValue, stream: Stream) => SampleValue | undefined

/** The sample, or undefined. */
export type Evaluate = (stream: Stream) => SampleValue | undefined

/** Whether a test accepts one of the samples. */
export type Some = (stream: Stream, test: (value: SampleValue) => boolean) => boolean

/** The cast is left out when the declared types say that it never does anything. */
export function stepOf(from: SampleType, spec: ConverterSpec, convert: Converter): Step {
  if (spec.input === 'any' || (spec.input === 'sint' && from === 'sint')) return convert
  const cast = castTo(spec.input)
  return (value, stream) => {
    const input = cast(value)
    return input === undefined ? undefined : convert(input, stream)
  }
}

/** The fetch and all steps as one function. */
export function chainOf(fetch: Fetch['one'], steps: readonly Step[]): Evaluate {
  const [first, ...others] = steps
  if (first === undefined) return fetch
  if (others.length === 0)
    return (stream) => {
      const value = fetch(stream)
      return value === undefined ? undefined : first(value, stream)
    }
  return (stream) => {
    let value = fetch(stream)
    for (const step of steps) {
      if (value === undefined) return undefined
      value = step(value, stream)
    }
    return value
  }
}

/** Tries every sample of the fetch. */
export function someOf({ one, all }: Fetch, steps: readonly Step[]): Some {
  if (all === undefined) {
    const evaluate = chainOf(one, steps)
    return (stream, test) => {
      const value = evaluate(stream)
      return value !== undefined && test(value)
    }
  }
  return (stream, test) => {
    for (const sample of all(stream)) {
      let value: SampleValue | undefined = sample
      for (const step of steps) {
        value = step(value, stream)
        if (value === undefined) return false
      }
      if (test(value)) return true
    }
    return false
  }
}
