/** The `fcgi-app` section (configuration.txt 10.1). */
import type { FcgiAppDraft } from '../draft/sections.ts'
import { defaults } from '../model/defaults.ts'
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import { readAcl } from './acl.ts'
import { KeywordTable, ownSince } from './keyword.ts'
import type { Keyword, KeywordSection } from './keyword.ts'
import { applyLog } from './log-target.ts'

const sections: readonly KeywordSection[] = ['fcgi-app']

interface More {
  readonly fallback?: string
  readonly negatable?: boolean
  readonly since?: string
}

function keyword(
  name: string,
  syntax: string,
  doc: string,
  apply: Keyword<FcgiAppDraft>['apply'],
  more: More = {},
): Keyword<FcgiAppDraft> {
  return { name, sections, support: 'yes', syntax, fallback: '', doc, since: '2.1', ...more, apply }
}

function oneWord(
  name: string,
  syntax: string,
  doc: string,
  set: (app: FcgiAppDraft, word: Word) => void,
): Keyword<FcgiAppDraft> {
  return keyword(name, syntax, doc, (app, args) => {
    const word = args.expect(syntax)
    if (word === undefined) return
    // Also in front of words too many: it is not missing.
    set(app, word)
    args.end()
  })
}

function flag(
  name: string,
  key: 'keepConn' | 'getValues' | 'mpxsConns' | 'abortRequest',
  doc: string,
  since = '2.1',
): Keyword<FcgiAppDraft> {
  const isOn = key === 'keepConn' || key === 'abortRequest'
  const apply = (app: FcgiAppDraft, args: Args): void => {
    if (!args.end()) return
    if (args.modifier === 'default') app[key] = isOn
    else app[key] = args.modifier === undefined
  }
  return keyword(`option ${name}`, '', doc, apply, {
    fallback: isOn ? 'on' : 'off',
    negatable: true,
    since,
  })
}

function applySetParam(app: FcgiAppDraft, args: Args): void {
  const name = args.expect('<name> and <fmt>')
  const format = name === undefined ? undefined : args.expect('<fmt>')
  const parsed = format === undefined ? undefined : args.condition()
  if (name === undefined || format === undefined || parsed === undefined) return
  app.rules.push({ type: 'set-param', place: args.place, name, format, condition: parsed.condition })
}

function applyPassHeader(app: FcgiAppDraft, args: Args): void {
  const name = args.expect('<name>')
  const parsed = name === undefined ? undefined : args.condition()
  if (name === undefined || parsed === undefined) return
  app.rules.push({ type: 'pass-header', place: args.place, name, condition: parsed.condition })
}

/** The keywords of `fcgi-app` sections. */
export const fcgiTable = new KeywordTable<FcgiAppDraft>([
  oneWord(
    'docroot',
    '<path>',
    'DOCUMENT_ROOT, and what SCRIPT_FILENAME begins with; mandatory',
    (app, word) => {
      app.docroot = word
    },
  ),
  oneWord('index', '<script>', "script of paths that end in '/'", (app, word) => {
    app.index = word
  }),
  oneWord(
    'path-info',
    '<regex>',
    'on the decoded path: capture 1 is the script, 2 the path info',
    (app, word) => {
      app.pathInfo = word
    },
  ),
  keyword(
    'log-stderr',
    'global | <address> [len <length>] [format <format>] <facility> [<level> [<minlevel>]]',
    "where the application's STDERR goes",
    (app, args) => {
      applyLog(app.logStderr, args, true)
    },
    { fallback: 'nowhere' },
  ),
  keyword(
    'pass-header',
    '<name> [{if | unless} <cond>]',
    'pass a header that is hidden by default',
    applyPassHeader,
  ),
  keyword('set-param', '<name> <fmt> [{if | unless} <cond>]', 'set a parameter', applySetParam),
  keyword('acl', '<name> <criterion> [<flag>...] [<value>...]', 'a named condition', (app, args) => {
    const acl = readAcl(args)
    if (acl !== undefined) app.acls.push(acl)
  }),
  flag('keep-conn', 'keepConn', 'ask the application to keep connections'),
  flag('get-values', 'getValues', 'ask the application for its limits'),
  flag('mpxs-conns', 'mpxsConns', 'the application can multiplex'),
  keyword(
    'option max-reqs',
    '<number>',
    'requests in one connection at a time',
    (app, args) => {
      const value = args.integer('<number>', 1)
      if (value !== undefined && args.end()) app.maxReqs = value
    },
    { fallback: String(defaults.fcgi.maxReqs) },
  ),
  keyword(
    'max-unsized-body',
    '<bytes>',
    'largest request body without a length: it is waited for, and answered 413 when it is larger',
    (app, args) => {
      const value = args.integer('<bytes>', 0)
      if (value !== undefined && args.end()) app.maxUnsizedBody = value
    },
    { fallback: String(defaults.fcgi.maxUnsizedBody), since: ownSince },
  ),
  keyword(
    'unsized-body-memory',
    '<bytes>',
    'how much of it is kept in memory; what is more goes to a temporary file',
    (app, args) => {
      const value = args.integer('<bytes>', 0)
      if (value !== undefined && args.end()) app.unsizedBodyMemory = value
    },
    { fallback: "'tune.bufsize'", since: ownSince },
  ),
  flag('abort-request', 'abortRequest', 'tell the application of a client that has gone', ownSince),
])
