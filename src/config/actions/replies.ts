/** `deny`, `tarpit` and `return`: an answer of the proxy's own. */
import type { ActionInfo } from './action-info.ts'
import { readHttpReply } from './http-reply.ts'
import type { HttpReply } from './http-reply.ts'

/** See the head of this file. */
export interface ReplyAction {
  readonly type: 'deny' | 'tarpit' | 'return'
  readonly reply: HttpReply
}

/** What may stand behind `status` in a reply. */
export const replySyntax =
  '[content-type <type>] [default-errorfiles | errorfile <file> | errorfiles <name> | string <text> | lf-string <fmt> | file <file> | lf-file <file>] [hdr <name> <fmt>]'

/** All of them. */
export const replyActions: readonly ActionInfo<ReplyAction>[] = [
  {
    name: 'deny',
    ruleSets: ['http-request', 'http-response'],
    syntax: `[status <code>] ${replySyntax}`,
    doc: 'answer with an error (403 to a request, 502 in place of a response)',
    since: '1.4',
    final: true,
    read: (args, ruleSet) => {
      const reply = readHttpReply(args, ruleSet === 'http-request' ? 403 : 502, { denial: true })
      return reply === undefined ? undefined : { type: 'deny', reply }
    },
  },
  {
    name: 'tarpit',
    ruleSets: ['http-request'],
    syntax: `[status <code>] ${replySyntax}`,
    doc: "answer with an error (500) after 'timeout tarpit'",
    since: '1.5',
    final: true,
    read: (args) => {
      const reply = readHttpReply(args, 500, { denial: true })
      return reply === undefined ? undefined : { type: 'tarpit', reply }
    },
  },
  {
    name: 'return',
    ruleSets: ['http-request', 'http-response'],
    syntax: `[status <code>] ${replySyntax}`,
    doc: 'answer without a server',
    since: '2.2',
    final: true,
    read: (args) => {
      const reply = readHttpReply(args, 200)
      return reply === undefined ? undefined : { type: 'return', reply }
    },
  },
]
