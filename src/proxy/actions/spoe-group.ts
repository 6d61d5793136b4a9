/** `send-spoe-group <engine> <group>`: asks the agent in the middle of the rules. */
import type { SpoeGroupAction } from '../../config/index.ts'
import { Flow } from '../stream/flow.ts'
import type { RuleAction } from '../plan/plan.ts'
import { backendFilters } from '../stream/steps.ts'
import type { SpoeMessagePlan } from '../plan/spoe.ts'
import type { ActionCompilers } from './context.ts'

/**
 * The rules go on when the answer is there: the action is not run again, since the rule set remembers the next rule.
 * @param engine the name of a filter of the same section
 */
export function sendSpoeGroup(
  engine: string,
  group: string,
  messages: readonly SpoeMessagePlan[],
): RuleAction {
  return {
    type: 'send-spoe-group',
    run(stream) {
      const { frontend, chosenBackend } = stream
      const filters = [
        ...frontend.filters,
        ...(chosenBackend === undefined ? [] : backendFilters(frontend, chosenBackend)),
      ]
      const index = filters.findIndex((each) => each.plan.name === engine)
      const filter = filters[index]
      if (filter === undefined) return Flow.Next
      return filter.process(stream, index, messages, `GROUP:${group}`)
    },
  }
}

/** The only one. An engine or a group that does not exist was reported when the SPOE files were checked. */
export const spoeGroupCompilers: ActionCompilers<SpoeGroupAction> = {
  'send-spoe-group': ({ engine, group }, context) => {
    const messages = context.groupMessages(engine.text, group.text)
    return messages === undefined ? undefined : sendSpoeGroup(engine.text, group.text, messages)
  },
}
