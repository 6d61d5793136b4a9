/** The `global` section (configuration.txt 3). */
import type { GlobalDraft } from '../draft/global.ts'
import { defaults } from '../model/defaults.ts'
import type { Args } from '../text/args.ts'
import { KeywordTable, luaHint, reportUnsupported, unsupportedList } from './keyword.ts'
import type { Keyword, KeywordSection } from './keyword.ts'
import { applyLog } from './log-target.ts'

const sections: readonly KeywordSection[] = ['global']

function joinRest(args: Args): string {
  return args
    .rest()
    .map((word) => word.text)
    .join(' ')
}

function applyDescription(global: GlobalDraft, args: Args): void {
  if (args.remaining === 0) return void args.expect('<text>')
  global.description = joinRest(args)
  reportUnsupported(args, 'ignored')
}

function applySetEnvironment(global: GlobalDraft, args: Args, onlyMissing: boolean): void {
  const name = args.expect('<name> and <value>')
  const value = name === undefined ? undefined : args.expect('<value>')
  if (name === undefined || value === undefined || !args.end()) return
  if (!onlyMissing || !global.environment.has(name.text)) global.environment.set(name.text, value.text)
}

function applyResetEnvironment(global: GlobalDraft, args: Args): void {
  const kept = new Set(args.rest().map((word) => word.text))
  for (const name of global.environment.keys()) {
    if (!kept.has(name)) global.environment.delete(name)
  }
}

const supported: readonly Keyword<GlobalDraft>[] = [
  {
    name: 'log',
    sections,
    support: 'yes',
    syntax: '<address> [len <length>] [format <format>] <facility> [<level> [<minlevel>]]',
    fallback: 'no logs',
    doc: "where proxies with 'log global' send their logs",
    since: '1.3',
    negatable: true,
    apply: (global, args) => {
      applyLog(global.logs, args, false)
    },
  },
  {
    name: 'log-tag',
    sections,
    support: 'yes',
    syntax: '<tag>',
    fallback: 'haproxy',
    doc: 'program name in syslog headers',
    since: '1.5',
    apply: (global, args) => {
      const tag = args.expect('<tag>')
      if (tag !== undefined && args.end()) global.logTag = tag.text
    },
  },
  {
    name: 'log-send-hostname',
    sections,
    support: 'yes',
    syntax: '[<name>]',
    fallback: "the system's host name",
    doc: 'host name in syslog headers',
    since: '1.5',
    apply: (global, args) => {
      const name = args.next()?.text ?? ''
      if (args.end()) global.logSendHostname = name
    },
  },
  {
    name: 'description',
    sections,
    support: 'ignored',
    syntax: '<text>',
    fallback: '',
    doc: 'free text for statistics',
    since: '1.4',
    apply: applyDescription,
  },
  {
    name: 'node',
    sections,
    support: 'ignored',
    syntax: '<name>',
    fallback: '',
    doc: 'name of this node for statistics',
    since: '1.4',
    apply: (global, args) => {
      const name = args.expect('<name>')
      if (name === undefined || !args.end()) return
      global.node = name.text
      reportUnsupported(args, 'ignored')
    },
  },
  {
    name: 'setenv',
    sections,
    support: 'yes',
    syntax: '<name> <value>',
    fallback: '',
    doc: 'set an environment variable for the lines that follow',
    since: '1.7',
    apply: (global, args) => {
      applySetEnvironment(global, args, false)
    },
  },
  {
    name: 'presetenv',
    sections,
    support: 'yes',
    syntax: '<name> <value>',
    fallback: '',
    doc: 'set an environment variable unless it exists',
    since: '1.7',
    apply: (global, args) => {
      applySetEnvironment(global, args, true)
    },
  },
  {
    name: 'unsetenv',
    sections,
    support: 'yes',
    syntax: '<name>...',
    fallback: '',
    doc: 'remove environment variables',
    since: '1.7',
    apply: (global, args) => {
      for (const word of args.rest()) global.environment.delete(word.text)
    },
  },
  {
    name: 'resetenv',
    sections,
    support: 'yes',
    syntax: '[<name>...]',
    fallback: '',
    doc: 'remove all environment variables but these',
    since: '1.7',
    apply: applyResetEnvironment,
  },
  countKeyword('maxconn', 'connections in the whole process', 'maxconn', { fallback: 'no limit' }),
  countKeyword(
    'tune.bufsize',
    'bytes of the largest head, of a body that rules may see, and of the largest SPOP frame and its length',
    'bufferSize',
    { fallback: String(defaults.bufferSize), min: 1024, max: 1_048_576, since: '1.3' },
  ),
  countKeyword('tune.http.maxhdr', 'the most lines of a head, the first one included', 'maxHeaders', {
    fallback: String(defaults.maxHeaders),
    max: 32_767,
    since: '1.4',
  }),
  countKeyword(
    'tune.http.logurilen',
    'bytes of a request line, method and version included, that are kept for the log',
    'loggedRequestLine',
    { fallback: String(defaults.loggedRequestLine), min: 0, since: '1.9' },
  ),
  countKeyword(
    'tune.pattern.cache-size',
    'answers that lists of patterns remember, all together; 0: none',
    'patternCacheSize',
    { fallback: String(defaults.patternCacheSize), since: '1.6' },
  ),
  countKeyword('nbthread', 'number of workers', 'nbthread', { support: 'ignored', since: '1.8' }),
  {
    name: 'hard-stop-after',
    sections,
    support: 'yes',
    syntax: '<time>',
    fallback: 'no limit',
    doc: 'how long a graceful close may take; whoever is still connected then is cut off',
    since: '1.8',
    apply: (global, args) => {
      // HAProxy does not look at what follows.
      const time = args.time('<time>')
      if (time !== undefined) global.hardStopAfter = time
    },
  },
  {
    name: 'stats',
    sections,
    support: 'ignored',
    syntax: 'socket <address> [<param>...] | timeout <time> | maxconn <number> | bind-process <set>',
    fallback: '',
    doc: 'the sockets of the runtime API',
    since: '1.3',
    apply: (global, args) => {
      if (args.rest()[0]?.text === 'socket') global.statsSockets += 1
      reportUnsupported(args, 'ignored')
    },
  },
]

interface CountMore {
  readonly support?: 'ignored'
  readonly fallback?: string
  readonly min?: number
  readonly max?: number
  readonly since?: string
}

/** Fields of the draft that are numbers, once they are set. */
type CountField = {
  [Name in keyof GlobalDraft]-?: number extends GlobalDraft[Name] ? Name : never
}[keyof GlobalDraft]

/** A number; one that nothing obeys is checked and kept all the same. */
function countKeyword(
  name: string,
  doc: string,
  field: CountField,
  { support, fallback = '', min = 1, max, since = '1.3' }: CountMore = {},
): Keyword<GlobalDraft> {
  return {
    name,
    sections,
    support: support ?? 'yes',
    syntax: '<number>',
    fallback,
    doc,
    since,
    apply: (global, args) => {
      const value = args.integer('<number>', min, max)
      if (value === undefined || !args.end()) return
      global[field] = value
      if (support !== undefined) reportUnsupported(args, support)
    },
  }
}

/** Process management, tuning, TLS defaults and libraries: a proxy without them still does what its sections say. */
const harmless = `
  51degrees-cache-size 51degrees-data-file 51degrees-property-name-list 51degrees-property-separator
  busy-polling ca-base close-spread-time cluster-secret cpu-map crt-base daemon
  deviceatlas-json-file deviceatlas-log-level deviceatlas-properties-cookie deviceatlas-separator
  expose-experimental-directives external-check fd-hard-limit grace
  h1-case-adjust h1-case-adjust-file h2-workaround-bogus-websocket-clients
  httpclient.resolvers.id httpclient.resolvers.prefer httpclient.ssl.ca-file
  httpclient.ssl.verify insecure-fork-wanted insecure-setuid-wanted issuers-chain-path localpeer
  master-worker max-spread-checks maxcompcpuusage maxcomprate maxpipes
  maxsslconn maxsslrate maxzlibmem mworker-max-reloads no-memory-trimming noepoll noevports
  nogetaddrinfo nokqueue nopoll noreuseport nosplice numa-cpu-mapping pidfile pp2-never-send-local
  profiling.memory profiling.tasks quiet server-state-base server-state-file set-dumpable spread-checks
  ssl-default-bind-ciphers ssl-default-bind-ciphersuites ssl-default-bind-curves ssl-default-bind-options
  ssl-default-server-ciphers ssl-default-server-ciphersuites ssl-default-server-options ssl-dh-param-file
  ssl-engine ssl-load-extra-del-ext ssl-load-extra-files ssl-mode-async ssl-propquery ssl-provider
  ssl-provider-path ssl-server-verify ssl-skip-self-issued-ca strict-limits thread-group thread-groups
  tune.buffers.limit tune.buffers.reserve tune.comp.maxlevel tune.fail-alloc
  tune.fd.edge-triggered tune.h2.header-table-size tune.h2.initial-window-size
  tune.h2.max-concurrent-streams tune.h2.max-frame-size tune.http.cookielen
  tune.idle-pool.shared tune.idletimer tune.listener.multi-queue tune.lua.forced-yield
  tune.lua.maxmem tune.lua.service-timeout tune.lua.session-timeout tune.lua.task-timeout tune.maxaccept
  tune.maxpollevents tune.maxrewrite tune.peers.max-updates-at-once tune.pipesize
  tune.pool-high-fd-ratio tune.pool-low-fd-ratio 
  tune.quic.frontend.conn-tx-buffers.limit tune.quic.frontend.max-idle-timeout
  tune.quic.frontend.max-streams-bidi tune.quic.retry-threshold tune.rcvbuf.client tune.rcvbuf.server
  tune.recv_enough tune.runqueue-depth tune.sched.low-latency tune.sndbuf.client tune.sndbuf.server
  tune.ssl.cachesize tune.ssl.capture-buffer-size tune.ssl.capture-cipherlist-size
  tune.ssl.default-dh-param tune.ssl.force-private-cache tune.ssl.hard-maxrecord tune.ssl.keylog
  tune.ssl.lifetime tune.ssl.maxrecord tune.ssl.ssl-ctx-cache-size tune.vars.check-max-size
  tune.vars.global-max-size tune.vars.proc-max-size tune.vars.reqres-max-size tune.vars.sess-max-size
  tune.vars.txn-max-size tune.zlib.memlevel tune.zlib.windowsize ulimit-n wurfl-cache-size
  wurfl-data-file wurfl-information-list wurfl-information-list-separator zero-warning`

/** The process stays what it was started as. */
const identity = 'chroot gid group uid user'

/** These change what the other sections mean, or how many may come. */
const meaningful =
  'default-path h1-accept-payload-with-any-method maxconnrate maxsessrate set-var set-var-fmt unix-bind'

/** Lua is another language, and is not there. */
const lua = 'lua-load lua-load-per-thread lua-prepend-path'

/** The keywords of the `global` section. */
export const globalTable = new KeywordTable<GlobalDraft>([
  ...supported,
  ...unsupportedList<GlobalDraft>(harmless, sections, 'ignored'),
  ...unsupportedList<GlobalDraft>(identity, sections, 'ignored', {
    hint: 'start it as the user, and in the folder, that it is meant to have',
  }),
  ...unsupportedList<GlobalDraft>(meaningful, sections, 'no'),
  ...unsupportedList<GlobalDraft>(lua, sections, 'no', { hint: luaHint }),
])
