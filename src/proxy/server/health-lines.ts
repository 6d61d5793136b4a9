/** What is logged of health checks, as src/check.c and src/server.c of HAProxy write it. */
import type { Backend } from './backend.ts'
import type { Server } from './server.ts'

/** What a check has found. */
export interface CheckResult {
  readonly passed: boolean
  readonly status: string
  /** What follows the status: `, info: "…"`. */
  readonly details?: string
  /** More than HAProxy says, for our own logger. */
  readonly explanation?: string
}

/** `option log-health-checks`: a check has changed something, or says another thing than the one before it. */
export function checkLine(
  backend: Backend,
  server: Server,
  { passed, status, details = '' }: CheckResult,
  duration: number,
  count: string,
): string {
  const kind = server.backup ? 'backup server' : 'server'
  const what = `Health check for ${kind} ${backend.name}/${server.name} ${passed ? 'succeeded' : 'failed'}`
  return `${what}, reason: ${status}${details}, check duration: ${duration}ms, status: ${count}.`
}

/** A server has come up or gone down. Without a reason where the check itself is logged. */
export function changeLine(
  backend: Backend,
  server: Server,
  up: boolean,
  reason: (CheckResult & { readonly duration: number }) | undefined,
): string {
  const name = `${server.backup ? 'Backup ' : ''}Server ${backend.name}/${server.name}`
  const why =
    reason === undefined
      ? ''
      : `, reason: ${reason.status}${reason.details ?? ''}, check duration: ${reason.duration}ms`
  const { active, backup } = countUsable(backend)
  const onBackup = active === 0 && backup > 0 ? ' Running on backup.' : ''
  const count = `${active} active and ${backup} backup servers ${up ? 'online' : 'left'}.${onBackup}`
  const queued = backend.queue.size
  return up
    ? `${name} is UP${why}. ${count} 0 sessions requeued, ${queued} total in queue.`
    : `${name} is DOWN${why}. ${count} ${server.served} sessions active, 0 requeued, ${queued} remaining in queue.`
}

/** The last server of a section has gone down. */
export function noServerLine({ name, plan }: Backend): string {
  return `${plan.model.kind === 'listen' ? 'proxy' : plan.model.kind} ${name} has no server available!`
}

function countUsable({ servers }: Backend): { readonly active: number; readonly backup: number } {
  const usable = servers.filter((each) => each.usable)
  const backup = usable.filter((each) => each.backup).length
  return { active: usable.length - backup, backup }
}
