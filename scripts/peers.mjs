// The real programs that the end-to-end tests talk to. On Debian, as root, missing ones are installed; elsewhere the
// missing ones are named, and so are the tests that will not run. Under CI that is a failure.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const peers = [
  { program: 'haproxy', paths: ['/usr/sbin/haproxy'], packages: ['haproxy'] },
  { program: 'php-fpm8.2', paths: ['/usr/sbin/php-fpm8.2'], packages: ['php8.2-fpm'] },
  { program: 'go', paths: [], packages: ['golang-go'] },
  { program: 'fcgiwrap', paths: ['/usr/sbin/fcgiwrap'], packages: ['fcgiwrap'] },
  { program: 'openssl', paths: [], packages: ['openssl'] },
  { program: 'nginx', paths: ['/usr/sbin/nginx'], packages: ['nginx-light'] },
  { program: 'apache2', paths: ['/usr/sbin/apache2'], packages: ['apache2'] },
  { program: 'lighttpd', paths: ['/usr/sbin/lighttpd'], packages: ['lighttpd'] },
  { program: 'spawn-fcgi', paths: [], packages: ['spawn-fcgi'] },
  { program: 'tshark', paths: [], packages: ['tshark'] },
  { program: 'redis-server', paths: [], packages: ['redis-server'] },
  { program: 'curl', paths: [], packages: ['curl'] },
  { program: 'chromium', paths: ['/usr/bin/chromium'], packages: ['chromium'] },
  { program: 'systemd-analyze', paths: [], packages: ['systemd'] },
  { program: 'mariadbd', paths: ['/usr/sbin/mariadbd'], packages: ['mariadb-server-core'] },
  {
    program: 'wordpress',
    paths: ['/usr/share/wordpress/wp-content/themes/twentytwentythree'],
    packages: ['wordpress', 'wordpress-theme-twentytwentythree', 'php8.2-mysql'],
  },
  { program: 'dokuwiki', paths: ['/usr/share/dokuwiki'], packages: ['dokuwiki'] },
  {
    program: 'Symfony HttpFoundation',
    paths: ['/usr/share/php/Symfony/Component/HttpFoundation/autoload.php'],
    packages: ['php-symfony-http-foundation'],
  },
  { program: 'adminer', paths: ['/usr/share/adminer'], packages: ['adminer'] },
]

const present = (peer) =>
  peer.paths.some(existsSync) || spawnSync('which', [peer.program], { stdio: 'ignore' }).status === 0

function mayInstall() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  return existsSync('/etc/debian_version') && spawnSync('which', ['apt-get']).status === 0
}

function install(packages) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  console.log(`installing ${packages.join(' ')} with apt-get: the end-to-end tests talk to them`)
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', ...packages],
  ]) {
    try {
      execFileSync('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env })
    } catch {
      console.error(`apt-get ${args[0]} failed`)
    }
  }
}

/** Makes the peers available, and returns the environment that tells the tests what to do about missing ones. */
export function preparePeers() {
  let missing = peers.filter((peer) => !present(peer))
  if (missing.length > 0 && mayInstall()) {
    install(missing.flatMap((peer) => peer.packages))
    missing = peers.filter((peer) => !present(peer))
  }
  if (missing.length === 0) return {}
  const names = missing.map((peer) => peer.program).join(', ')
  const how = `Debian and Ubuntu: apt-get install ${missing.flatMap((peer) => peer.packages).join(' ')}`
  console.error(
    `\nMISSING: ${names}. The tests in test/e2e and test/parity that need them are skipped.\n${how}\n`,
  )
  if (process.env.CI) {
    console.error('Under CI a missing peer is a failure.')
    process.exit(1)
  }
  return {}
}
