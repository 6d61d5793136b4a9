/** `spoe-message` and `spoe-group` (SPOE.txt 2.3 and 2.4). */
import type { SpoeGroupDraft, SpoeMessageDraft } from '../draft/spoe.ts'
import { spoeEvents } from '../model/index.ts'
import type { SpoeArg } from '../model/index.ts'
import type { Args } from '../text/args.ts'
import type { Word } from '../text/word.ts'
import { readAcl } from './acl.ts'
import { KeywordTable, ownSince, unsupportedList } from './keyword.ts'
import { addNames } from './spoe-agent.ts'

/** NB-ARGS is one byte on the wire. */
const maxArgs = 255

function applyArgs(draft: SpoeMessageDraft, args: Args): void {
  for (const word of args.rest()) {
    if (draft.args.length === maxArgs) {
      const message = `a message has at most ${maxArgs} arguments; '${word.text}' is one more`
      args.error('CFG_SPOE_MESSAGE', word.place, message, 'HAProxy would send a wrong count')
      return
    }
    const arg = readArg(args, word)
    if (arg !== undefined) draft.args.push(arg)
  }
}

function readArg(args: Args, word: Word): SpoeArg | undefined {
  const equals = word.text.indexOf('=')
  const text = word.text.slice(equals + 1)
  if (text === '') {
    return args.error('CFG_ARGUMENT_MISSING', word.place, `'${word.text}' has no expression`)
  }
  const place = { ...word.place, column: word.place.column + equals + 1 }
  const name = equals > 0 ? word.text.slice(0, equals) : undefined
  return { name, expr: { text, place, quoted: word.quoted } }
}

function applyEvent(draft: SpoeMessageDraft, args: Args): void {
  const word = args.peek()
  const name = args.oneOf('<event>', spoeEvents)
  if (name === undefined) return
  const parsed = args.condition()
  if (parsed === undefined) return
  if (draft.event !== undefined && word !== undefined) {
    const message = `it replaces the event '${draft.event.name}' of line ${draft.event.place.line}`
    args.warning('CFG_SPOE_EVENT', word.place, message, 'a message has one event')
  }
  draft.event = { name, condition: parsed.condition, place: args.place }
}

/** The keywords of `spoe-message`. */
export const spoeMessageTable = new KeywordTable<SpoeMessageDraft>([
  // HAProxy takes any word here, and these are met in the wild.
  ...unsupportedList<SpoeMessageDraft>('log on-error on-timeout', ['spoe-message'], 'ignored', {
    hint: 'HAProxy ignores it here, too; it belongs to the spoe-agent',
  }),
  {
    name: 'args',
    sections: ['spoe-message'],
    support: 'yes',
    syntax: '[<name>=]<expr>...',
    fallback: '',
    doc: `what is sent, at most ${maxArgs} in all`,
    since: '1.7',
    apply: applyArgs,
  },
  {
    name: 'event',
    sections: ['spoe-message'],
    support: 'yes',
    syntax: '<event> [{if | unless} <cond>]',
    fallback: '',
    doc: `when it is sent: ${spoeEvents.join(', ')}`,
    since: '1.7',
    apply: applyEvent,
  },
  {
    name: 'acl',
    sections: ['spoe-message'],
    support: 'yes',
    syntax: '<name> <criterion> [<flag>...] [<value>...]',
    fallback: '',
    doc: 'a named condition',
    since: '1.8',
    apply: (draft, args) => {
      const acl = readAcl(args)
      if (acl !== undefined) draft.acls.push(acl)
    },
  },
  {
    name: 'timeout',
    sections: ['spoe-message'],
    support: 'yes',
    syntax: '<time>',
    fallback: "'timeout processing' of the agent",
    doc: 'for the answer to this message: those of one event that differ in it go in a NOTIFY of their own',
    since: ownSince,
    apply: (draft, args) => {
      const ms = args.time('<time>', 1)
      if (ms !== undefined && args.end()) draft.timeout = ms
    },
  },
  {
    name: 'no-wait',
    sections: ['spoe-message'],
    support: 'yes',
    syntax: '',
    fallback: 'off',
    doc: 'the stream does not wait for the answer, and its variables are dropped; errors are counted and logged',
    since: ownSince,
    apply: (draft, args) => {
      if (args.end()) draft.noWait = true
    },
  },
])

/** The keywords of `spoe-group`. */
export const spoeGroupTable = new KeywordTable<SpoeGroupDraft>([
  {
    name: 'messages',
    sections: ['spoe-group'],
    support: 'yes',
    syntax: '<message>...',
    fallback: '',
    doc: 'the messages of the group',
    since: '1.8',
    apply: (draft, args) => {
      addNames(draft.messages, args, 'MESSAGE')
    },
  },
])
