/** Actions on the method and the target of a request. */
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import type { ActionInfo } from './action-info.ts'
import type { RuleSet } from './rule-set.ts'

/** A part of the request target: `pathq` is the path with its query string. */
export type TargetPart = 'path' | 'pathq' | 'query' | 'uri'

/** See the head of this file. */
export type RequestLineAction =
  | { readonly type: 'set-path' | 'set-pathq' | 'set-query' | 'set-uri'; readonly format: Word }
  | { readonly type: 'set-method'; readonly format: Word }
  | {
      readonly type: 'replace-path' | 'replace-pathq' | 'replace-uri'
      readonly regex: Word
      readonly format: Word
    }

const ruleSets: readonly RuleSet[] = ['http-request']

type SetType = 'set-path' | 'set-pathq' | 'set-query' | 'set-uri' | 'set-method'

function set(type: SetType, doc: string, since: string): ActionInfo<RequestLineAction> {
  const read = (args: Args): RequestLineAction | undefined => {
    const format = args.expect('<format>')
    return format === undefined ? undefined : { type, format }
  }
  return { name: type, ruleSets, syntax: '<fmt>', doc, since, read }
}

function replace(
  type: 'replace-path' | 'replace-pathq' | 'replace-uri',
  doc: string,
  since: string,
): ActionInfo<RequestLineAction> {
  const read = (args: Args): RequestLineAction | undefined => {
    const regex = args.expect('<regex> and <format>')
    const format = regex === undefined ? undefined : args.expect('<format>')
    return regex === undefined || format === undefined ? undefined : { type, regex, format }
  }
  return { name: type, ruleSets, syntax: '<regex> <fmt>', doc, since, read }
}

/** All of them. */
export const requestLineActions: readonly ActionInfo<RequestLineAction>[] = [
  set('set-path', 'replace the path, not the query string', '1.6'),
  set('set-pathq', 'replace the path and the query string', '2.2'),
  set('set-query', 'replace the query string', '1.6'),
  set('set-uri', 'replace the whole target; the Host header follows an authority in it', '1.6'),
  set('set-method', 'replace the method', '1.6'),
  replace('replace-path', 'replace the path when it matches, not the query string', '2.2'),
  replace('replace-pathq', 'replace the path with the query string when they match', '2.2'),
  replace('replace-uri', 'replace the whole target when it matches', '1.6'),
]
