/** `send-spoe-group <engine> <group>`: asks the agent in the middle of the rules. */
import type { RuleAction } from '../plan/rule.ts'
import type { SpoeMessagePlan, SpoePlan } from '../plan/spoe.ts'

/** The rules go on when the answer is there: the action is not run again, since the rule set remembers the next rule. */
export function sendSpoeGroup(
  engine: SpoePlan,
  group: string,
  messages: readonly SpoeMessagePlan[],
): RuleAction {
  return {
    type: 'send-spoe-group',
    run: (stream) => stream.sendGroup(engine, messages, group),
  }
}
