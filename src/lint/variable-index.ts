/** Every variable that a subject names, searched once: rules ask for each of perhaps a thousand engines. */
import type { SourceLine } from './source-line.ts'
import type { LintSubject } from './subject.ts'
import { formatVariable, readVariables, setVariables, usedVariables } from './variable-names.ts'
import type { NamedVariable } from './variable-names.ts'

/** A variable and the line that names it. */
export interface VariableUse {
  readonly line: SourceLine
  readonly variable: NamedVariable
}

/** All of them. */
export interface VariableIndex {
  /** What `var(...)` reads in the configuration. */
  readonly reads: readonly VariableUse[]
  /** The same in the messages. */
  readonly messageReads: readonly VariableUse[]
  /** The names, without scope, of {@link reads}. */
  readonly readNames: ReadonlySet<string>
  /** Whatever the configuration uses, in arguments of converters, too. */
  readonly uses: readonly VariableUse[]
  /** The names, without scope, that anything uses. */
  readonly usedNames: ReadonlySet<string>
  /** The lines that set a variable, by its full name. */
  readonly setters: ReadonlyMap<string, readonly SourceLine[]>
  /** The names, without scope, that rules set. */
  readonly setNames: ReadonlySet<string>
}

const indexes = new WeakMap<LintSubject, VariableIndex>()

/** The index of a subject, made when it is first asked for. */
export function variableIndex(subject: LintSubject): VariableIndex {
  const known = indexes.get(subject)
  if (known !== undefined) return known
  const index = createIndex(subject)
  indexes.set(subject, index)
  return index
}

function createIndex(subject: LintSubject): VariableIndex {
  const { lines } = subject
  const messages = messageLines(subject)
  const reads = search(lines, readVariables)
  const uses = search(lines, usedVariables)
  const sets = search([...lines, ...messages], setVariables)
  const setters = new Map<string, SourceLine[]>()
  for (const { line, variable } of sets) {
    const name = formatVariable(variable)
    const before = setters.get(name)
    if (before === undefined) setters.set(name, [line])
    else before.push(line)
  }
  return {
    reads,
    messageReads: search(messages, readVariables),
    readNames: namesOf(reads),
    uses,
    usedNames: namesOf([...uses, ...search(messages, usedVariables)]),
    setters,
    setNames: namesOf(sets),
  }
}

/** Those of each SPOE file once, however many filters read it. */
function messageLines({ engines }: LintSubject): SourceLine[] {
  const byAgent = new Map(
    engines.map((engine) => {
      const { file, line } = engine.spoe.agent.place
      return [`${file}\0${line}`, engine.lines]
    }),
  )
  return [...byAgent.values()].flat()
}

function search(lines: readonly SourceLine[], find: (line: SourceLine) => NamedVariable[]): VariableUse[] {
  return lines.flatMap((line) => find(line).map((variable) => ({ line, variable })))
}

function namesOf(uses: readonly VariableUse[]): Set<string> {
  return new Set(uses.map(({ variable }) => variable.name))
}
