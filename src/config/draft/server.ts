/** `server` and `default-server` lines while they are being read. */
import { defaults } from '../model/defaults.ts'
import type { HealthCheck, Server } from '../model/index.ts'
import type { Draft } from '../text/writable.ts'

/** A `server` line being read; the numbers of `check` are kept even while there is no `check`. */
export interface ServerDraft extends Omit<Draft<Server>, 'check' | 'address' | 'place'> {
  checked: boolean
  checks: Draft<HealthCheck>
}

/** HAProxy's own defaults. */
export function createServerDraft(): ServerDraft {
  return {
    name: '',
    proto: undefined,
    checked: false,
    checks: {
      inter: defaults.server.inter,
      fastInter: undefined,
      downInter: undefined,
      rise: defaults.server.rise,
      fall: defaults.server.fall,
      proto: undefined,
      port: undefined,
      address: undefined,
    },
    weight: defaults.server.weight,
    backup: false,
    disabled: false,
    maxconn: undefined,
    poolMaxConn: undefined,
    id: undefined,
  }
}

/** A copy that can be changed without changing `server`. */
export function copyServerDraft(server: ServerDraft): ServerDraft {
  return { ...server, checks: { ...server.checks } }
}
