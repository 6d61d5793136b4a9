/** All keywords: the tables that the readers use, and one list of everything for documentation and tests. */
import { bindTable } from './bind.ts'
import type { ProxyDraft } from './draft.ts'
import { KeywordTable } from './keyword.ts'
import type { KeywordInfo } from './keyword.ts'
import { httpErrorsTable } from './keywords-errors.ts'
import { fcgiTable } from './keywords-fcgi.ts'
import { globalTable } from './keywords-global.ts'
import { optionKeywords } from './keywords-options.ts'
import { proxyKeywords } from './keywords-proxy.ts'
import { spoeAgentTable, spoeGroupTable, spoeMessageTable } from './keywords-spoe.ts'
import { unsupportedProxyKeywords } from './keywords-unsupported.ts'
import { ruleKeywords } from './rules.ts'
import { serverTable } from './server.ts'

/** The keywords of `defaults`, `frontend`, `listen` and `backend`. */
export const proxyTable = new KeywordTable<ProxyDraft>([
  ...proxyKeywords,
  ...optionKeywords,
  ...ruleKeywords,
  ...unsupportedProxyKeywords,
])

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
