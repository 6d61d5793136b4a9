/** All keywords: the tables that the readers use, and one list of everything for documentation and tests. */
import { userAction } from '../actions/user.ts'
import type { UserActionInfo } from '../actions/user.ts'
import type { ProxyDraft } from '../draft/proxy.ts'
import { bindTable } from './bind.ts'
import { httpErrorsTable } from './error-pages.ts'
import { fcgiTable } from './fcgi.ts'
import { globalTable } from './global.ts'
import { KeywordTable } from './keyword.ts'
import type { KeywordInfo } from './keyword.ts'
import { httpCheckKeywords } from './http-check.ts'
import { optionKeywords } from './options.ts'
import { proxyKeywords } from './proxy.ts'
import { actionKeywords, ruleKeywords } from './rules.ts'
import { serverTable } from './server.ts'
import { spoeAgentTable } from './spoe-agent.ts'
import { spoeGroupTable, spoeMessageTable } from './spoe-message.ts'
import { unsupportedProxyKeywords } from './unsupported.ts'

const proxyEntries = [
  ...proxyKeywords,
  ...optionKeywords,
  ...httpCheckKeywords,
  ...ruleKeywords,
  ...unsupportedProxyKeywords,
]

/** The keywords of `defaults`, `frontend`, `listen` and `backend`. */
export const proxyTable = new KeywordTable<ProxyDraft>(proxyEntries)

/** The same with actions of a user's own; one that has the name of a keyword takes its place. */
export function proxyTableWith(infos: readonly UserActionInfo[]): KeywordTable<ProxyDraft> {
  if (infos.length === 0) return proxyTable
  return new KeywordTable([...proxyEntries, ...actionKeywords(infos.map(userAction))])
}

/** Every keyword of every section, in the order of the sections. */
export const keywords: readonly KeywordInfo[] = [
  ...globalTable.entries,
  ...proxyTable.entries,
  ...bindTable.entries,
  ...serverTable.entries,
  ...fcgiTable.entries,
  ...httpErrorsTable.entries,
  ...spoeAgentTable.entries,
  ...spoeMessageTable.entries,
  ...spoeGroupTable.entries,
]
