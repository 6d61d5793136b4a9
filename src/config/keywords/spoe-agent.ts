/** The `spoe-agent` section of SPOE files (SPOE.txt 2.2). */
import type { SpoeAgentDraft } from '../draft/spoe.ts'
import { defaults } from '../model/defaults.ts'
import type { SpoeTimeouts } from '../model/index.ts'
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import { KeywordTable, ownSince } from './keyword.ts'
import type { Keyword } from './keyword.ts'
import { applyLog } from './log-target.ts'

/** Bytes: a frame shares its buffer with its length. */
export const frameLengthSize = 4

const leastFrame = 256

interface More {
  /** HAProxy has only parsed it since 3.1, which dropped the feature; here it counts unless the backend has `mode spop`. */
  readonly dropped?: true
  readonly fallback?: string
  readonly since?: string
  readonly negatable?: boolean
}

function agent(
  name: string,
  syntax: string,
  doc: string,
  apply: Keyword<SpoeAgentDraft>['apply'],
  { dropped, ...more }: More = {},
): Keyword<SpoeAgentDraft> {
  const applyDropped: typeof apply = (draft, args) => {
    draft.dropped.push({ text: args.keyword, place: args.place })
    apply(draft, args)
  }
  return {
    name,
    sections: ['spoe-agent'],
    support: 'yes',
    syntax,
    fallback: '',
    doc: dropped ? `${doc}; HAProxy 3.1 and later ignore it, and so does this with 'mode spop'` : doc,
    since: '1.7',
    ...more,
    apply: dropped ? applyDropped : apply,
  }
}

type SpoeFlag =
  | 'pipelining'
  | 'async'
  | 'sendFragPayload'
  | 'continueOnError'
  | 'dontLogNormal'
  | 'forceSetVar'
  | 'failFast'
  | 'resendLost'

function flag(name: string, key: SpoeFlag, doc: string, more: More): Keyword<SpoeAgentDraft> {
  const on = more.fallback === 'on'
  const apply = (draft: SpoeAgentDraft, args: Args): void => {
    if (args.end()) draft[key] = args.modifier === undefined || (args.modifier === 'default' && on)
  }
  return agent(`option ${name}`, '', doc, apply, { fallback: 'off', ...more })
}

function variable(
  name: string,
  key: 'setOnError' | 'setProcessTime' | 'setTotalTime' | 'varPrefix',
  doc: string,
  more: More = {},
): Keyword<SpoeAgentDraft> {
  const apply = (draft: SpoeAgentDraft, args: Args): void => {
    const word = args.expect('<name>')
    if (word !== undefined && args.end() && checkVariable(args, word)) draft[key] = word.text
  }
  return agent(`option ${name}`, '<name>', doc, apply, more)
}

function checkVariable(args: Args, word: Word): boolean {
  if (/^[A-Za-z0-9_.]+$/.test(word.text)) return true
  const hint = 'use letters, digits, _ and dots'
  args.error('CFG_VARIABLE', word.place, `'${word.text}' is no variable name`, hint)
  return false
}

function number(
  name: string,
  [min, max]: readonly [number, number],
  doc: string,
  set: (draft: SpoeAgentDraft, value: number) => void,
  more: More,
): Keyword<SpoeAgentDraft> {
  const apply = (draft: SpoeAgentDraft, args: Args): void => {
    const value = args.integer('<number>', min, max)
    if (value !== undefined && args.end()) set(draft, value)
  }
  return agent(name, '<number>', doc, apply, more)
}

function timeout(name: keyof SpoeTimeouts, doc: string, more: More = {}): Keyword<SpoeAgentDraft> {
  const apply = (draft: SpoeAgentDraft, args: Args): void => {
    const ms = args.time('<time>')
    if (ms !== undefined && args.end()) draft.timeouts[name] = ms === 0 ? undefined : ms
  }
  return agent(`timeout ${name}`, '<time>', doc, apply, { fallback: 'no limit', ...more })
}

/** Adds names to `list`; one that is there already is an error. */
export function addNames(list: Word[], args: Args, what: 'MESSAGE' | 'GROUP'): void {
  for (const word of args.rest()) {
    if (list.some((each) => each.text === word.text)) {
      args.error(`CFG_SPOE_${what}`, word.place, `the ${what.toLowerCase()} '${word.text}' is listed already`)
    } else list.push(word)
  }
}

function applyRegister(draft: SpoeAgentDraft, args: Args): void {
  if (args.peek() === undefined) args.expect('<name>...')
  for (const word of args.rest()) if (checkVariable(args, word)) draft.registerVarNames.push(word.text)
}

const most = 0x7fff_ffff

/** The keywords of `spoe-agent`. */
export const spoeAgentTable = new KeywordTable<SpoeAgentDraft>([
  agent('messages', '<message>...', 'messages that are sent when their event occurs', (draft, args) => {
    addNames(draft.messages, args, 'MESSAGE')
  }),
  agent(
    'groups',
    '<group>...',
    "groups that 'send-spoe-group' may send",
    (draft, args) => {
      addNames(draft.groups, args, 'GROUP')
    },
    { since: '1.8' },
  ),
  agent('use-backend', '<backend>', 'where the agents are; mandatory', (draft, args) => {
    const word = args.expect('<backend>')
    if (word !== undefined && args.end()) draft.useBackend = word
  }),
  agent(
    'log',
    'global | <address> [len <length>] [format <format>] <facility> [<level> [<minlevel>]]',
    'where the log of events goes',
    (draft, args) => {
      applyLog(draft.logs, args, true)
    },
    { negatable: true, since: '1.9' },
  ),
  timeout('hello', 'for the answer to HAPROXY-HELLO', { dropped: true }),
  timeout('idle', 'how long a connection may be idle', { dropped: true }),
  timeout('processing', 'for the answer to an event'),
  agent(
    'max-frame-size',
    '<number>',
    "bytes in a frame; its length of 4 bytes and it share the buffer of 'tune.bufsize'",
    (draft, args) => {
      const value = args.integer('<number>', leastFrame, draft.largestFrame)
      if (value !== undefined && args.end()) draft.maxFrameSize = value
    },
    { fallback: String(defaults.bufferSize - frameLengthSize) },
  ),
  number(
    'max-waiting-frames',
    [1, most],
    'frames in flight on one connection',
    (draft, value) => {
      draft.maxWaitingFrames = value
    },
    { fallback: String(defaults.spoe.maxWaitingFrames), since: '1.9', dropped: true },
  ),
  number(
    'maxconnrate',
    [0, most],
    'new connections per second; 0: no limit',
    (draft, value) => {
      draft.maxConnRate = value === 0 ? undefined : value
    },
    { fallback: '0', since: '1.7', dropped: true },
  ),
  number(
    'maxerrrate',
    [0, most],
    'errors per second after which nothing is sent; 0: no limit',
    (draft, value) => {
      draft.maxErrRate = value === 0 ? undefined : value
    },
    { fallback: '0', since: '1.7', dropped: true },
  ),
  variable('var-prefix', 'varPrefix', 'what names of variables begin with', { fallback: "the agent's name" }),
  variable('set-on-error', 'setOnError', 'variable that tells the error of an event', { since: '1.7' }),
  variable('set-process-time', 'setProcessTime', 'variable that tells how long the last event took', {
    since: '1.9',
  }),
  variable('set-total-time', 'setTotalTime', 'variable that tells how long all events took', {
    since: '1.9',
  }),
  flag('pipelining', 'pipelining', 'send before the answer to the frame before has come', {
    fallback: 'on',
    negatable: true,
    since: '1.8',
  }),
  flag('async', 'async', "take answers on other connections; HAProxy's default is on", {
    fallback: 'off',
    negatable: true,
    since: '1.8',
    dropped: true,
  }),
  flag('send-frag-payload', 'sendFragPayload', 'send fragments to agents that take them', {
    fallback: 'on',
    negatable: true,
    since: '1.8',
    dropped: true,
  }),
  flag('dontlog-normal', 'dontLogNormal', 'do not log events that went well', {
    negatable: true,
    since: '1.9',
  }),
  flag('continue-on-error', 'continueOnError', 'go on with later events after an error', {}),
  flag('force-set-var', 'forceSetVar', 'let agents create variables', { since: '1.9' }),
  flag('fail-fast', 'failFast', 'fail at once when no agent can be reached, instead of waiting for one', {
    negatable: true,
    since: ownSince,
  }),
  flag('resend-lost', 'resendLost', 'send once more what was under way on a connection that was lost', {
    negatable: true,
    since: ownSince,
  }),
  agent('register-var-names', '<name>...', 'variables that agents may set', applyRegister, { since: '1.9' }),
])
