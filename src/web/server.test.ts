import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { listen } from './server.ts'

test('told to stop, it answers what a busy connection has sent and then lets it go', async () => {
  const waiting: ServerResponse[] = []
  let asked = () => {}
  const isAsked = new Promise<void>((resolve) => {
    asked = resolve
  })
  const server = await listen(
    (request, response) => {
      if (request.url === '/slow') {
        waiting.push(response)
        asked()
      } else response.end('at once')
    },
    0,
    '127.0.0.1',
    assert.fail,
  )
  const socket = connect(server.port, '127.0.0.1')
  let answers = ''
  socket.on('data', (chunk) => {
    answers += chunk
  })
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n')
  await isAsked

  const stopped = server.stop()
  socket.write('GET /next HTTP/1.1\r\nHost: x\r\n\r\n')
  waiting[0]?.end('after a while')
  await closed
  await stopped
  assert.match(answers, /after a while/)
  assert.match(answers, /Connection: close\r\n[\s\S]*at once$/)
})
