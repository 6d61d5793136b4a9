/** Actions as variables: what HAProxy would know after an ACK. */
import type { IpAddress } from '../ip-address.ts'
import type { Action } from '../spop/ack.ts'

/** A variable's value without its wire type: a string is text, a binary is bytes. */
export type PlainValue = null | boolean | number | bigint | string | Buffer | IpAddress

/**
 * The variables after all actions, by `scope.name`. A variable that was unset, or set to NULL, which is the same to
 * HAProxy, is null.
 */
export function variablesOf(actions: Iterable<Action>): Map<string, PlainValue> {
  const variables = new Map<string, PlainValue>()
  for (const action of actions) {
    const set = action.type === 'set-var' && action.value.type !== 'null' ? action.value.value : null
    variables.set(`${action.scope}.${action.name}`, set)
  }
  return variables
}
