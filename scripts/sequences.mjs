// npm run sequences: random configurations and random traffic through HAProxy and through sluice, every answer compared.
//   --kind NAME     what traffic: http, fcgi, tcp, spoe or all (default: all)
//   --count N       how many sequences of each kind (default: 1000)
//   --seed X        the same seed gives the same configurations and sequences (default: the time)
//   --only K        the K-th sequence alone
//   --self          HAProxy on both sides: a difference is a fault of this tool
//   --shrinks N     how many differences of one form are made smaller (default: 2)
//   --jobs N        configurations at the same time (default: 2)
//   --together N    sequences of one configuration (default: as the kind says); another N makes other sequences
//   --without LIST  leaves rules or spoe out of the configurations, deaths out of the servers
import { spawnSync } from 'node:child_process'

for (const args of [
  ['scripts/build.mjs'],
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.test.json'],
  ['--enable-source-maps', '.build/test/sequences/main.js', ...process.argv.slice(2)],
]) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
