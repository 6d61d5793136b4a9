/** Says of a value that cannot be sent which variable it was for, and what to do. */
import { show } from '../base/options.ts'
import { scopes, type Scope } from '../spop/ack.ts'
import { SpopError } from '../spop/errors.ts'

/** The error to throw in place of `error`, which the encoder has thrown; that itself when it is about something else. */
export function explainValue(error: unknown, scope: Scope, name: string, value: unknown): unknown {
  if (!(error instanceof SpopError) || error.code !== 'ERR_SPOP_VALUE' || !scopes.includes(scope))
    return error
  const detail = `variable '${scope}.${name}': ${describe(value, error)}`
  return new SpopError('ERR_SPOP_VALUE', detail, { fault: 'local', cause: error })
}

function describe(value: unknown, error: SpopError): string {
  // Of typed data the encoder knows what is wrong with it.
  const isData = typeof value === 'object' && value !== null && 'type' in value
  if (isData) return error.message.slice(error.message.indexOf(': ') + 2)
  // An object may be large, and hold what is nobody's business.
  return `${typeof value === 'object' ? 'an object' : show(value)}; ${remedyFor(value)}`
}

function remedyFor(value: unknown): string {
  switch (typeof value) {
    case 'number':
      return Number.isInteger(value)
        ? 'use a bigint, which is exact'
        : 'HAProxy has whole numbers only: round it, scale it, or set it as text'
    case 'bigint':
      return "HAProxy's integers have 64 bits and a sign: set it as text"
    case 'undefined':
      return 'null unsets a variable'
    default:
      return 'take a boolean, a whole number, a bigint, text, bytes, an IpAddress, null, or typed data'
  }
}
