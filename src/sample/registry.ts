/** Which fetches and converters expressions may name. */
import type { ConverterSpec } from './converters/spec.ts'
import type { FetchSpec } from './fetches/spec.ts'

/** Fetches under each of their names, converters under theirs. */
export interface SampleRegistry {
  readonly fetches: ReadonlyMap<string, FetchSpec>
  readonly converters: ReadonlyMap<string, ConverterSpec>
}

/** What is added to a registry. */
export interface SampleExtensions {
  readonly fetches?: readonly FetchSpec[]
  readonly converters?: readonly ConverterSpec[]
}

/** A registry with more in it; what has the name of something there takes its place. */
export function extendRegistry(
  registry: SampleRegistry,
  { fetches = [], converters = [] }: SampleExtensions,
): SampleRegistry {
  return {
    fetches: new Map([...registry.fetches, ...fetches.flatMap(namesOf)]),
    converters: new Map([...registry.converters, ...converters.map((spec) => [spec.name, spec] as const)]),
  }
}

function namesOf(spec: FetchSpec): (readonly [string, FetchSpec])[] {
  return [spec.name, ...(spec.aliases ?? [])].map((name) => [name, spec])
}
