/** The live page in a real browser: it loads, moves, filters, outlives its agent, and does not grow. */
import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { createAgent, IpAddress, type Agent, type StatusOptions } from 'sluice/agent'
import { SpopClient } from '../support/spop-client.ts'

const wide: BrowserContextOptions = { viewport: { width: 1440, height: 900 }, colorScheme: 'dark' }
const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, colorScheme: 'light' }

let browser: Browser
before(async () => {
  // The sandbox of Chromium does not start as root, which containers of tests are.
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
})
after(() => browser.close())

interface Shown {
  readonly page: Page
  /** What the browser has complained of: violations of the policy are there, too. */
  readonly complaints: string[]
}

async function show(t: TestContext, url: string, options: BrowserContextOptions = wide): Promise<Shown> {
  const context = await browser.newContext(options)
  t.after(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  await page.goto(url)
  return { page, complaints }
}

interface Served {
  readonly agent: Agent
  readonly url: string
  readonly client: SpopClient
}

async function serve(t: TestContext, options: StatusOptions = {}, where = '127.0.0.1:0'): Promise<Served> {
  const agent = createAgent({ logger: false, closeDelay: 5 })
  t.after(() => agent.destroy())
  agent.message('get-ip-reputation', { ip: 'ip' }, ({ ip }, actions) => {
    actions.setVar('txn', 'verdict', ip.v4 % 2 === 0 ? 'allow' : 'deny')
  })
  agent.message('check-user', (_, actions) => {
    actions.setVar('txn', 'verdict', 'allow')
  })
  agent.message('broken', () => {
    throw new Error('no such table')
  })
  await agent.listen('127.0.0.1:0')
  const { url } = await agent.serveStatus(where, { name: 'reputation', verdict: 'verdict', ...options })
  const hello = { capabilities: 'pipelining,async', engineId: 'engine-of-the-test' }
  const client = await SpopClient.open(agent.addresses[0] ?? assert.fail(), hello)
  return { agent, url, client }
}

/** Sends one of each message, again and again, until the test is over. */
function keepAsking(t: TestContext, client: SpopClient): void {
  let over = false
  t.after(() => (over = true))
  const ask = async () => {
    for (let count = 0; !over; count++) {
      await client.notify({
        name: 'get-ip-reputation',
        args: [['ip', IpAddress.parse(`192.0.2.${count % 250}`)]],
      })
      await client.notify({
        name: 'check-user',
        args: [
          ['cookie', 'sid=secret'],
          ['path', '/a?token=secret'],
        ],
      })
      if (count % 10 === 0) await client.notify({ name: 'broken', args: [] })
      await sleep(5)
    }
  }
  ask().catch(() => {})
}

const text = (page: Page, selector: string) => page.locator(selector).first().innerText()
/** Waits until an expression is true in the page. (`waitForFunction` would want eval, which the policy forbids.) */
async function becomesTrue(page: Page, expression: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (await page.evaluate<boolean>(expression)) return
    await sleep(50)
  }
  assert.fail(`did not come true within half a minute: ${expression}`)
}

const overflow = (page: Page) => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')

describe('the live page', () => {
  it('loads, moves, and says what goes wrong, without a complaint of the browser', async (t) => {
    const { url, client } = await serve(t, { recent: 20 })
    keepAsking(t, client)
    const { page, complaints } = await show(t, url)
    await page.locator('.fresh.live').waitFor()
    assert.equal(await page.title(), 'reputation · agent')
    assert.equal(await page.locator('.uplot').count(), 4)
    const total = async () => Number((await text(page, '.tile .note')).replace(/\D/g, ''))
    const before = await total()
    await becomesTrue(
      page,
      `Number(document.querySelector('.tile .note').textContent.replace(/\\D/g, '')) > ${before}`,
    )
    const rows = page.locator('.rows tbody tr')
    assert.deepEqual((await rows.locator('th a').allInnerTexts()).toSorted(), [
      'broken',
      'check-user',
      'get-ip-reputation',
    ])
    await page.locator('text=a handler failed').first().waitFor()
    await page.locator('text=HAProxy 1.8 to 3.0').waitFor()
    const verdicts = page.locator('section[aria-label="Verdicts: verdict"] tbody th')
    await becomesTrue(
      page,
      `document.querySelectorAll('section[aria-label="Verdicts: verdict"] tbody tr').length === 2`,
    )
    assert.deepEqual((await verdicts.allInnerTexts()).toSorted(), ['allow', 'deny'])
    const recent = await text(page, 'section[aria-label="Recent messages"]')
    assert.match(recent, /\[redacted\]/)
    assert.doesNotMatch(recent, /secret/)
    // A chart is drawn when something is in its canvas.
    await becomesTrue(
      page,
      `[...document.querySelectorAll('.uplot canvas')].every((each) => each.width > 100)`,
    )
    assert.deepEqual(complaints, [])
  })

  it('filters, sorts, narrows and pauses, by keys and clicks, and the URL says so', async (t) => {
    const { url, client } = await serve(t)
    keepAsking(t, client)
    const { page, complaints } = await show(t, url)
    await page.locator('.fresh.live').waitFor()
    const names = page.locator('.rows tbody th a')
    await page.keyboard.press('/')
    await page.keyboard.type('user')
    await becomesTrue(page, `document.querySelectorAll('.rows tbody tr').length === 1`)
    assert.deepEqual(await names.allInnerTexts(), ['check-user'])
    assert.match(page.url(), /\?q=user$/)
    // A state that comes meanwhile does not take away what is typed.
    await page.keyboard.type('x')
    await sleep(1200)
    assert.equal(await page.locator('input[name=q]').inputValue(), 'userx')
    await page.keyboard.press('Escape')
    await becomesTrue(page, `document.querySelectorAll('.rows tbody tr').length === 3`)
    await page.locator('.rows thead a', { hasText: 'total' }).click()
    assert.match(page.url(), /sort=-received/)
    await names.filter({ hasText: 'check-user' }).click()
    await page.locator('p.narrowed b', { hasText: 'check-user' }).waitFor()
    assert.match(page.url(), /row=check-user/)
    await page.keyboard.press('1')
    assert.match(page.url(), /minutes=1/)
    // Another page of that URL shows the same.
    const again = await show(t, page.url())
    await again.page.locator('p.narrowed b', { hasText: 'check-user' }).waitFor()
    await page.keyboard.press(' ')
    await page.locator('.fresh.paused').waitFor()
    const still = await text(page, '.snapshot')
    await sleep(2100)
    assert.equal(await text(page, '.snapshot'), still)
    await page.keyboard.press(' ')
    await becomesTrue(page, `document.querySelector('.snapshot').textContent !== ${JSON.stringify(still)}`)
    await page.keyboard.press('?')
    await page.locator('dialog.help').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog.help').waitFor({ state: 'detached' })
    const theme = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    const dark = await theme()
    await page.keyboard.press('t')
    assert.notEqual(await theme(), dark)
    assert.deepEqual([...complaints, ...again.complaints], [])
  })

  it('outlives a restart of the agent: the charts go on, the counters begin anew', async (t) => {
    const { agent, url, client } = await serve(t)
    keepAsking(t, client)
    const { page } = await show(t, url)
    await page.locator('.fresh.live').waitFor()
    const boot = (await text(page, '.snapshot')).slice(0, -4)
    agent.destroy()
    await page.locator('.fresh.lost').waitFor()
    const next = await serve(t, {}, new URL(url).host)
    keepAsking(t, next.client)
    await page.locator('.fresh.live').waitFor()
    assert.ok(!(await text(page, '.snapshot')).startsWith(boot))
    await becomesTrue(page, `Number(document.querySelector('.tile .figure b').textContent) > 0`)
  })

  it('is of use on a phone, and without JavaScript', async (t) => {
    const { url, client } = await serve(t)
    keepAsking(t, client)
    const small = await show(t, url, phone)
    await small.page.locator('.fresh.live').waitFor()
    assert.equal(await overflow(small.page), 0)
    const plain = await show(t, url, { ...wide, javaScriptEnabled: false })
    assert.deepEqual((await plain.page.locator('.rows tbody th a').allInnerTexts()).length, 3)
    await plain.page.locator('.rows tbody th a', { hasText: 'check-user' }).click()
    await plain.page.locator('p.narrowed b').waitFor()
    await plain.page.locator('input[name=q]').fill('nothing')
    await plain.page.keyboard.press('Enter')
    await plain.page.locator('text=None that the filter leaves.').first().waitFor()
    assert.deepEqual([...small.complaints, ...plain.complaints], [])
  })

  it('changes the list of recent messages with the token, and with no other', async (t) => {
    const token = 'a token of more than 16'
    const { url, client } = await serve(t, { token })
    keepAsking(t, client)
    const { page } = await show(t, url)
    await page.locator('.fresh.live').waitFor()
    await page.keyboard.press('?')
    await page.locator('[data-act="trace on"]').click()
    await page.locator('.said', { hasText: 'the token is missing or wrong' }).waitFor()
    await page.locator('input[name=token]').fill(token)
    await page.locator('[data-act="trace on"]').click()
    await page.locator('section[aria-label="Recent messages"] tbody tr').first().waitFor()
  })

  it('does not grow, whatever comes', async (t) => {
    const { url, client } = await serve(t, { recent: 20 })
    let over = false
    t.after(() => (over = true))
    // About ten thousand a second, a hundred at a time.
    const flood = async () => {
      while (!over) {
        const batch = Array.from({ length: 100 }, () =>
          client.notify({ name: 'check-user', args: [['path', '/']] }),
        )
        await Promise.all([...batch, sleep(10)])
      }
    }
    flood().catch(() => {})
    const { page, complaints } = await show(t, url)
    const session = await page.context().newCDPSession(page)
    const measure = async () => {
      await session.send('HeapProfiler.collectGarbage')
      const { usedSize } = await session.send('Runtime.getHeapUsage')
      return { heap: usedSize, nodes: await page.evaluate<number>('document.querySelectorAll("*").length') }
    }
    await becomesTrue(
      page,
      `document.querySelectorAll('section[aria-label="Recent messages"] tbody tr').length === 20`,
    )
    const first = await measure()
    await sleep(4000)
    const then = await measure()
    assert.ok(Math.abs(then.nodes - first.nodes) < 40, `${first.nodes} elements became ${then.nodes}`)
    assert.ok(then.heap < first.heap + 2_000_000, `${first.heap} bytes became ${then.heap}`)
    assert.deepEqual(complaints, [])
  })
})
