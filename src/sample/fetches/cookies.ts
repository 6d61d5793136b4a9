/** Fetches of cookies (configuration.txt 7.3.6). */
import type { ArgSpec, Arguments } from '../arguments.ts'
import { cookiesOf } from '../http-text.ts'
import { readInt32 } from '../int64.ts'
import type { SampleSource } from '../checkpoint.ts'
import type { Stream } from '../stream.ts'
import { requestOf, responseOf } from '../stream.ts'
import type { SampleType, SampleValue } from '../value.ts'
import { sint, str } from '../value.ts'
import type { Fetch, FetchSpec } from './spec.ts'

type CookiesOf = (stream: Stream, name: string) => string[] | undefined

const requestCookies: CookiesOf = (stream, name) => {
  const request = requestOf(stream)
  return request === undefined ? undefined : cookiesOf(request.headers, 'cookie', name, true)
}

const responseCookies: CookiesOf = (stream, name) => {
  const response = responseOf(stream)
  return response === undefined ? undefined : cookiesOf(response.headers, 'set-cookie', name, false)
}

const eitherCookies: CookiesOf = (stream, name) =>
  stream.direction === 'request' ? requestCookies(stream, name) : responseCookies(stream, name)

/** The last value, as HAProxy has it; without a name the first of any cookie. */
function valueFetch(from: CookiesOf, args: Arguments, convert: (value: string) => SampleValue): Fetch {
  const name = args.text(0) ?? ''
  return {
    one: (stream) => {
      const found = from(stream, name)?.at(name === '' ? 0 : -1)
      return found === undefined ? undefined : convert(found)
    },
    all: (stream) => (from(stream, name) ?? []).map(convert),
  }
}

function countFetch(from: CookiesOf, args: Arguments): Fetch {
  const name = args.text(0) ?? ''
  return {
    one: (stream) => {
      const found = from(stream, name)
      return found === undefined ? undefined : sint(found.length)
    },
  }
}

const optionalName: ArgSpec = { name: 'name', type: 'str', optional: true }

const integer = (value: string): SampleValue => sint(readInt32(value))

function spec(
  name: string,
  aliases: readonly string[],
  type: SampleType,
  needs: readonly SampleSource[],
  doc: string,
  build: (args: Arguments) => Fetch,
): FetchSpec {
  return { name, aliases, args: [optionalName], type, needs, doc, build }
}

function forMessage(prefix: 'req' | 'res', old: string, from: CookiesOf, source: SampleSource): FetchSpec[] {
  const needs = [source]
  const line = prefix === 'req' ? 'Cookie header of the request' : 'Set-Cookie header of the response'
  return [
    spec(`${prefix}.cook`, [old], 'str', needs, `The last value of a cookie in the ${line}.`, (args) =>
      valueFetch(from, args, str),
    ),
    spec(`${prefix}.cook_val`, [`${old}_val`], 'sint', needs, `As ${prefix}.cook, as an integer.`, (args) =>
      valueFetch(from, args, integer),
    ),
    spec(
      `${prefix}.cook_cnt`,
      [`${old}_cnt`],
      'sint',
      needs,
      `How often a cookie is in the ${line}.`,
      (args) => countFetch(from, args),
    ),
  ]
}

/** The registry entries of this file. */
export const cookieFetches: readonly FetchSpec[] = [
  ...forMessage('req', 'cook', requestCookies, 'request-headers'),
  ...forMessage('res', 'scook', responseCookies, 'response-headers'),
  spec(
    'cookie',
    [],
    'str',
    ['request-headers', 'response-headers'],
    'As req.cook, or in a response as res.cook.',
    (args) => valueFetch(eitherCookies, args, str),
  ),
]
