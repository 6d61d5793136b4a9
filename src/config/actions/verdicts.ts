/** `accept`, `allow`, `reject`, `silent-drop`: the end of a rule set or of the stream. */
import type { ActionInfo } from './action-info.ts'
import { httpSets, tcpSets } from './rule-set.ts'

/** See the head of this file. */
export type VerdictAction = { readonly type: 'accept' | 'allow' | 'reject' | 'silent-drop' }

/** All of them. */
export const verdictActions: readonly ActionInfo<VerdictAction>[] = [
  {
    name: 'accept',
    ruleSets: tcpSets,
    syntax: '',
    doc: 'stop evaluating these rules and go on',
    since: '1.3',
    final: true,
    read: () => ({ type: 'accept' }),
  },
  {
    name: 'reject',
    ruleSets: [...tcpSets, 'http-request'],
    syntax: '',
    doc: 'close the connection',
    since: '1.3',
    final: true,
    read: () => ({ type: 'reject' }),
  },
  {
    name: 'allow',
    ruleSets: httpSets,
    syntax: '',
    doc: 'stop evaluating these rules and go on',
    since: '1.4',
    final: true,
    read: () => ({ type: 'allow' }),
  },
  {
    name: 'silent-drop',
    ruleSets: [...tcpSets, 'http-request', 'http-response'],
    syntax: '',
    doc: "close the connection without a word; unlike HAProxy's, the client is told that it is closed",
    since: '1.6',
    final: true,
    read: () => ({ type: 'silent-drop' }),
  },
]
