/** Whether the `http-errors` sections that error pages and replies name exist, and have what they are asked for. */
import type { HttpReply } from '../actions/http-reply.ts'
import { ruleSets } from '../actions/rule-set.ts'
import type { ProxyDraft } from '../draft/proxy.ts'
import type { HttpErrorsDraft } from '../draft/sections.ts'
import type { Diagnostics } from '../text/diagnostics.ts'
import { didYouMean } from '../../base/suggest.ts'
import type { Word } from '../text/word.ts'

interface Reference {
  readonly section: Word
  /** Those that must be there. */
  readonly statuses: readonly number[]
  /** What happens when they are not. */
  readonly otherwise: string
}

/** Reports references that lead nowhere. */
export function checkErrorPages(
  proxies: readonly ProxyDraft[],
  httpErrors: readonly HttpErrorsDraft[],
  diagnostics: Diagnostics,
): void {
  const sections = new Map(httpErrors.map((each) => [each.name, each]))
  for (const proxy of proxies) {
    if (proxy.disabled) continue
    for (const { section: word, statuses, otherwise } of referencesOf(proxy)) {
      const section = sections.get(word.text)
      if (section === undefined) {
        const hint = didYouMean(word.text, [...sections.keys()])
        const message = `there is no http-errors section '${word.text}'`
        diagnostics.error('CFG_ERRORFILES', word.place, message, hint)
        continue
      }
      for (const status of statuses) {
        if (section.files.some((file) => file.status === status)) continue
        const message = `the http-errors section '${word.text}' has no page for status ${status}`
        diagnostics.warning('CFG_ERRORFILES', word.place, message, otherwise)
      }
    }
  }
}

const keepsPage = 'the page that there is without it is used'

function referencesOf(proxy: ProxyDraft): Reference[] {
  const references: Reference[] = []
  const add = ({ body, status }: HttpReply, otherwise: string): void => {
    if (body?.kind === 'errorfiles') references.push({ section: body.section, statuses: [status], otherwise })
  }
  for (const page of proxy.errorPages) {
    if (page.kind === 'http-error') add(page.reply, keepsPage)
    if (page.kind !== 'errorfiles') continue
    references.push({ section: page.section, statuses: page.statuses ?? [], otherwise: keepsPage })
  }
  for (const set of ruleSets) {
    for (const { action } of proxy.rules[set]) {
      if ('reply' in action) add(action.reply, 'a response without a body is sent')
    }
  }
  return references
}
