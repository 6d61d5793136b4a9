/** The fetch of variables (configuration.txt 7.3.2). */
import type { Arguments } from '../arguments.ts'
import type { BuildContext } from '../build-context.ts'
import { complain } from '../build-context.ts'
import { str } from '../value.ts'
import type { VariableName } from '../variables.ts'
import { parseVariableName } from '../variables.ts'
import type { Fetch, FetchSpec } from './spec.ts'

/** The variable that an argument names, registered; undefined after a complaint. */
export function readVariable(args: Arguments, at: number, context: BuildContext): VariableName | undefined {
  const name = parseVariableName(args.text(at) ?? '')
  if (typeof name === 'string') return complain(context, 'CFG_SAMPLE_VARIABLE', args.placeOf(at), name)
  context.variableNames.register(name)
  return name
}

function buildVariable(args: Arguments, context: BuildContext): Fetch | undefined {
  const variable = readVariable(args, 0, context)
  if (variable === undefined) return undefined
  const { scope, name } = variable
  const written = args.text(1)
  const fallback = written === undefined ? undefined : str(written)
  return {
    one: (stream) => {
      const store = stream.variables(scope)
      // A scope that does not exist has no default either.
      return store === undefined ? undefined : (store.get(name) ?? fallback)
    },
  }
}

/** The registry entries of this file. */
export const variableFetches: readonly FetchSpec[] = [
  {
    name: 'var',
    args: [
      { name: 'scope.name', type: 'str' },
      { name: 'default', type: 'str', optional: true },
    ],
    type: 'any',
    needs: ['constant'],
    doc: 'A variable, with the type that it was set with; the default is a string.',
    build: buildVariable,
  },
]
