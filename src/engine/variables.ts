import { scopes, type Action, type Scope } from '../spop/ack.ts'
import type { TypedData } from '../spop/typed-data.ts'

/**
 * What the actions of an answer amount to: for each scope the variables that are set, by name. Of two values for one name
 * the later counts, and a variable that was unset behind it, or set to NULL, is not there, as in HAProxy. Names come without
 * the agent's prefix, for that is a matter of HAProxy's configuration.
 */
export type Variables = { readonly [S in Scope]: ReadonlyMap<string, TypedData> }

/** The variables that are left when all actions are done, in their order. */
export function collectVariables(actions: readonly Action[]): Variables {
  const variables = emptyVariables()
  for (const action of actions) {
    const { scope, name } = action
    if (action.type === 'set-var' && action.value.type !== 'null') variables[scope].set(name, action.value)
    else variables[scope].delete(name)
  }
  return variables
}

function emptyVariables(): Record<Scope, Map<string, TypedData>> {
  // Object.fromEntries() forgets which names it was given.
  return Object.fromEntries(scopes.map((scope) => [scope, new Map()])) as Record<
    Scope,
    Map<string, TypedData>
  >
}
