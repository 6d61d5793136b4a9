/**
 * PHP within Express: scripts below the root, files by express.static, and routes of one's own beside them.
 *
 *     ROOT=/srv/www PHP_FPM=/run/php/php8.2-fpm.sock PORT=8080 node examples/php-fpm/express.js
 */
import express from 'express'
import { phpFpm } from 'sluice/fcgi'

const root = process.env.ROOT ?? '/srv/www'
const php = phpFpm({
  root,
  socket: process.env.PHP_FPM ?? '/run/php/php8.2-fpm.sock',
  onError: (error, request) => console.error(request.url, error.message),
})

const app = express()
app.get('/from-node', (request, response) => response.send('not PHP\n'))
app.use('/mounted', php) // the same scripts once more: /mounted/a.php
app.use(php) // before the files, and before parsers of bodies
app.use(express.static(root))

const server = app.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`)
})
process.once('SIGTERM', () => {
  server.close(() => php.close())
  server.closeIdleConnections()
})
