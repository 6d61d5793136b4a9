/** Actions as variables: what HAProxy would know after an ACK. */
import type { IpAddress } from '../net/ip-address.ts'
import { requireArgument } from '../base/options.ts'
import type { Action } from '../spop/ack.ts'

/** A variable's value without its wire type: a string is text, a binary is bytes. */
export type PlainValue = null | boolean | number | bigint | string | Buffer | IpAddress

/**
 * The variables after all actions, by `scope.name`. A variable that was unset, or set to NULL, which is the same to
 * HAProxy, is null.
 * @throws UsageError `ERR_SLUICE_OPTION` for what are no actions.
 */
export function variablesOf(actions: Iterable<Action>): Map<string, PlainValue> {
  const isList = typeof actions === 'object' && actions !== null && Symbol.iterator in actions
  requireArgument(isList, 'variablesOf: the actions', actionsRule, actions)
  const variables = new Map<string, PlainValue>()
  for (const action of actions) {
    requireArgument(isAction(action), 'variablesOf: the actions', actionsRule, action)
    const set = action.type === 'set-var' && action.value.type !== 'null' ? action.value.value : null
    variables.set(`${action.scope}.${action.name}`, set)
  }
  return variables
}

const actionsRule = 'must be what an ACK holds'

function isAction(given: Action): boolean {
  if (typeof given !== 'object' || given === null) return false
  return given.type === 'unset-var' || (given.type === 'set-var' && typeof given.value === 'object')
}
