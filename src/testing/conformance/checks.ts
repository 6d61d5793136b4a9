/** The table of all checks, in the order in which they run. */
import { ackChecks } from './ack-checks.ts'
import type { Check } from './check.ts'
import { deliveryChecks } from './delivery-checks.ts'
import { endChecks } from './end-checks.ts'
import { fragmentChecks } from './fragment-checks.ts'
import { garbageChecks } from './garbage-checks.ts'
import { handshakeChecks } from './handshake-checks.ts'
import { healthChecks } from './health-checks.ts'
import { notifyChecks } from './notify-checks.ts'
import { refusalChecks } from './refusal-checks.ts'

/** All of them. */
export const conformanceChecks: readonly Check[] = [
  ...handshakeChecks,
  ...refusalChecks,
  ...healthChecks,
  ...notifyChecks,
  ...ackChecks,
  ...deliveryChecks,
  ...fragmentChecks,
  ...garbageChecks,
  ...endChecks,
]
