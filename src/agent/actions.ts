/** What handlers set; how it is encoded is action-writer.ts. */
import type { Scope } from '../spop/ack.ts'
import type { Value } from '../spop/typed-data.ts'

/** What a handler may tell HAProxy to do. */
export interface Actions {
  /**
   * Sets a variable. HAProxy puts the agent's `var-prefix` between scope and name, and ignores variables that its
   * configuration does not mention, unless `register-var-names` or `option force-set-var` says otherwise.
   *
   * Returns false when the action will not be sent: it does not fit the frame, or the answer has left already (a
   * deadline has passed). After an asynchronous handler, actions may still be left out when those of other messages
   * of the same NOTIFY have filled the frame; the statistics count that as `oversized`.
   * @throws AgentError `ERR_AGENT_VAR_NAME` for a name that HAProxy would drop, see `AgentOptions.varPrefix`; SpopError `ERR_SPOP_VALUE` for a value that has no SPOP form.
   */
  setVar(scope: Scope, name: string, value: Value): boolean
  /** Unsets a variable; returns and throws as {@link Actions.setVar}. */
  unsetVar(scope: Scope, name: string): boolean
}
