/**
 * A server of node:http that has php-fpm run the scripts of a folder, and serves the other files itself.
 *
 *     ROOT=/srv/www PHP_FPM=/run/php/php8.2-fpm.sock PORT=8080 node examples/php-fpm/node-http.js
 */
import { createServer } from 'node:http'
import serveStatic from 'serve-static'
import { phpFpm } from 'sluice/fcgi'

const root = process.env.ROOT ?? '/srv/www'
const php = phpFpm({
  root,
  socket: process.env.PHP_FPM ?? '/run/php/php8.2-fpm.sock',
  onError: (error, request) => console.error(request.url, error.message),
})
const files = serveStatic(root)

const server = createServer((request, response) => {
  // First PHP, which leaves what is no script to the files.
  php(request, response, () => {
    files(request, response, () => response.writeHead(404).end('not found\n'))
  })
})

server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`)
})
process.once('SIGTERM', () => {
  server.close(() => php.close())
  server.closeIdleConnections()
})
