/**
 * WordPress, DokuWiki and Adminer as Debian packages them, in a browser: examples/php-site serves their files, a real php-fpm
 * runs their scripts, and nothing else is there.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { skipWithoutBrowser, startBrowser } from '../support/browser.ts'
import { skipWithoutMariadb, startMariadb } from '../support/mariadb.ts'
import type { Mariadb } from '../support/mariadb.ts'
import { skipWithoutPhpFpm, startPhpFpm } from '../support/php-fpm.ts'
import type { PhpFpm } from '../support/php-fpm.ts'
import { askOnce } from '../support/raw-http.ts'
import { startSluice } from '../support/sluice.ts'
import type { Sluice } from '../support/sluice.ts'

const extensions = 'ctype dom exif fileinfo gd iconv mysqlnd mysqli simplexml tokenizer xml'.split(' ')

/** The rules of docs/fcgi.md for what an application keeps beside its pages. */
const closedFolders = `
    http-request deny if { path,url_dec -m sub // /./ /../ }
    http-request deny if { path,url_dec -m reg ^/(bin|conf|data|inc|vendor)/ }`

const title = 'Größe & Übung – 日本語'
const words = 'Ein Satz über Straßen, naïve façade, Ελληνικά, 漢字 und 𝄞.'
const password = 'pässwörd-Gw7#kL2!qZ'

function skipWithoutPackage(name: string): false | string {
  if (existsSync(`/usr/share/${name}`)) return false
  const reason = `${name} is not installed (Debian: apt-get install ${name})`
  if (process.env['CI']) throw new Error(reason)
  process.stderr.write(`\nSKIPPED: ${reason}\n\n`)
  return reason
}

const skip = skipWithoutPhpFpm() || skipWithoutBrowser()

describe('in a browser, through examples/php-site alone', { skip }, () => {
  let php: PhpFpm
  let database: Mariadb
  let browser: Browser
  before(async () => {
    ;[php, database, browser] = await Promise.all([
      startPhpFpm({
        scripts: {},
        children: 6,
        ini: [...extensions.map((name) => `extension=${name}`), 'zend_extension=opcache'],
        settings: ['php_admin_value[memory_limit] = 256M', 'php_admin_value[upload_max_filesize] = 16M'],
      }),
      startMariadb(['CREATE DATABASE wordpress CHARACTER SET utf8mb4']),
      startBrowser(),
    ])
  })
  after(async () => {
    await browser?.close()
    await Promise.all([php?.stop(), database?.stop()])
  })

  /** The site of a folder below php-fpm's, and a page of a browser that has never seen it. */
  async function openSite(folder: string, rules = '') {
    const text = readFileSync('examples/php-site/haproxy.cfg', 'utf8')
    const sluice = await startSluice({
      ports: ['fe'],
      config: ({ fe }) =>
        text.replace('${PORT-8080}', String(fe)).replace(/^backend php$/m, (line) => line + rules),
      env: { DOCROOT: join(php.docroot, folder), PHP_FPM: php.socket },
    })
    const context = await browser.newContext()
    const page = await context.newPage()
    page.setDefaultTimeout(30_000)
    const failed: string[] = []
    page.on('response', (response) => {
      // DokuWiki's installer shows a picture to those who have not closed its folders.
      const isMeant = response.url().includes('/dont-panic')
      if (response.status() >= 400 && !isMeant) failed.push(`${response.status()} ${response.url()}`)
    })
    return { sluice, page, failed, url: `http://127.0.0.1:${sluice.ports.fe}` }
  }

  describe('WordPress', { skip: skipWithoutPackage('wordpress') || skipWithoutMariadb() }, () => {
    let sluice: Sluice<'fe'>
    let page: Page
    let failed: string[] = []
    let url = ''
    before(async () => {
      const docroot = join(php.docroot, 'wordpress')
      copy('/usr/share/wordpress', docroot)
      writeFileSync(
        join(docroot, 'wp-config.php'),
        `<?php
define('DB_NAME', 'wordpress'); define('DB_USER', 'w'); define('DB_PASSWORD', 'w');
define('DB_HOST', 'localhost:${database.socket}'); define('DB_CHARSET', 'utf8mb4');
define('WP_HTTP_BLOCK_EXTERNAL', true); define('AUTOMATIC_UPDATER_DISABLED', true);
$table_prefix = 'wp_';
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require ABSPATH . 'wp-settings.php';`,
      )
      ;({ sluice, page, failed, url } = await openSite('wordpress'))
    })
    after(() => sluice?.stop())

    it('is installed', async () => {
      await page.goto(`${url}/`)
      assert.match(page.url(), /\/wp-admin\/install\.php$/)
      // Its own suggestion comes when a script that judges passwords has been loaded, and takes the place of what is there.
      await page.waitForSelector('#pass-strength-result.strong')
      // A script may still write into the form: what is sent is what stands there then.
      const fields = {
        weblog_title: title,
        user_login: 'redaktion',
        pass1: password,
        admin_email: 'a@example.org',
      }
      for (let settled = false; !settled;) {
        for (const [id, text] of Object.entries(fields)) await page.fill(`#${id}`, text)
        const seen = await Promise.all(Object.keys(fields).map((id) => page.inputValue(`#${id}`)))
        settled = seen.join() === Object.values(fields).join()
      }
      await page.click('#submit')
      await page.waitForSelector('a[href*="wp-login.php"]')
    })

    it('lets its administrator in', async () => {
      await page.goto(`${url}/wp-admin/`)
      await page.fill('#user_login', 'redaktion')
      await page.fill('#user_pass', password)
      await page.click('#wp-submit')
      await page.waitForSelector('#wpadminbar')
      assert.match(await page.innerText('#wp-admin-bar-site-name > a'), /Größe & Übung – 日本語/)
    })

    it('publishes what is written in its editor', async () => {
      await page.goto(`${url}/wp-admin/post-new.php`)
      await page.waitForSelector('.components-guide')
      await page.keyboard.press('Escape')
      await page.locator('.editor-post-title__input').click()
      await page.keyboard.type(title)
      await page.keyboard.press('Enter')
      await page.keyboard.insertText(words)
      await page.click('.editor-post-publish-panel__toggle')
      await page.click('.editor-post-publish-panel .editor-post-publish-button')
      const link = page.locator('.post-publish-panel__postpublish-buttons a').first()
      const address = (await link.getAttribute('href')) ?? ''
      // WordPress has asked itself whether the front controller serves such addresses.
      assert.match(address, /^http:\/\/127\.0\.0\.1:\d+\/\d{4}\/\d\d\/\d\d\/[^/]+\/$/)
      await page.goto(address)
      assert.match(await page.innerText('main'), /Ελληνικά, 漢字 und 𝄞/)
    })

    it('takes an upload, makes smaller ones of it, and its file is served', async () => {
      const picture = await page.screenshot()
      await page.goto(`${url}/wp-admin/media-new.php?browser-uploader`)
      await page.setInputFiles('#async-upload', {
        name: 'Grüße 漢字.png',
        mimeType: 'image/png',
        buffer: picture,
      })
      await Promise.all([page.waitForURL(/upload\.php/), page.click('#html-upload')])
      const [media] = (await (await page.request.get(`${url}/wp-json/wp/v2/media`)).json()) as Media[]
      assert.ok(media !== undefined)
      const original = await page.request.get(media.source_url)
      assert.equal(original.headers()['content-type'], 'image/png')
      assert.deepEqual(await original.body(), picture)
      await page.goto(media.media_details.sizes['thumbnail']?.source_url ?? '')
      const size = await page.evaluate('[document.images[0].naturalWidth, document.images[0].naturalHeight]')
      assert.deepEqual(size, [150, 150])
    })

    it('finds what was written', async () => {
      await page.goto(`${url}/?s=${encodeURIComponent('漢字')}`)
      assert.match(await page.innerText('main'), /Größe & Übung – 日本語/)
      await page.goto(`${url}/?s=${encodeURIComponent('nirgends')}`)
      assert.doesNotMatch(await page.innerText('main'), /Größe/)
    })

    it('had no answer that failed', () => assertClean(sluice, failed))
  })

  describe('DokuWiki', { skip: skipWithoutPackage('dokuwiki') }, () => {
    let sluice: Sluice<'fe'>
    let page: Page
    let failed: string[] = []
    let url = ''
    before(async () => {
      const docroot = join(php.docroot, 'dokuwiki')
      copy('/usr/share/dokuwiki', docroot)
      // Debian keeps settings and data elsewhere; here they are where DokuWiki itself has them.
      rmSync(join(docroot, 'inc/preload.php'))
      const isOurs = (path: string): boolean => !/\/(local|acl\.auth|users\.auth)\.php$/.test(path)
      cpSync('/etc/dokuwiki', join(docroot, 'conf'), { recursive: true, filter: isOurs })
      const settings = join(docroot, 'conf/dokuwiki.php')
      writeFileSync(settings, readFileSync(settings, 'utf8').replace('/var/lib/dokuwiki/data', './data'))
      copy('/var/lib/dokuwiki/data', join(docroot, 'data'))
      ;({ sluice, page, failed, url } = await openSite('dokuwiki', closedFolders))
    })
    after(() => sluice?.stop())

    it('is installed', async () => {
      await page.goto(`${url}/install.php`)
      await page.fill('[name="d[title]"]', title)
      await page.fill('[name="d[superuser]"]', 'redaktion')
      await page.fill('[name="d[fullname]"]', 'Jörg Größe')
      await page.fill('[name="d[email]"]', 'a@example.org')
      await page.fill('[name="d[password]"]', password)
      await page.fill('[name="d[confirm]"]', password)
      await page.click('[name="submit"]')
      await page.waitForSelector('text=finished successfully')
    })

    it('lets its administrator in', async () => {
      await page.goto(`${url}/doku.php?do=login`)
      await page.fill('#dw__login [name="u"]', 'redaktion')
      await page.fill('#dw__login [name="p"]', password)
      await page.click('#dw__login button[type="submit"]')
      await page.waitForSelector('text=Jörg Größe')
    })

    it('publishes what is written', async () => {
      await page.goto(`${url}/doku.php?id=${encodeURIComponent('straße:漢字')}&do=edit`)
      await page.fill('#wiki__text', `====== ${title} ======\n\n${words}\n`)
      await page.click('#edbtn__save')
      await page.waitForSelector('h1.sectionedit1')
      assert.match(await page.innerText('.page'), /Ελληνικά, 漢字 und 𝄞/)
      // Its indexer is a picture of the page.
      await page.waitForLoadState('networkidle')
    })

    it('takes an upload, and hands it out', async () => {
      const picture = await page.screenshot()
      await page.goto(`${url}/lib/exe/mediamanager.php?ns=wiki`)
      await page.setInputFiles('.qq-upload-button input', {
        name: 'Grüße.png',
        mimeType: 'image/png',
        buffer: picture,
      })
      await page.click('#mediamanager__upload_button')
      await page.waitForSelector('.qq-upload-success')
      const answer = await page.request.get(
        `${url}/lib/exe/fetch.php?media=${encodeURIComponent('wiki:grüße.png')}`,
      )
      assert.equal(answer.headers()['content-type'], 'image/png')
      assert.deepEqual(await answer.body(), picture)
    })

    it('finds what was written', async () => {
      await page.goto(`${url}/doku.php?do=search&q=${encodeURIComponent('façade')}`)
      await page.waitForSelector('.search_fullpage_result')
      assert.match(await page.innerText('.search_fullpage_result'), /漢字/)
    })

    it('shows nobody what it keeps beside its pages, however it is spelt', async () => {
      for (const path of [
        'conf/local.php',
        'conf/users.auth.php',
        'data/pages/wiki/syntax.txt',
        'inc/lang/en/install.html',
      ]) {
        assert.ok(existsSync(join(php.docroot, 'dokuwiki', path)), path)
        const [folder = '', ...rest] = path.split('/')
        const coded = `%${folder.charCodeAt(0).toString(16)}${folder.slice(1)}`
        for (const spelt of [
          path,
          `/${path}`,
          `lib%2f..%2f${path}`,
          `lib/.%2e/${path}`,
          `%2e/${path}`,
          [coded, ...rest].join('/'),
        ]) {
          const reply = await statusOf(sluice.ports.fe, `/${spelt}`)
          assert.equal(reply, '403', spelt)
        }
      }
    })

    it('had no answer that failed', () => assertClean(sluice, failed))
  })

  describe('Adminer', { skip: skipWithoutPackage('adminer') || skipWithoutMariadb() }, () => {
    let sluice: Sluice<'fe'>
    let page: Page
    let failed: string[] = []
    let url = ''
    before(async () => {
      mkdirSync(join(php.docroot, 'adminer'))
      copy('/usr/share/adminer/adminer.php', join(php.docroot, 'adminer/index.php'))
      ;({ sluice, page, failed, url } = await openSite('adminer'))
    })
    after(() => sluice?.stop())

    const at = (query: string) =>
      `${url}/?server=${encodeURIComponent(`localhost:${database.socket}`)}&username=jörg&${query}`

    it('lets its user in', async () => {
      await page.goto(url)
      await page.fill('[name="auth[server]"]', `localhost:${database.socket}`)
      await page.fill('[name="auth[username]"]', 'jörg')
      await page.fill('[name="auth[password]"]', password)
      await page.click('input[type="submit"]')
      await page.waitForSelector('#logout, [name="logout"]')
    })

    it('takes an upload, and runs it', async () => {
      const sql = [
        'CREATE DATABASE `prüfung` CHARACTER SET utf8mb4;',
        'CREATE TABLE `prüfung`.`wörter` (`id` int PRIMARY KEY AUTO_INCREMENT, `wort` text);',
        ...Array.from(
          { length: 500 },
          (_, n) => `INSERT INTO \`prüfung\`.\`wörter\` (wort) VALUES ('wort ${n} ${words}');`,
        ),
      ].join('\n')
      await page.goto(at('import='))
      await page.setInputFiles('[name="sql_file[]"]', {
        name: 'Grüße.sql',
        mimeType: 'text/plain',
        buffer: Buffer.from(sql),
      })
      await page.click('input[type="submit"][value="Execute"]')
      await page.waitForSelector('text=502 queries executed OK')
    })

    it('writes a row', async () => {
      await page.goto(at(`db=${encodeURIComponent('prüfung')}&edit=${encodeURIComponent('wörter')}`))
      await page.fill('[name="fields[wort]"]', title)
      await page.click('input[type="submit"][value="Save"]')
      await page.waitForSelector('.message')
    })

    it('finds it', async () => {
      const where = `where[0][col]=wort&where[0][op]=LIKE+%25%25&where[0][val]=${encodeURIComponent('日本')}`
      await page.goto(
        at(`db=${encodeURIComponent('prüfung')}&select=${encodeURIComponent('wörter')}&${where}`),
      )
      assert.match(await page.innerText('#table'), /Größe & Übung – 日本語/)
      assert.equal(await page.locator('#table tbody tr').count(), 1)
    })

    it('had no answer that failed', () => assertClean(sluice, failed))
  })
})

interface Media {
  readonly source_url: string
  readonly media_details: { readonly sizes: Readonly<Record<string, { readonly source_url: string }>> }
}

/** Status of the answer to a path that is sent as it is. */
async function statusOf(port: number, path: string): Promise<string> {
  const reply = await askOnce(port, `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
  return typeof reply === 'string' ? reply : (reply.line.split(' ')[1] ?? '')
}

/** Neither the browser nor the log has seen a status that says so. */
function assertClean(sluice: Sluice<'fe'>, failed: readonly string[]): void {
  assert.deepEqual(failed, [])
  assert.doesNotMatch(sluice.logs(), / 5\d\d \d+ /)
}

/** With what links point to; what points nowhere is left out. */
function copy(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-rL', from, to], { encoding: 'utf8' })
  if (status !== 0 && !existsSync(to)) throw new Error(stderr)
}
