/**
 * Which variables a line names. Words are searched rather than parsed: a name counts also in an expression, a keyword
 * or a file format that sluice does not know.
 */
import type { Place } from '../config/index.ts'
import type { SourceLine } from './source-line.ts'

/** A variable where it is named. */
export interface NamedVariable {
  readonly scope: string
  /** Without the scope. */
  readonly name: string
  readonly place: Place
  /** What follows in the same word. */
  readonly behind: string
}

const fullName = String.raw`(proc|sess|txn|req|res)\.([A-Za-z0-9_.]+)`
/** Most words name none. */
const scoped = /(?:proc|sess|txn|req|res)\./
const reading = new RegExp(String.raw`(?<![\w-])var\(\s*${fullName}`, 'g')
const setting = new RegExp(String.raw`(?:set-var|set-var-fmt|do-resolve)\(\s*${fullName}`, 'g')
const unsetting = new RegExp(String.raw`unset-var\(\s*${fullName}`, 'g')
const naming = new RegExp(String.raw`(?<![\w.])${fullName}`, 'g')

/** The variables that `var(...)` reads. */
export function readVariables(line: SourceLine): NamedVariable[] {
  return search(line, reading)
}

/** The variables that rules and converters of the line set; an agent's are not seen here. */
export function setVariables(line: SourceLine): NamedVariable[] {
  const [keyword, name] = line.words
  const isGlobal = line.section.kind === 'global' && /^set-var(-fmt)?$/.test(keyword?.text ?? '')
  const first = isGlobal && name !== undefined ? search({ ...line, words: [name] }, naming) : []
  return [...first, ...setByTryFiles(line), ...search(line, setting)]
}

/** What `http-request try-files` sets without naming it. */
function setByTryFiles({ words }: SourceLine): NamedVariable[] {
  const [keyword, action] = words
  if (keyword?.text !== 'http-request' || action?.text !== 'try-files') return []
  return ['script_name', 'path_info', 'query_string'].map((name) => ({
    scope: 'txn',
    name,
    place: action.place,
    behind: '',
  }))
}

/** All variables that are of use to somebody: `strcmp(txn.a)` and `concat(,txn.a)` read without `var`. */
export function usedVariables(line: SourceLine): NamedVariable[] {
  const given = [...setVariables(line), ...search(line, unsetting)].map(({ place }) => place.column)
  return search(line, naming).filter(({ place }) => !given.includes(place.column))
}

function search({ words }: SourceLine, pattern: RegExp): NamedVariable[] {
  const scopedWords = words.filter(({ text }) => scoped.test(text))
  return scopedWords.flatMap(({ text, place }) =>
    [...text.matchAll(pattern)].map(({ 0: all, 1: scope = '', 2: name = '', index }) => {
      const at = index + all.length - scope.length - 1 - name.length
      const behind = text.slice(index + all.length)
      return { scope, name, place: { ...place, column: place.column + at }, behind }
    }),
  )
}

/** `txn.iprep.score` */
export function formatVariable({ scope, name }: Pick<NamedVariable, 'scope' | 'name'>): string {
  return `${scope}.${name}`
}
