/** What a schema has to say about a configuration, with places and in words. */
import { didYouMean } from '../../base/suggest.ts'
import type { ConfigComplaint, ConfigPath, ConfigText } from './config-text.ts'
import type { SchemaIssue, StandardSchema } from './standard-schema.ts'

/** A value that is right, or complaints. */
export type Validated<Output> =
  | { readonly value: Output; readonly complaints?: undefined }
  | { readonly complaints: readonly ConfigComplaint[] }

/**
 * Checks the value at `path`. `moreKeys` are keys that somebody else has taken out of it, for "did you mean".
 */
export async function validate<Output>(
  schema: StandardSchema<Output>,
  value: unknown,
  text: ConfigText,
  path: ConfigPath,
  moreKeys: readonly string[] = [],
): Promise<Validated<Output>> {
  const result = await schema['~standard'].validate(value)
  if (result.issues === undefined) return { value: result.value }
  return { complaints: result.issues.map((issue) => complain(issue, { schema, text, path, moreKeys })) }
}

interface About {
  readonly schema: StandardSchema<unknown>
  readonly text: ConfigText
  readonly path: ConfigPath
  readonly moreKeys: readonly string[]
}

/** What issues of valibot have beside those of the convention. */
interface RichIssue extends SchemaIssue {
  readonly type?: string
  readonly expected?: string | null
  readonly received?: string
  readonly input?: unknown
}

function complain(issue: RichIssue, { schema, text, path, moreKeys }: About): ConfigComplaint {
  const inner = (issue.path ?? []).map((each) => (typeof each === 'object' ? each.key : each))
  const whole = [...path, ...inner]
  const name = inner.length === 0 ? '' : nameOf(inner)
  // A mapping that is something else, or one with a key too many or too few.
  if (issue.type !== 'strict_object' || inner.length === 0 || issue.expected === 'Object')
    return {
      ...text.placeOf(whole),
      message: `${name}${name === '' ? '' : ': '}${explain(issue, text, whole)}`,
    }
  const key = String(inner.at(-1))
  if (issue.expected !== 'never') return { ...text.placeOf(whole), message: `'${name}' is missing` }
  const hint = didYouMean(key, [
    ...keysAt(schema, inner.slice(0, -1)),
    ...(inner.length === 1 ? moreKeys : []),
  ])
  return {
    ...text.placeOfKey(whole),
    message: `unknown key '${name}'${hint === undefined ? '' : `: ${hint}`}`,
  }
}

function explain(issue: RichIssue, text: ConfigText, path: ConfigPath): string {
  // What a schema of ours, or of another library, says in its own words.
  if (issue.expected === undefined || !issue.message.startsWith('Invalid '))
    return text.isShown(path) ? issue.message : withoutValue(issue.message, issue.input)
  const wanted = issue.expected ?? words[issue.type ?? ''] ?? issue.type
  const got = text.isShown(path) ? `, not ${issue.received ?? 'that'}` : ''
  return `must be ${words[wanted ?? ''] ?? wanted}${got}`
}

function withoutValue(message: string, value: unknown): string {
  return typeof value === 'string' && value !== '' ? message.replaceAll(value, '…') : message
}

/** Names of valibot, in words. */
const words: Readonly<Record<string, string>> = {
  Object: 'a mapping',
  Array: 'a list',
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  integer: 'a whole number',
  nonEmpty: 'not empty',
}

/** `sources[0].name` for `['sources', 0, 'name']`. */
function nameOf(path: ConfigPath): string {
  let name = ''
  for (const key of path) {
    if (typeof key === 'number') name += `[${key}]`
    else name += `${name === '' ? '' : '.'}${String(key)}`
  }
  return name
}

/** What the keys of objects in a valibot schema lead to; nothing is known of schemas of other libraries. */
interface SchemaShape {
  readonly entries?: Readonly<Record<string, unknown>>
  readonly item?: unknown
  readonly value?: unknown
  readonly wrapped?: unknown
  readonly options?: readonly unknown[]
  readonly pipe?: readonly unknown[]
}

function keysAt(schema: unknown, path: ConfigPath): string[] {
  return shapesAt([schema], path).flatMap(({ entries }) => Object.keys(entries ?? {}))
}

function shapesAt(schemas: readonly unknown[], path: ConfigPath): SchemaShape[] {
  const shapes = schemas.flatMap(unwrap)
  const [key, ...rest] = path
  if (key === undefined) return shapes
  const inner = shapes.flatMap(({ entries, item, value }) => [entries?.[String(key)], item, value])
  return shapesAt(
    inner.filter((each) => each !== undefined),
    rest,
  )
}

/** What `optional`, `pipe`, `union` and `variant` are around. */
function unwrap(schema: unknown): SchemaShape[] {
  if (typeof schema !== 'object' || schema === null) return []
  const shape = schema as SchemaShape
  const inside = [
    ...(shape.wrapped === undefined ? [] : [shape.wrapped]),
    ...(Array.isArray(shape.options) ? shape.options : []),
    ...(shape.pipe?.[0] === undefined || shape.pipe[0] === schema ? [] : [shape.pipe[0]]),
  ]
  return inside.length === 0 ? [shape] : [shape, ...inside.flatMap(unwrap)]
}
