/** `sluice bench fcgi+unix://…` against the real php-fpm, which counts for itself. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LoadResult } from '#src/load/result.js'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import { runCli } from '../support/sluice.ts'

const scripts = {
  'count.php':
    '<?php file_put_contents(__DIR__ . "/seen.txt", $_SERVER["REQUEST_METHOD"] . " " . $_GET["n"] . " " . file_get_contents("php://input") . "\\n", FILE_APPEND | LOCK_EX); echo "ok";',
  'broken.php': '<?php http_response_code(500); echo "no";',
}

test(
  'php-fpm is asked what was said, and every answer is counted',
  { skip: skipWithoutPhpFpm() },
  async (t) => {
    const php = await startPhpFpm({ scripts, children: 2 })
    t.after(() => php.stop())
    const bench = (script: string, ...more: string[]) =>
      runCli([
        'bench',
        `fcgi+unix://${php.socket}`,
        ...`--script ${join(php.docroot, script)} --connections 2 --warmup 0ms --duration 400ms --timeout 10s`.split(
          ' ',
        ),
        ...more,
        '--json',
        '--quiet',
      ])
    const { code, stdout } = await bench(
      'count.php',
      ...'--uri /count.php?n=7 --method POST --body item-{seq} --param CONTENT_TYPE=text/plain'.split(' '),
    )
    assert.equal(code, 0, stdout)
    const { counts, errors } = JSON.parse(stdout) as LoadResult
    const seen = readFileSync(join(php.docroot, 'seen.txt'), 'utf8').trim().split('\n')
    assert.ok(counts.answers > 10)
    assert.deepEqual(
      [counts.answers, counts.sent, errors, counts.connections],
      [seen.length, seen.length, 0, 2],
    )
    const wanted = seen.map((_, at) => `POST 7 item-${at}`)
    assert.deepEqual([...seen].sort(), wanted.sort())

    const broken = await bench('broken.php', '--fail-if', 'errors>0')
    assert.equal(broken.code, 2)
    const { failures } = JSON.parse(broken.stdout) as LoadResult
    assert.deepEqual(
      failures.map(({ label }) => label),
      ['500'],
    )
  },
)
