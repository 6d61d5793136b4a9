/** The fetches and converters that HAProxy has and sluice knows. */
import { converters } from './converters/registry.ts'
import { fetches } from './fetches/registry.ts'
import { extendRegistry } from './registry.ts'
import type { SampleRegistry } from './registry.ts'

/** All that docs/samples.md lists. */
export const defaultRegistry: SampleRegistry = extendRegistry(
  { fetches: new Map(), converters: new Map() },
  { fetches, converters },
)
