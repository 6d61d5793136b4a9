/** `server` and `default-server` lines and their parameters (configuration.txt 5.2). */
import type { ProxyDraft } from '../draft/proxy.ts'
import { copyServerDraft } from '../draft/server.ts'
import type { ServerDraft } from '../draft/server.ts'
import { defaults } from '../model/defaults.ts'
import type { Server } from '../model/index.ts'
import type { Place } from '../text/diagnostics.ts'
import { forbiddenCharacter } from '../text/args.ts'
import type { Args } from '../text/args.ts'
import { addressWord } from '../text/word.ts'
import { readServerAddress } from './address.ts'
import { applyParameters } from './bind.ts'
import { KeywordTable, unsupportedList } from './keyword.ts'
import type { Keyword } from './keyword.ts'

const sections = ['server'] as const

function parameter(
  name: string,
  syntax: string,
  fallback: string,
  doc: string,
  apply: Keyword<ServerDraft>['apply'],
  since = '1.3',
): Keyword<ServerDraft> {
  return { name, sections, support: 'yes', syntax, fallback, doc, since, apply }
}

/** A parameter that is a whole number; 0 counts as none where `zero` says so. */
function number(
  name: string,
  [min, max]: readonly [number, number],
  doc: string,
  fallback: string,
  set: (server: ServerDraft, value: number) => void,
  since = '1.3',
): Keyword<ServerDraft> {
  const apply = (server: ServerDraft, args: Args): void => {
    const value = args.integer('<number>', min, max)
    if (value !== undefined) set(server, value)
  }
  return parameter(name, '<number>', fallback, doc, apply, since)
}

function time(
  name: string,
  doc: string,
  fallback: string,
  set: (server: ServerDraft, ms: number) => void,
): Keyword<ServerDraft> {
  const apply = (server: ServerDraft, args: Args): void => {
    const ms = args.time('<time>', 1)
    if (ms !== undefined) set(server, ms)
  }
  return parameter(name, '<time>', fallback, doc, apply)
}

function flag(
  name: string,
  doc: string,
  set: (server: ServerDraft) => void,
  since?: string,
): Keyword<ServerDraft> {
  return parameter(name, '', '', doc, set, since)
}

const most = 0x7fff_ffff

function applyProto(server: ServerDraft, args: Args): void {
  const word = args.expect('<name>')
  if (word === undefined) return
  if (word.text === 'fcgi') server.proto = 'fcgi'
  // HTTP/1 is what is spoken anyway.
  else if (word.text === 'h1') server.proto = undefined
  else if (word.text === 'h2' || word.text === 'none') {
    args.error('CFG_VALUE_UNSUPPORTED', word.place, `'${word.text}' is not implemented`)
  } else args.error('CFG_ARGUMENT', word.place, `unknown protocol '${word.text}'`, 'known are fcgi and h1')
}

function applyCheckProto(server: ServerDraft, args: Args): void {
  const word = args.expect('<name>')
  if (word === undefined) return
  if (word.text === 'fcgi' || word.text === 'h1') server.checks.proto = word.text
  else if (word.text === 'h2' || word.text === 'none') {
    args.error('CFG_VALUE_UNSUPPORTED', word.place, `'${word.text}' is not implemented`)
  } else args.error('CFG_ARGUMENT', word.place, `unknown protocol '${word.text}'`, 'known are fcgi and h1')
}

const supported: readonly Keyword<ServerDraft>[] = [
  parameter('proto', '{fcgi | h1}', 'as the mode says', 'what is spoken to the server', applyProto, '1.9'),
  parameter('check-proto', '{fcgi | h1}', "the server's", 'what its checks speak', applyCheckProto, '2.0'),
  flag('check', 'check its health', (server) => {
    server.checked = true
  }),
  flag(
    'no-check',
    "undo 'check'",
    (server) => {
      server.checked = false
    },
    '1.8',
  ),
  time('inter', 'between two checks', `${defaults.server.inter}ms`, (server, ms) => {
    server.checks.inter = ms
  }),
  time('fastinter', 'between two checks while the state changes', 'as inter', (server, ms) => {
    server.checks.fastInter = ms
  }),
  time('downinter', 'between two checks while the server is down', 'as inter', (server, ms) => {
    server.checks.downInter = ms
  }),
  number(
    'rise',
    [1, most],
    'checks that must pass to come up',
    String(defaults.server.rise),
    (server, value) => {
      server.checks.rise = value
    },
  ),
  number(
    'fall',
    [1, most],
    'checks that must fail to go down',
    String(defaults.server.fall),
    (server, value) => {
      server.checks.fall = value
    },
  ),
  number('port', [0, 65535], 'where checks go', "the server's", (server, value) => {
    server.checks.port = value === 0 ? undefined : value
  }),
  parameter('addr', '<address>', "the server's", 'where checks go', (server, args) => {
    const address = args.expect('<address>')
    if (address !== undefined) server.checks.address = addressWord(address)
  }),
  number(
    'weight',
    [0, 256],
    'share of the traffic; 0: none',
    String(defaults.server.weight),
    (server, value) => {
      server.weight = value
    },
  ),
  flag('backup', 'used when no other server is up', (server) => {
    server.backup = true
  }),
  flag(
    'no-backup',
    "undo 'backup'",
    (server) => {
      server.backup = false
    },
    '1.8',
  ),
  flag(
    'disabled',
    'start in maintenance',
    (server) => {
      server.disabled = true
    },
    '1.4',
  ),
  flag(
    'enabled',
    "undo 'disabled'",
    (server) => {
      server.disabled = false
    },
    '1.8',
  ),
  number('maxconn', [0, most], 'requests at a time; more of them wait; 0: no limit', '0', (server, value) => {
    server.maxconn = value === 0 ? undefined : value
  }),
  // It bounds what waits for one server that a cookie or a hash binds it to; what any server may take waits in the backend's queue.
  number(
    'maxqueue',
    [0, most],
    'requests that may wait for this server alone: only those that a cookie or a hash sends to it, of which there are none',
    '0',
    () => {},
  ),
  number(
    'pool-max-conn',
    [-1, most],
    'idle connections kept; -1: no limit',
    '-1',
    (server, value) => {
      server.poolMaxConn = value === -1 ? undefined : value
    },
    '1.9',
  ),
  number(
    'id',
    [1, most],
    'number of the server',
    'automatic',
    (server, value) => {
      server.id = value
    },
    '1.4',
  ),
]

/** Tuning of connections and of names, the opposites of what is not there, and what belongs to tables that are not there. */
const harmless = `
  error-limit:1 init-addr:1 log-proto:1 max-reuse:1 non-stick pool-low-conn:1
  pool-purge-delay:1 tcp-ut:1 tfo no-tfo resolve-net:1 resolve-opts:1
  resolve-prefer:1 no-agent-check no-check-send-proxy no-check-ssl no-send-proxy no-send-proxy-v2
  no-send-proxy-v2-ssl no-send-proxy-v2-ssl-cn no-ssl stick ws:1`

/** What decides where requests go, how many, over what, and when a server is up. */
const meaningful = `
  agent-addr:1 agent-check agent-inter:1 agent-port:1 agent-send:1 allow-0rtt alpn:1 ca-file:1
  check-alpn:1 check-send-proxy check-sni:1 check-ssl check-via-socks4 ciphers:1
  ciphersuites:1 cookie:1 crl-file:1 crt:1 force-sslv3 force-tlsv10 force-tlsv11 force-tlsv12 force-tlsv13
  minconn:1 namespace:1 no-ssl-reuse no-sslv3 no-tls-tickets no-tlsv10 no-tlsv11 no-tlsv12 no-tlsv13 npn:1
  observe:1 on-error:1 on-marked-down:1 on-marked-up:1 proxy-v2-options:1 redir:1 resolvers:1 send-proxy
  send-proxy-v2 send-proxy-v2-ssl send-proxy-v2-ssl-cn slowstart:1 sni:1 socks4:1 source:1 ssl ssl-max-ver:1
  ssl-min-ver:1 ssl-reuse tls-tickets track:1 usesrc:1 verify:1 verifyhost:1`

/** The parameters of `server` lines. */
export const serverTable = new KeywordTable<ServerDraft>([
  ...supported,
  ...unsupportedList<ServerDraft>(harmless, sections, 'ignored'),
  ...unsupportedList<ServerDraft>(meaningful, sections, 'no'),
])

/** Reads a `server` line into `proxy`. */
export function applyServer(proxy: ProxyDraft, args: Args): void {
  const server = readServer(proxy, args)
  if (server === undefined) proxy.hasRefusedServer = true
  else proxy.servers.push(server)
}

function readServer(proxy: ProxyDraft, args: Args): Server | undefined {
  const name = args.expect('<name> and <address>')
  const word = name === undefined ? undefined : args.expect('<address>')
  if (name === undefined || word === undefined) return undefined
  const bad = forbiddenCharacter(name.text)
  if (bad !== undefined) {
    const hint = 'use letters, digits, _ : . and -'
    args.error('CFG_ARGUMENT', name.place, `'${bad}' cannot be part of the name '${name.text}'`, hint)
  }
  const address = readServerAddress(args, word)
  const draft = copyServerDraft(proxy.defaultServer)
  const fine = applyParameters(serverTable, draft, args)
  if (!fine || address === undefined || bad !== undefined) return undefined
  const { checked, checks } = draft
  if (checked && address.type === 'inproc') {
    const message = `'${name.text}' is an agent in the same process: it is not checked, for it is there as long as the proxy`
    args.warning('CFG_KEYWORD_IGNORED', word.place, message)
  }
  const check = checked && address.type !== 'inproc' ? checks : undefined
  return toServer(draft, name.text, args.place, address, check)
}

/** Field by field: where the rest of an object is taken, V8 looks each of its names up. */
function toServer(
  draft: ServerDraft,
  name: string,
  place: Place,
  address: Server['address'],
  check: Server['check'],
): Server {
  const { proto, weight, backup, disabled, maxconn, poolMaxConn, id } = draft
  return { name, proto, weight, backup, disabled, maxconn, poolMaxConn, id, place, address, check }
}

/** Reads a `default-server` line into `proxy`. */
export function applyDefaultServer(proxy: ProxyDraft, args: Args): void {
  applyParameters(serverTable, proxy.defaultServer, args)
}
