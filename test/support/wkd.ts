import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Internet } from '../../src/core/public-fetch.ts'

const domain = 'newsroom.test'
const advanced = `openpgpkey.${domain}`

/** An https server that publishes keys as a Web Key Directory does, in a net of its own where nothing else is. */
export async function openKeyDirectory(t: TestContext) {
  const { key, cert } = certificate()
  const directory = {
    /** Which of its names the net knows. */
    hosts: [advanced, domain],
    asked: [] as string[],
    /** What it gives to whoever asks; 404 where it is undefined. */
    key: undefined as Buffer | undefined,
    /** Answers in its own way instead. */
    answer: undefined as ((res: ServerResponse) => void) | undefined,
    internet: {} as Internet,
  }
  const server = createServer({ key, cert }, (req: IncomingMessage, res: ServerResponse) => {
    directory.asked.push(`${req.headers.host?.split(':')[0]}${req.url}`)
    if (directory.answer) return directory.answer(res)
    if (directory.key) res.setHeader('content-type', 'application/octet-stream').end(directory.key)
    else res.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  directory.internet = {
    addressesOf: async (host) => (directory.hosts.includes(host) ? ['127.0.0.1'] : []),
    isAllowed: () => true,
    port: (server.address() as AddressInfo).port,
    ca: cert,
  }
  return directory
}

function certificate(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'barua-wkd-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  try {
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const names = ['-subj', `/CN=${domain}`, '-addext', `subjectAltName=DNS:${domain},DNS:${advanced}`]
    execFileSync('openssl', [...request, ...names, '-days', '2', '-keyout', key, '-out', cert], {
      stdio: 'ignore',
    })
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
