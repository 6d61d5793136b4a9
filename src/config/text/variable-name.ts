/** The model of names of variables. */

/** How long a variable lives: the process, the client connection, the transaction, its request, its response. */
export type VariableScope = 'proc' | 'sess' | 'txn' | 'req' | 'res'

/** `txn.iprep.score` is scope `txn` and name `iprep.score`. */
export interface VariableName {
  readonly scope: VariableScope
  readonly name: string
}
