/** Entries as lines of JSON, for programs. */
import type { Entry } from './entry.ts'

/**
 * One object a line: the fields of the entry, with `time` in ISO 8601, `hex` for bytes that are no frame, and without what is
 * undefined. Secrets are stars in it, as everywhere.
 */
export function formatJson(entry: Entry): string {
  const { time, ...rest } = entry
  const at = new Date(time).toISOString()
  if (rest.kind === 'broken') {
    const { bytes, ...told } = rest
    return JSON.stringify({ time: at, ...told, size: bytes.length })
  }
  if (rest.kind !== 'frame') return JSON.stringify({ time: at, ...rest })
  const { bytes: _, continues, ...told } = rest
  return JSON.stringify({ time: at, ...told, ...(continues ? { continues } : {}) })
}
