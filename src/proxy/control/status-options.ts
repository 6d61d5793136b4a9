/** What users see of a proxy's status port. */
import type { Endpoint } from '../../net/endpoint.ts'

/** Options of {@link Proxy.serveStatus}. */
export interface ProxyStatusOptions {
  /** What the page calls it. @default 'proxy' */
  name?: string | undefined
  /**
   * Names in the `Host` header that are taken for this port, beside addresses and localhost: `['proxy.example']`. `*` takes
   * all, and with it the protection from DNS rebinding. @default []
   */
  hosts?: readonly string[] | undefined
  /** Pages that may be open at a time. @default 16 */
  maxPages?: number | undefined
  /** Permissions of a unix socket, such as `0o660`. @default what the umask gives */
  mode?: number | undefined
  /** Whether `/metrics` has the process, too: not, where the program has metrics of its own. @default true */
  processMetrics?: boolean | undefined
}

/** A status port that listens. */
export interface ProxyStatusPort extends AsyncDisposable {
  /** Where it listens: the port that the kernel chose, when 0 was asked for. */
  readonly address: Endpoint
  /** What a browser is given; of a unix socket its name. */
  readonly url: string
  /** Cuts off open pages, and settles when the address is free again. */
  close(): Promise<void>
}
