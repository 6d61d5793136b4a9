/** Whether the slots that `capture ... id` rules name are declared. */
import { ruleSets } from '../actions/rule-set.ts'
import type { ProxyDraft } from '../draft/proxy.ts'
import type { Diagnostics } from '../text/diagnostics.ts'

/** Reports slots that are not there. A backend has none of its own: those of its frontends are known at run time only. */
export function checkCaptures(proxy: ProxyDraft, diagnostics: Diagnostics): void {
  if (proxy.kind === 'backend') return
  for (const set of ruleSets) {
    for (const { action, place } of proxy.rules[set]) {
      if (action.type !== 'capture' || action.slot < proxy.captures[action.side].length) continue
      const message = `'${set} capture': ${proxy.kind} '${proxy.name}' has no ${action.side} slot ${action.slot}`
      const hint = `add 'declare capture ${action.side} len <length>'`
      diagnostics.error('CFG_ARGUMENT', action.slotWord?.place ?? place, message, hint)
    }
  }
}
