/**
 * A headless Chromium for a test.
 *
 * @example
 * const browser = await startBrowser()
 * after(() => browser.close())
 * const page = await browser.newPage()
 */
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'

const program = '/usr/bin/chromium'

/** For the `skip` option of a test: false when it is here; under CI a missing one is an error. */
export function skipWithoutBrowser(): false | string {
  if (existsSync(program)) return false
  const reason = 'chromium is not installed (Debian: apt-get install chromium)'
  if (process.env['CI']) throw new Error(reason)
  process.stderr.write(`\nSKIPPED: ${reason}\n\n`)
  return reason
}

/** Starts one that asks nobody but the pages it is sent to. */
export function startBrowser(): Promise<Browser> {
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const quiet = ['no-first-run', 'disable-background-networking', 'disable-component-update', 'disable-sync']
  return chromium.launch({
    executablePath: program,
    args: [...root, '--disable-gpu', ...quiet.map((name) => `--${name}`)],
  })
}
