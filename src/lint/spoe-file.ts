/** A SPOE file without the configuration that names it. */
import { parseSpoeFile } from '../config/index.ts'
import type { ConfigSource, Diagnostic, Environment, SpoeMessage } from '../config/index.ts'
import { compileAcl, compileExpression, compileTerms } from '../sample/index.ts'
import { loneContext } from './lone-context.ts'
import { readSourceLines } from './source-line.ts'

/** The scopes with sections in them, in their order; `undefined` is what stands outside of scopes. */
export function spoeScopes({ file, text }: ConfigSource): readonly (string | undefined)[] {
  const lines = readSourceLines(file, text, new Map())
  const scopes = new Set(
    lines.filter(({ section }) => section.kind !== '').map(({ section }) => section.scope),
  )
  return scopes.size === 0 ? [undefined] : [...scopes]
}

/**
 * What is wrong with one scope. Sections and files elsewhere are not there to be compared with: nothing is said about
 * backends, nor about patterns in files.
 */
export function checkSpoeFile(
  { file, text }: ConfigSource,
  env: Environment,
  scope: string | undefined,
): Diagnostic[] {
  const { spoe, diagnostics } = parseSpoeFile(text, file, env, scope)
  return [...diagnostics, ...(spoe?.messages ?? []).flatMap((message) => checkMessage(message))]
}

function checkMessage({ acls, args, event }: SpoeMessage): Diagnostic[] {
  const context = loneContext({ event }, false)
  const condition = event?.condition
  const declare = (isAbove: boolean) => {
    for (const { name, place, words } of acls) {
      if ((condition === undefined || place.line < condition.place.line) === isAbove)
        compileAcl([{ text: name, place, quoted: false }, ...words], context)
    }
  }
  // A condition knows the ACLs above it.
  declare(true)
  if (condition !== undefined) {
    const keyword = { text: condition.kind, place: condition.place, quoted: false }
    compileTerms(keyword, condition.words, condition.kind === 'unless', context)
  }
  declare(false)
  for (const { expr } of args) compileExpression(expr, context)
  // A message of a group is sent by rules that are not here, so where it may stand is not known.
  return context.diagnostics.list.filter(({ code }) => event !== undefined || code !== 'CFG_SAMPLE_CONTEXT')
}
