/** `notifySystemd` where there is no systemd. That it is told: test/e2e/systemd.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAgent, notifySystemd } from 'sluice/agent'

test('without NOTIFY_SOCKET nothing is looked at', () => {
  delete process.env['NOTIFY_SOCKET']
  let asked = 0
  const end = notifySystemd({
    get ready() {
      asked++
      return true
    },
  })
  end()
  assert.equal(asked, 0)
})

test('wrong options are refused by name', () => {
  const wrong = { loger: false } as object
  assert.throws(() => notifySystemd(createAgent(), wrong), { code: 'ERR_SLUICE_OPTION', message: /loger/ })
})
