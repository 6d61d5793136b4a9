/** Names that an agent's entry has in HAProxy: `txn.ip_reputation.ok` for the output `ok` of `ip-reputation`. */
import type { MessageSpec } from './definition.ts'

/** What `option var-prefix` says for an entry: HAProxy takes no dash in a variable. */
export function variablePrefix(name: string): string {
  return name.replaceAll('-', '_')
}

/** The name of a message of an entry. */
export function messageName(name: string, { suffix }: MessageSpec): string {
  return suffix === '' ? name : `${name}-${suffix}`
}
