/** `send-spoe-group <engine> <group>`: asks the agent in the middle of the rules. */
import type { SpoeGroupAction } from '../../config/index.ts'
import type { RuleAction } from '../plan/rule.ts'
import type { ActionCompilers, GroupPlan } from './context.ts'

/** The rules go on when the answer is there: the action is not run again, since the rule set remembers the next rule. */
function sendSpoeGroup({ engine, messages }: GroupPlan, group: string): RuleAction {
  return {
    type: 'send-spoe-group',
    run: (stream) => stream.sendGroup(engine, messages, group),
  }
}

/** The only one. An engine or a group that does not exist was reported when the SPOE files were checked. */
export const spoeGroupCompilers: ActionCompilers<SpoeGroupAction> = {
  'send-spoe-group': ({ engine, group }, context) => {
    const plan = context.group(engine.text, group.text)
    return plan === undefined ? undefined : sendSpoeGroup(plan, group.text)
  },
}
