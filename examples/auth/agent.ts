/**
 * Sessions in a signed cookie. The request is asked about, and the response: the application behind HAProxy tells of a login
 * with `X-Login: NAME`, and the agent makes the cookie. The two belong together by HAProxy's `unique-id`.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { CorrelationStore, createAgent, type Agent, type AgentOptions } from 'sluice/agent'

/** What the agent is told from outside. */
export interface AuthOptions {
  /** The key of the signatures; who changes it ends all sessions. */
  readonly secret: string
  /** What a request gets that cannot be judged: `open` lets it pass, as nobody. */
  readonly failure: 'open' | 'closed'
  /** How long a cookie counts, in seconds; it is made anew after half of this. @default 3600 */
  readonly lifetime?: number
  /** More options of the agent. */
  readonly agent?: AgentOptions
}

interface Session {
  readonly user: string
  /** In seconds since 1970. */
  readonly until: number
}

/** What is known of a request until its response comes. */
interface Pending {
  readonly src: string
  readonly renewed: string | undefined
}

/** An agent that answers `check-session` with `ok` and `user`, and `set-session` with `cookie`. */
export function createAuth({ secret, failure, lifetime = 3600, agent: more = {} }: AuthOptions): Agent {
  const pending = new CorrelationStore<Pending>({ ttl: 60_000, maxEntries: 50_000 })
  const agent = createAgent({ deadline: 80, varPrefix: 'auth', ...more })
  const seconds = () => Math.floor(Date.now() / 1000)

  agent.message(
    'check-session',
    { id: 'string', src: 'ip?', cookie: 'string?' },
    ({ id, src, cookie }, actions) => {
      const address = src?.toString() ?? 'unix'
      const session = readCookie(secret, cookie ?? '', address)
      const valid = session !== undefined && session.until > seconds()
      const old = valid && session.until - seconds() < lifetime / 2
      pending.set(id, { src: address, renewed: old ? session.user : undefined })
      actions.setVar('txn', 'ok', valid)
      actions.setVar('txn', 'user', valid ? session.user : null)
    },
    {
      fallback: (actions) => {
        actions.setVar('txn', 'ok', failure === 'open')
        actions.setVar('txn', 'user', null)
      },
    },
  )

  // Without a fallback: a response whose cookie cannot be made leaves without it.
  agent.message('set-session', { id: 'string', login: 'string?' }, ({ id, login }, actions) => {
    const request = pending.take(id)
    const user = login ?? request?.renewed
    const made = request !== undefined && user !== undefined
    const cookie = made ? makeCookie(secret, { user, until: seconds() + lifetime }, request.src) : null
    actions.setVar('txn', 'cookie', cookie)
  })
  return agent
}

/**
 * `user.until.signature`. The signature is also of the client's address: a cookie that was stolen is of no use elsewhere. Keep it
 * short: beyond about 900 bytes HAProxy needs a larger `tune.maxrewrite`, or answers 500.
 */
export function makeCookie(secret: string, { user, until }: Session, src: string): string {
  const content = `${Buffer.from(user).toString('base64url')}.${until}`
  return `${content}.${sign(secret, content, src)}`
}

function readCookie(secret: string, cookie: string, src: string): Session | undefined {
  const [user = '', until = '', signature = ''] = cookie.split('.')
  const [given, wanted] = [signature, sign(secret, `${user}.${until}`, src)].map((text) => Buffer.from(text))
  if (given === undefined || wanted === undefined || given.length !== wanted.length) return undefined
  if (!timingSafeEqual(given, wanted)) return undefined
  return { user: Buffer.from(user, 'base64url').toString(), until: Number(until) }
}

function sign(secret: string, content: string, src: string): string {
  return createHmac('sha256', secret).update(`${content}.${src}`).digest('base64url')
}
