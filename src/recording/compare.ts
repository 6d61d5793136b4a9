/** What two answers differ in. Only what is left when all actions are done counts: their order, and what is set twice, does not. */
import type { Action } from '../spop/ack.ts'
import type { TypedData } from '../spop/typed-data.ts'

/** What an answer does to one variable, as text: `int64 90`, `string "a"`, `unset`. */
export type Effects = ReadonlyMap<string, string>

/** One variable that two answers do not agree about; undefined: that answer says nothing of it. */
export interface Difference {
  /** `sess.ip_score`: without the prefix of the configuration. */
  readonly variable: string
  /** Its value as recorded, as text. */
  readonly before: string | undefined
  /** Its value now, as text. */
  readonly after: string | undefined
}

/** What is not looked at: values of these variables, and these variables as a whole. */
export interface Leniency {
  /** Their values were not recorded; `*` stands for all. */
  readonly omitted: ReadonlySet<string>
  /** `name`, or `scope.name`. */
  readonly ignored: ReadonlySet<string>
}

/** What an answer amounts to. */
export function effectsOf(actions: readonly Action[], { omitted, ignored }: Leniency): Effects {
  const effects = new Map<string, string>()
  for (const action of actions) {
    const { scope, name } = action
    const variable = `${scope}.${name}`
    if (ignored.has(name) || ignored.has(variable)) continue
    if (action.type === 'unset-var') effects.set(variable, 'unset')
    else {
      const isHidden = omitted.has(name) || omitted.has('*')
      effects.set(variable, isHidden ? 'set' : formatValue(action.value))
    }
  }
  return effects
}

/** In the order of the names. */
export function compareEffects(before: Effects, after: Effects): Difference[] {
  const variables = [...new Set([...before.keys(), ...after.keys()])].sort()
  return variables.flatMap((variable) => {
    const [was, is] = [before.get(variable), after.get(variable)]
    return was === is ? [] : [{ variable, before: was, after: is }]
  })
}

/** Longer values are cut: a difference is to be read. */
const mostCharacters = 60

/** With its type, for a variable of another type is another value to HAProxy's rules. NULL unsets. */
export function formatValue(data: TypedData): string {
  switch (data.type) {
    case 'null':
      return 'unset'
    case 'string':
      return `string ${cut(JSON.stringify(data.value))}`
    case 'binary':
      return `binary ${cut(data.value.toString('hex'))}`
    default:
      return `${data.type} ${String(data.value)}`
  }
}

function cut(text: string): string {
  if (text.length <= mostCharacters) return text
  return `${text.slice(0, mostCharacters)}… (${text.length})`
}
