/** Compiles ACLs: an expression, a matching method and patterns (configuration.txt 7.1, `parse_acl_expr` in src/acl.c). */
import type { Word } from '../config/text/word.ts'
import { aclKeywords } from './acl-keywords.ts'
import type { AclKeyword } from './acl-keywords.ts'
import { parseAclPatterns } from './acl-patterns.ts'
import type { Acl, AclTest } from './acl.ts'
import { complain } from './build-context.ts'
import type { CompileContext } from './context.ts'
import { defaultRegistry } from './default-registry.ts'
import { bind, compileSource, finishExpression } from './expression-compiler.ts'
import type { Expression } from './expression.ts'
import { sourceOf } from './source.ts'
import type { Source } from './source.ts'

/**
 * Compiles what stands behind the keyword `acl`: a name, then {@link compileTest}'s words. Adds the line to the ACL
 * of that name, which it returns; undefined after complaints.
 */
export function compileAcl(words: readonly Word[], context: CompileContext): Acl | undefined {
  const [name, ...rest] = words
  if (name === undefined) return undefined
  if (/[^\w.:-]/.test(name.text) || name.text === '')
    return complain(
      context,
      'CFG_SAMPLE_ACL',
      name.place,
      `'${name.text}' is no name for an ACL`,
      "letters, digits, '-', '_', '.' and ':' may be used",
    )
  if (rest[0] === undefined)
    return complain(context, 'CFG_SAMPLE_ACL', name.place, `ACL '${name.text}' misses its expression`)
  const test = compileTest(rest, context)
  if (test === undefined) return undefined
  // Conditions that were compiled already hold the object, so it is added to.
  const acl = context.aclsByName.get(name.text) ?? { name: name.text, tests: [] }
  context.aclsByName.set(name.text, acl)
  acl.tests.push(test)
  return acl
}

/** Compiles an expression, flags, operators and patterns; undefined after complaints. */
export function compileTest(words: readonly Word[], context: CompileContext): AclTest | undefined {
  const [first, ...rest] = words
  if (first === undefined) return undefined
  const source = sourceOf(first)
  const subject = compileSubject(source, context)
  if (subject === undefined) return undefined
  const { expression, match } = subject
  const test = parseAclPatterns(first, expression, match, rest, context)
  return test === undefined ? undefined : { expression, matches: test }
}

/** ACL keywords go before fetches of the same name, and imply a matching method unless a converter follows. */
function compileSubject(
  source: Source,
  context: CompileContext,
): { expression: Expression; match: AclKeyword['match'] | undefined } | undefined {
  const name = /^[\w.:+-]*/.exec(source.text)?.[0] ?? ''
  const keyword = aclKeywords.get(name)
  const spec =
    keyword === undefined ? undefined : (context.registry ?? defaultRegistry).fetches.get(keyword.fetch)
  if (keyword === undefined || spec === undefined) {
    const expression = compileSource(source, context, false)
    return expression === undefined ? undefined : { expression, match: undefined }
  }
  const bound = bind(source, 0, name, spec, context)
  if (bound === undefined) return undefined
  const hasConverters = /[^,]/.test(source.text.slice(bound.end))
  const finished = finishExpression(source, 0, { name, spec, fetch: bound.item }, bound.end, context)
  if (finished === undefined) return undefined
  if (finished.end < source.text.length)
    return complain(
      context,
      'CFG_SAMPLE_SYNTAX',
      source.place,
      `'${source.text.slice(finished.end)}' does not belong to ACL keyword '${name}'`,
    )
  return { expression: finished.expression, match: hasConverters ? undefined : keyword.match }
}
